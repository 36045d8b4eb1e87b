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

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
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
	// OnChange is called after each new snapshot, once the Syncer has begun. It
	// must not block.
	OnChange func()
}

// A Syncer publishes the snapshots of one server block.
type Syncer struct {
	Config
	process *Process
	state   *stateFile
	pollers []*poller // by source

	current atomic.Pointer[zone.Snapshot] // a query loads it once

	mu        sync.Mutex     // held over one merge
	merged    []*source.List // current was built from these
	committed bool
	closed    bool

	reporting sync.Mutex // reports are written one after the other, and nothing else waits for them
}

// New returns a Syncer whose zones are empty and not ready. It has no effect on
// the process until it begins.
func (p *Process) New(c Config) *Syncer {
	if c.OnChange == nil {
		c.OnChange = func() {}
	}
	s := &Syncer{Config: c, process: p}
	s.current.Store(zone.NewBuilder(c.Zones, nil).Snapshot(false, func(*zone.Zone) uint32 { return now() }))
	return s
}

// startTime bounds how long a start waits for the state file and for local
// sources: a stalled file system must not keep the server from listening.
const startTime = 2 * time.Second

// Begin subscribes to the sources and publishes their last good lists. It waits at
// most 2 s each for the state file and for the first fetch of local sources.
func (s *Syncer) Begin() {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	s.process.begin(s)
	s.state = s.process.openState(s)
	s.awaitState(ctx)
	var all []*poller
	for _, src := range s.Sources {
		all = append(all, s.process.subscribe(s, src, s.state.lastGood(src.Config().Name)))
	}
	s.mu.Lock()
	s.pollers = all // all at once: with some of them, a snapshot would look complete
	s.mu.Unlock()
	s.awaitLocal(all)
	s.refresh()
}

// awaitState waits for the state file. If that takes too long, its records join
// when they arrive.
func (s *Syncer) awaitState(ctx context.Context) {
	if s.state == nil {
		return
	}
	select {
	case <-s.state.loaded:
	case <-ctx.Done():
		logf(log.Warning, "%s: cannot be read yet, the start goes on without it", s.StateFile)
		go func() {
			<-s.state.loaded
			for _, p := range s.subscriptions() {
				if p.restore(s.state.lastGood(p.Name)) {
					p.refreshSubscribers()
				}
			}
		}()
	}
}

func (s *Syncer) awaitLocal(all []*poller) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for _, p := range all {
		if p.Remote {
			continue
		}
		select {
		case <-p.polled:
		case <-ctx.Done():
			logf(log.Warning, "%s: cannot be read yet, the start goes on without it", p.Name)
			p.settle() // another server block need not wait for it
		}
	}
}

// Commit makes the Syncer the one that reports, and that the state file follows.
// It is called when the instance serves and its predecessor has ended.
func (s *Syncer) Commit() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.committed, s.merged = true, nil // merge again: the predecessor may have moved the serials
	s.mu.Unlock()
	s.state.follow(s)
	s.refresh()
}

// Close ends the subscriptions. The last snapshot stays. It serves as the abort of
// a Syncer that was not committed, and may be called more than once.
func (s *Syncer) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.mu.Unlock()
	s.process.closeState(s) // first: the last save needs the lists
	for _, p := range s.subscriptions() {
		s.process.unsubscribe(s, p)
	}
	s.process.end(s)
}

func (s *Syncer) subscriptions() []*poller {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pollers)
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

// publish merges the lists and stores the snapshot. The report is nil before the
// commit.
func (s *Syncer) publish() (*report, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lists, complete := s.lists()
	if s.closed || len(lists) == 0 {
		return nil, false
	}
	if s.merged != nil && slices.Equal(lists, s.merged) && complete == s.Snapshot().Complete {
		return nil, false
	}
	previous := s.previous()
	m := merge(s.Zones, s.known(previous), lists, nil)
	next := m.builder.Snapshot(complete, s.process.serials(previous))
	s.current.Store(next)
	s.merged = lists
	if !s.committed {
		return nil, true
	}
	announced := s.process.publish(s, previous, next)
	return &report{syncer: s, merged: m, changes: changes(previous, next, announced), first: len(announced) == 0, next: next}, true
}

func (s *Syncer) lists() (lists []*source.List, complete bool) {
	complete = true
	for _, p := range s.pollers {
		list, loaded := p.latest()
		lists, complete = append(lists, list), complete && loaded
	}
	return lists, complete
}

// previous returns the snapshot that the next one follows: that of the block in
// the running instance, and before the first commit an empty one.
func (s *Syncer) previous() *zone.Snapshot {
	if last := s.process.last(s.Block); last != nil {
		return last
	}
	return &zone.Snapshot{}
}

// known returns the zones that exist although they may have no record any more.
func (s *Syncer) known(previous *zone.Snapshot) []dnsname.Name {
	var all []dnsname.Name
	for name := range previous.Zones {
		all = append(all, name)
	}
	all = append(all, s.state.zones()...)
	return slices.DeleteFunc(all, func(name dnsname.Name) bool { return !s.Zones.Has(name) })
}

// now is the SOA serial of a change made now.
func now() uint32 { return uint32(time.Now().Unix()) } //nolint:gosec // G115: serials are modulo 2^32 (RFC 1982)
