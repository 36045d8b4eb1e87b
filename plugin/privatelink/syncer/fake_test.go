package syncer

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// A fake is a source with a settable result of the next fetch.
type fake struct {
	name     string
	remote   bool
	interval time.Duration // 0: a minute
	stall    chan struct{} // if not nil, a fetch waits until it is closed
	next     atomic.Pointer[fetched]
	fetches  atomic.Int32
}

type fetched struct {
	list *source.List
	err  error
}

func (f *fake) Config() source.Config {
	return source.Config{Name: f.name, Interval: cmp.Or(f.interval, time.Minute), Remote: f.remote}
}

func (f *fake) Fetch(context.Context) (*source.List, error) {
	f.fetches.Add(1)
	if f.stall != nil {
		<-f.stall
	}
	n := f.next.Load()
	return n.list, n.err
}

// set sets the next list of the source, in the notation of listOf.
func (f *fake) set(entries ...string) { f.next.Store(&fetched{listOf(entries...), nil}) }

// fail sets the next list of the source, which may be nil, and an error.
func (f *fake) fail(list *source.List) { f.next.Store(&fetched{list, errors.New("it rains")}) }

func newFake(name string, entries ...string) *fake {
	f := &fake{name: name}
	f.set(entries...)
	return f
}

// listOf returns a complete list of entries "NAME ADDRESS... [from=ENDPOINT]". A name
// without a final dot is the blob name of an account. The default endpoint is
// /pe/NAME.
func listOf(entries ...string) *source.List {
	l := &source.List{Complete: true}
	for _, text := range entries {
		f := strings.Fields(text)
		e := source.Entry{FQDN: dnsname.Name(f[0]), Endpoint: source.IDOf("/pe/" + f[0])}
		if !strings.HasSuffix(f[0], ".") {
			e.FQDN += ".blob.core.windows.net."
		}
		for _, word := range f[1:] {
			if id, ok := strings.CutPrefix(word, "from="); ok {
				e.Endpoint = source.IDOf(id)
				continue
			}
			e.Addrs = append(e.Addrs, netip.MustParseAddr(word))
		}
		l.Entries = append(l.Entries, e)
	}
	return l
}
