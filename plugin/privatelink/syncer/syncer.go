// Package syncer keeps the zones in step with the sources.
//
// The sync is a pipeline of values. A poller fetches the list of one source and
// passes it through its guard, which decides which names may go. A Syncer merges
// the lists of its sources, publishes the result as an immutable snapshot, and then
// reports the changes. Between a fetch and the publishing, nothing waits for a disk,
// a log, or a lock that is held over either.
//
// A [Process] owns everything that outlives a reload: the pollers, the state files
// and the serials. A Syncer belongs to one instance of the server. It begins when
// the instance starts, and only reads until it commits, so that a reload that fails
// at its last step leaves no trace. The alternative is a sync of its own for each
// instance, which hands its state to the next one. It has two writers during a
// reload, and it polls Azure once more for each reload.
package syncer

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Config has the zones and the sources of one server block.
type Config struct {
	// Block identifies the server block. After a reload, the serials and the
	// emptied zones of the same block continue.
	Block     string
	Zones     *zone.Set
	Sources   []source.Source // if several have a name, the first one wins
	StateFile string          // keeps the last good lists across a restart; none if empty
	OnDemand  int             // syncs of a source a minute that queries may start
	// OnChange is called after each new snapshot. It must not block.
	OnChange func()
}

// A Syncer publishes the snapshots of one server block.
type Syncer struct {
	Config
	process *Process
	state   *stateFile
	pollers []*poller // by source
	// inherited has the lists of removed sources. They are served until all are loaded.
	inherited []namedList

	current atomic.Pointer[zone.Snapshot] // a query loads it once
	book    atomic.Pointer[verdict.Book]  // explains current
	demand  demand

	mu                sync.Mutex     // held over one merge
	merged            []*source.List // current was built from these
	committed, closed bool
	timers            []*time.Timer // refresh when sources become overdue
	reporting         sync.Mutex    // reports are written one after the other, and nothing else waits for them
}

// New returns a Syncer without records. It has no effect on the process until it begins.
func (p *Process) New(c Config) *Syncer {
	if c.OnChange == nil {
		c.OnChange = func() {}
	}
	s := &Syncer{Config: c, process: p}
	s.current.Store(zone.NewBuilder(c.Zones, nil).Snapshot(false, func(*zone.Zone) uint32 { return serialNow() }))
	return s
}

// Begin subscribes to the sources and publishes their last good lists. It waits at
// most 2 s each for the state file and for the first fetch of local sources.
func (s *Syncer) Begin() {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	s.process.begin(s)
	s.state = s.process.openState(ctx, s)
	unread := !s.awaitState(ctx)
	var all []*poller
	for _, src := range s.Sources {
		all = append(all, s.process.subscribe(s, src, s.state.lastGood(src.Config().Name), unread))
	}
	s.mu.Lock()
	s.inherited = s.inheritance()
	s.pollers = all // all at once: with some of them, a snapshot would look complete
	for _, wait := range []time.Duration{time.Until(s.process.graceEnd()), grace} {
		if wait > 0 {
			s.timers = append(s.timers, time.AfterFunc(wait, s.refresh))
		}
	}
	s.mu.Unlock()
	s.awaitLocal(all)
	s.refresh()
}

// Commit makes the Syncer the one that reports, when its predecessor has ended.
func (s *Syncer) Commit() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.committed, s.merged = true, nil // merge again: the predecessor may have moved the serials
	s.inherited = s.inheritance()
	s.mu.Unlock()
	s.state.follow(s)
	s.refresh()
}

// Snapshot returns the current generation.
func (s *Syncer) Snapshot() *zone.Snapshot { return s.current.Load() }

// Ready reports whether every source has been loaded once.
func (s *Syncer) Ready() bool { return s.Snapshot().Complete }

// refresh publishes a new snapshot if a list has changed, and then reports it.
func (s *Syncer) refresh() {
	report, ok := s.publish()
	if !ok {
		return
	}
	s.OnChange()
	if report != nil {
		s.state.changed()
		s.reporting.Lock()
		defer s.reporting.Unlock()
		report.write()
	}
}

// publish merges the lists and stores the snapshot. Before the commit, the report is nil.
func (s *Syncer) publish() (*report, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lists, complete, passUnread := s.lists()
	if s.closed || len(lists) == 0 {
		return nil, false
	}
	if s.merged != nil && slices.Equal(lists, s.merged) && complete == s.Snapshot().Complete && passUnread == s.Snapshot().PassUnread {
		return nil, false
	}
	previous := s.previous()
	m := merge(s.Zones, s.known(previous), lists, nil)
	next := m.builder.Snapshot(complete, func(z *zone.Zone) uint32 { return s.process.nextSerial(s, previous, z) })
	next.PassUnread = passUnread
	s.storeLocked(next, previous, lists, m)
	if !s.committed {
		return nil, true
	}
	if complete {
		s.inherited = nil
		s.state.forget()
	}
	announced := s.process.publish(s, previous, next)
	return &report{syncer: s, merged: m, changes: changes(previous, next, announced), first: len(announced) == 0, next: next}, true
}
