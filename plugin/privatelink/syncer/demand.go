package syncer

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/privatelink-dns/privatelink-dns/plugin/clients"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

const (
	// demandTimeout is how long a query waits for a sync. Stub resolvers retry after 2 s or
	// more, so that they get the answer to their first query.
	demandTimeout = 1500 * time.Millisecond
	// remembered is how long a name that a sync did not bring starts no other one.
	remembered = 3 * time.Minute
	// rememberedPartly applies if a source was not read, or returned no list.
	rememberedPartly = 10 * time.Second
	// maxWanted bounds the names that are remembered. It exceeds the number of names that
	// can wait in that time, so that a flood of names does not make any of them forgotten.
	maxWanted = 10000
	// maxWaiting bounds the queries that wait at the same time.
	maxWaiting = 256
	// pause is how long names that are not of Azure Backup start no sync after one of them
	// found no source with a sync left. It makes a flood of them cheap.
	pause = time.Second
	// maxFresh is the number of new names in a minute that are no flood.
	maxFresh = 10
)

// A demand has the names that queries asked for and that no source has, and those that an
// endpoint has and that are not served. The zero value has none.
type demand struct {
	mu          sync.RWMutex
	names       *simplelru.LRU[string, *want]
	waiting     int
	fresh       *rate.Limiter // of new names; more of them are a flood
	pausedUntil atomic.Int64  // in nanoseconds since the epoch

	changed atomic.Pointer[chan struct{}] // closed by the next snapshot

	unserved atomic.Pointer[map[dnsname.Name]bool]
}

// A want is one name, and the sync that it has started.
type want struct {
	flood bool          // it is one of many new names
	done  chan struct{} // closed when the queries for the name wait no more
	until time.Time     // the name starts no other sync before
}

// store publishes a snapshot to the queries, and wakes those that wait for one.
func (s *Syncer) store(next *zone.Snapshot) {
	s.current.Store(next)
	if changed := s.demand.changed.Swap(nil); changed != nil {
		close(*changed)
	}
}

// next returns a channel that the next snapshot closes.
func (d *demand) next() <-chan struct{} {
	for {
		if changed := d.changed.Load(); changed != nil {
			return *changed
		}
		changed := make(chan struct{})
		if d.changed.CompareAndSwap(nil, &changed) {
			return changed
		}
	}
}

// Wanted reports whether Await may start a sync for a name that the zones lack, or wait
// for one. It does not allocate.
func (s *Syncer) Wanted(name string, now time.Time) bool {
	d := &s.demand
	if s.OnDemand == 0 || now.UnixNano() < d.pausedUntil.Load() && !s.Zones.BackupForm(name) {
		return false
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.names == nil {
		return true
	}
	w, ok := d.names.Peek(name)
	return !ok || !now.Before(w.until) || !w.ended()
}

func (w *want) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// Await syncs the sources, because a query asks for a name that the zones lack, and waits
// until the name is there, all sources have been read, or 1.5 s have passed. Queries for
// the same name wait together. It reports whether the query has waited, so that the
// snapshot may have the name now.
//
// The syncs are bounded: a source is read OnDemand times a minute at most, and a name that
// a sync did not bring starts no other one for three minutes. Names other than those of
// Azure Backup start at most half of the syncs, and a third in a flood of names. One client
// network starts at most two thirds of all, and at most half of these for such names.
func (s *Syncer) Await(name string, client netip.Addr) bool {
	now := time.Now()
	if !s.Wanted(name, now) || !s.Snapshot().Lacks(name) {
		return false
	}
	w, first := s.demand.join(name, now)
	switch {
	case w == nil:
		metrics.OnDemand.WithLabelValues("limited").Inc()
		return false
	case first:
		s.sync(name, clients.KeyOf(client), w)
	default:
		<-w.done
	}
	s.demand.leave()
	return true
}

// join returns the want of a name, and reports whether the caller has to start the sync.
// It returns nil if too many queries wait.
func (d *demand) join(name string, now time.Time) (w *want, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting >= maxWaiting {
		return nil, false
	}
	if d.names == nil {
		d.names, _ = simplelru.NewLRU[string, *want](maxWanted, nil) // the size is valid
		d.fresh = rate.NewLimiter(perMinute(maxFresh))
	}
	d.waiting++
	if w, ok := d.names.Get(name); ok && now.Before(w.until) {
		return w, false
	}
	w = &want{flood: !d.fresh.AllowN(now, 1), done: make(chan struct{}), until: now.Add(remembered)}
	d.names.Add(strings.Clone(name), w)
	return w, true
}

func (d *demand) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
}

// remember sets how long the name starts no other sync.
func (d *demand) remember(name string, long time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w, ok := d.names.Peek(name); ok {
		w.until = time.Now().Add(long)
	}
}

// forget removes a name that has started no sync, so that a flood of such names does not
// make others forgotten.
func (d *demand) forget(name string, w *want) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if have, ok := d.names.Peek(name); ok && have == w {
		d.names.Remove(name)
	}
}

// sync starts the sync of every source that may be read, and waits for them.
func (s *Syncer) sync(name string, network uint64, w *want) {
	defer close(w.done)
	as := s.priority(name, w)
	syncs, whole := s.startSyncs(name, network, as)
	if len(syncs) == 0 && !whole {
		s.demand.forget(name, w)
		if as != backupName {
			s.demand.pausedUntil.Store(time.Now().Add(pause).UnixNano())
		}
		metrics.OnDemand.WithLabelValues("limited").Inc()
		return
	}
	if !whole {
		s.demand.remember(name, rememberedPartly)
	}
	timer := time.NewTimer(demandTimeout)
	defer timer.Stop()
	for len(syncs) > 0 {
		changed := s.demand.next()
		if !s.Snapshot().Lacks(name) {
			metrics.OnDemand.WithLabelValues("found").Inc()
			return
		}
		select {
		case <-changed:
		case <-syncs[0]:
			syncs = syncs[1:]
		case <-timer.C:
			metrics.OnDemand.WithLabelValues("timeout").Inc()
			return
		}
	}
	if s.Snapshot().Lacks(name) {
		metrics.OnDemand.WithLabelValues("missing").Inc()
		return
	}
	metrics.OnDemand.WithLabelValues("found").Inc()
}

// priority returns the priority of a name.
func (s *Syncer) priority(name string, w *want) priority {
	switch {
	case s.Zones.BackupForm(name):
		return backupName
	case w.flood:
		return floodName
	}
	return otherName
}

// startSyncs returns the syncs that it has started, and reports whether they are those of
// all sources.
func (s *Syncer) startSyncs(name string, network uint64, as priority) (all []<-chan struct{}, whole bool) {
	s.mu.Lock()
	pollers := s.pollers
	s.mu.Unlock()
	failed := func() { s.demand.remember(name, rememberedPartly) }
	whole = true
	for _, one := range pollers {
		switch done := one.demand(name, as, network, failed); {
		case done != nil:
			all = append(all, done)
		case !one.Static:
			whole = false
		}
	}
	return all, whole
}
