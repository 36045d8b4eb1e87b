// Package syncer keeps the snapshot in step with the sources.
package syncer

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Syncer builds snapshots from its sources, in whose order the first one that
// gives a name wins it. A source that fails keeps its last good list: Azure's
// outage, or a broken file, must not take a name away.
type Syncer struct {
	set     *zone.Set
	refresh time.Duration // between two syncs of a source
	feeds   []*feed

	current atomic.Pointer[zone.Snapshot] // queries Load it once

	mu    sync.Mutex     // one rebuild at a time
	built []*source.List // what current was built from
}

// New returns a syncer whose snapshot has the set's zones, all of them empty
// and not ready. A source of a name that another syncer has is shared with it,
// so that a reload keeps what is known. Close it.
func New(set *zone.Set, sources []source.Source, refresh time.Duration) *Syncer {
	s := &Syncer{set: set, refresh: refresh}
	for _, src := range sources {
		s.feeds = append(s.feeds, acquire(src))
	}
	s.current.Store(zone.NewBuilder(set, nil).Snapshot(false, serial()))
	return s
}

// Close gives the sources back. The last snapshot stays.
func (s *Syncer) Close() {
	for _, f := range s.feeds {
		f.release()
	}
}

// Snapshot returns the current generation.
func (s *Syncer) Snapshot() *zone.Snapshot { return s.current.Load() }

// Ready tells whether every source has been loaded once. It stays true.
func (s *Syncer) Ready() bool { return s.Snapshot().Complete }

// Sync fetches all sources once and replaces the snapshot if any list changed.
func (s *Syncer) Sync(ctx context.Context) {
	for _, f := range s.feeds {
		f.fetch(ctx)
	}
	s.rebuild()
}

// Run syncs each source for ever, until ctx ends.
func (s *Syncer) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, f := range s.feeds {
		wg.Go(func() {
			for wait(ctx, s.refresh) {
				f.fetch(ctx)
				s.rebuild()
			}
		})
	}
	wg.Wait()
}

// wait pauses for about d, a tenth more or less: many instances that start
// together shall not ask together. It reports false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d*9/10 + rand.N(d/5+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// rebuild replaces the snapshot as a whole, if any list is another than before.
func (s *Syncer) rebuild() {
	s.mu.Lock()
	defer s.mu.Unlock()
	lists, complete := make([]*source.List, len(s.feeds)), true
	for i, f := range s.feeds {
		list, loaded := f.last()
		lists[i], complete = list, complete && loaded
	}
	if slices.Equal(lists, s.built) {
		return
	}
	b := zone.NewBuilder(s.set, s.Snapshot())
	for i, list := range lists {
		if list != nil {
			s.feeds[i].report(merge(b, s.set, list))
		}
	}
	next := b.Snapshot(complete, serial())
	s.current.Store(next)
	s.built = lists
	for name, z := range next.Zones {
		metrics.Serial.WithLabelValues(name.String()).Set(float64(z.Serial))
	}
}

// serial is the SOA serial of a change made now.
func serial() uint32 { return uint32(time.Now().Unix()) } //nolint:gosec // G115: serials are modulo 2^32 (RFC 1982)
