package syncer

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	clog "github.com/coredns/coredns/plugin/pkg/log"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

var log = clog.NewWithPlugin("privatelink")

// A feed is a source with what is known of it. Feeds outlive the instance of
// the server that made them when a reload names the same source again.
type feed struct {
	source source.Source
	refs   int // guarded by feedsMu

	fetching sync.Mutex // held over a fetch, by nothing that must not wait for one

	mu       sync.Mutex
	list     *source.List                // the last one
	loaded   bool                        // a list was complete once
	restored bool                        // list is from the state file, none was complete since
	guard    guard                       // against a sudden loss
	held     int                         // names that it holds back
	failed   string                      // the text of the last fetch's error
	found    map[*Syncer]map[string]bool // the findings, which are logged once

	fetched  time.Time     // when the last fetch ended
	failures int           // fetches in a row that failed
	after    time.Duration // how long the source asked to be left alone
}

var (
	feedsMu sync.Mutex
	feeds   = map[string]*feed{}
)

func acquire(src source.Source) *feed {
	feedsMu.Lock()
	defer feedsMu.Unlock()
	f, ok := feeds[src.Config().Name]
	if !ok || static(src) {
		f = &feed{source: src, found: map[*Syncer]map[string]bool{}}
		feeds[src.Config().Name] = f
	}
	f.refs++
	return f
}

// static tells of records of the Corefile: they have nothing to keep, and may be
// others after a reload.
func static(src source.Source) bool {
	return src.Config().Static
}

func (f *feed) release(s *Syncer) {
	f.mu.Lock()
	delete(f.found, s)
	f.mu.Unlock()
	feedsMu.Lock()
	defer feedsMu.Unlock()
	name := f.source.Config().Name
	if f.refs--; f.refs == 0 && feeds[name] == f {
		delete(feeds, name)
		metrics.Forget(name)
	}
}

// restore gives a feed that knows nothing yet what a state file knows.
func (f *feed) restore(entries []source.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.list != nil {
		return
	}
	f.list, f.loaded, f.restored = &source.List{Entries: entries, Complete: true}, true, true
	f.guard.accepted = f.list
}

// fetch brings the feed's list up to date. It logs changes of state only.
func (f *feed) fetch(ctx context.Context) {
	f.fetching.Lock()
	defer f.fetching.Unlock()
	list, err := f.source.Fetch(ctx)
	if ctx.Err() != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fetched = time.Now()
	f.take(list)
	f.account(err)
}

// take replaces the list. A part of a list is better than nothing, but not than
// what the state file has.
func (f *feed) take(list *source.List) {
	if list == nil || !list.Complete && f.restored {
		return
	}
	before, name := f.held, f.source.Config().Name
	if list.Complete {
		list, f.held = f.guard.admit(list)
		f.loaded, f.restored = true, false
	}
	f.list = list
	metrics.HeldBack.WithLabelValues(name).Set(float64(f.held))
	switch {
	case f.held > 0 && before == 0:
		log.Errorf("%s: more than half of its names are gone, %d are still served until %d fetches agree: check the identity's permissions, and the export", name, f.held, agree)
	case f.held == 0 && before > 0:
		log.Infof("%s: no names are held back any more", name)
	}
}

func (f *feed) last() (list *source.List, loaded bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list, f.loaded
}

// account counts and logs how the last fetch ended.
func (f *feed) account(err error) {
	name := f.source.Config().Name
	if err == nil {
		metrics.LastSuccess.WithLabelValues(name).Set(float64(time.Now().Unix()))
		if f.failed != "" {
			log.Infof("%s: in order again", name)
		}
		f.failed, f.failures, f.after = "", 0, 0
		return
	}
	metrics.Failures.WithLabelValues(name).Inc()
	f.failures++
	f.after = 0
	if busy := (*source.RetryAfterError)(nil); errors.As(err, &busy) {
		f.after = busy.After
	}
	text := printable(strings.ReplaceAll(err.Error(), "\n", "; "))
	if text == f.failed {
		return
	}
	f.failed = text
	if f.loaded {
		log.Errorf("%s: %s (its last good records are served)", name, text)
		return
	}
	log.Errorf("%s: %s (not ready: names that are not loaded yet get SERVFAIL)", name, text)
}

const (
	maxBackOff = 10 * time.Minute
	maxAfter   = time.Hour // however long a source asks for
)

// due returns how long to wait for the next fetch: about every, a tenth more or
// less, as many instances that start together shall not ask together. A remote
// source that fails is asked less and less often. What was fetched before a
// reload counts.
func (f *feed) due(every time.Duration, remote bool) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.fetched.IsZero() && f.restored:
		return rand.N(every) // no hurry
	case f.fetched.IsZero():
		return rand.N(time.Second)
	}
	wait := every
	if remote && f.failures > 1 {
		wait = max(every, min(every<<min(f.failures-1, 10), maxBackOff))
	}
	wait = wait*9/10 + rand.N(wait/5+1)
	return time.Until(f.fetched.Add(max(wait, min(f.after, maxAfter))))
}
