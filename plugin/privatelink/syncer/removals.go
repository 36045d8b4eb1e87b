package syncer

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// maxRemovals bounds the removed names that are remembered.
const maxRemovals = 10_000

// removals has the last records of the names that are not served any more, the most
// recently removed ones. It outlives a reload.
type removals struct {
	mu  sync.Mutex
	all *simplelru.LRU[dnsname.Name, verdict.Removal]
}

func newRemovals() *removals {
	all, _ := simplelru.NewLRU[dnsname.Name, verdict.Removal](maxRemovals, nil) // the size is positive
	return &removals{all: all}
}

// note adds the names that next does not have. book is that of previous, and may be nil.
func (r *removals) note(previous, next *zone.Snapshot, book *verdict.Book) {
	at := time.Now().Truncate(time.Second)
	r.mu.Lock()
	defer r.mu.Unlock()
	for record := range next.Missing(previous) {
		gone := verdict.Removal{At: at, Addrs: record.Addrs}
		if book != nil {
			if e, l := book.Origin(record); e != nil {
				gone.Entry, gone.Source = *e, l.Source
			}
		}
		r.all.Add(record.Name, gone)
	}
}

func (r *removals) get(owner dnsname.Name) (verdict.Removal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.Peek(owner)
}
