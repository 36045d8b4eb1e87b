// Package syncer keeps the snapshot in step with the sources.
package syncer

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Syncer builds snapshots from its sources, in whose order the first one that
// gives a name wins it. A source that fails keeps its last good list: Azure's
// outage, or a broken file, must not take a name away.
type Syncer struct {
	set   *zone.Set
	feeds []*feed
	state *stateFile

	current atomic.Pointer[zone.Snapshot] // queries Load it once

	mu    sync.Mutex     // one rebuild at a time
	built []*source.List // what current was built from

	changed func() // see OnChange
}

// New returns a syncer whose snapshot has the set's zones, all of them empty
// and not ready. A source of a name that another syncer has is shared with it,
// so that a reload keeps what is known. The state file may be "". Close it.
func New(set *zone.Set, sources []source.Source, stateFile string) *Syncer {
	s := &Syncer{set: set, state: openState(stateFile), changed: func() {}}
	for _, src := range sources {
		f, config := acquire(src), src.Config()
		if !config.Static {
			metrics.Refresh.WithLabelValues(config.Name).Set(config.Interval.Seconds())
		}
		if entries, ok := s.state.known.Sources[config.Name]; ok {
			f.restore(entries)
		}
		s.feeds = append(s.feeds, f)
	}
	s.current.Store(zone.NewBuilder(set, nil).Snapshot(false, after(nil)))
	return s
}

// OnChange has f called after each new snapshot, by the goroutine of the source
// that changed: its next sync waits for f, no other and no query does. Call it
// before Sync.
func (s *Syncer) OnChange(f func()) { s.changed = f }

// Close gives the sources back. The last snapshot stays.
func (s *Syncer) Close() {
	for _, f := range s.feeds {
		f.release(s)
	}
	s.state.close()
}

// Snapshot returns the current generation.
func (s *Syncer) Snapshot() *zone.Snapshot { return s.current.Load() }

// Ready tells whether every source has been loaded once. It stays true.
func (s *Syncer) Ready() bool { return s.Snapshot().Complete }

// Sync fetches all local sources once and builds the snapshot of what is known.
func (s *Syncer) Sync(ctx context.Context) {
	for _, f := range s.feeds {
		if !f.source.Config().Remote {
			f.fetch(ctx)
		}
	}
	s.rebuild()
}

// Run syncs each source for ever, until ctx ends.
func (s *Syncer) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, f := range s.feeds {
		config := f.source.Config()
		if config.Static {
			continue
		}
		wg.Go(func() {
			for sleep(ctx, f.due(config.Interval, config.Remote)) {
				f.fetch(ctx)
				s.rebuild()
			}
		})
	}
	wg.Wait()
}

// sleep reports false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
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
	changed := s.swap()
	if changed {
		s.changed()
	}
	if changed || s.state.behind() {
		s.state.save(s)
	}
}

// swap reports whether there is a new snapshot.
func (s *Syncer) swap() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	lists, complete := make([]*source.List, len(s.feeds)), true
	for i, f := range s.feeds {
		list, loaded := f.last()
		lists[i], complete = list, complete && loaded
	}
	if s.built != nil && slices.Equal(lists, s.built) {
		return false
	}
	before := s.Snapshot().Zones
	b := zone.NewBuilder(s.set, slices.Collect(maps.Keys(before)))
	if s.built == nil { // the first one, perhaps after a restart or a reload
		before = served(s.state.known.Serials)
	}
	for i, list := range lists {
		if list != nil {
			s.feeds[i].report(s, merge(b, list, untold))
		}
	}
	next := b.Snapshot(complete, after(before))
	previous := s.current.Swap(next)
	s.built = lists
	s.announce(previous, remember(next), next, lists)
	for name, z := range next.Zones {
		metrics.Serial.WithLabelValues(name.String()).Set(float64(z.Serial))
	}
	return true
}

// after returns the serial of a zone: that of the one before if it is equal.
func after(before map[dnsname.Name]*zone.Zone) func(*zone.Zone) uint32 {
	now := serial()
	return func(z *zone.Zone) uint32 {
		old := before[z.Name]
		switch {
		case old == nil:
			return now
		case z.Equal(old):
			return old.Serial
		}
		return max(old.Serial+1, now)
	}
}

// serial is the SOA serial of a change made now.
func serial() uint32 { return uint32(time.Now().Unix()) } //nolint:gosec // G115: serials are modulo 2^32 (RFC 1982)
