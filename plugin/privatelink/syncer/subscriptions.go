package syncer

import (
	"context"
	"slices"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// startTime bounds how long a start waits for the state file and for local
// sources: a stalled file system must not keep the server from listening.
const startTime = 2 * time.Second

// awaitState waits for the state file and reports whether it has been read. If not,
// its records join when they arrive.
func (s *Syncer) awaitState(ctx context.Context) bool {
	if s.state == nil {
		return true
	}
	select {
	case <-s.state.loaded:
		return true
	case <-ctx.Done():
		logf(log.Warning, "%s: cannot be read yet, the start goes on without it", s.StateFile)
		return !s.state.whenLoaded(s.joinState)
	}
}

// joinState joins the records of a state file that was read late.
func (s *Syncer) joinState() {
	for _, p := range s.subscriptions() {
		p.read(s, s.state.lastGood(p.Name))
	}
	s.refresh()
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

func (s *Syncer) subscriptions() []*poller {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pollers)
}

// lists returns the list of each source and reports whether all sources have been
// loaded. If not, it reports whether each that has not is overdue.
func (s *Syncer) lists() (lists []*source.List, complete, passUnread bool) {
	end := s.process.graceEnd()
	complete, passUnread = true, !s.Zones.FailClosed
	for _, p := range s.pollers {
		list, loaded := p.latest()
		lists, complete = append(lists, list), complete && loaded
		passUnread = passUnread && (loaded || p.overdue(end))
	}
	if !complete && len(lists) > 0 {
		for _, old := range s.inherited {
			lists = append(lists, old.list)
		}
	}
	return lists, complete, passUnread && !complete
}

// A namedList is the last good list of a source.
type namedList struct {
	name   string
	list   *source.List
	loaded bool
}

// inheritance returns the lists of sources that the running instance of the block,
// or the state file, has and the Corefile no longer has. A changed line of the
// Corefile is a new source: until it has been loaded, the old one's names stay.
func (s *Syncer) inheritance() []namedList {
	all := s.state.leftOver()
	if owner := s.process.owner(s.Block); owner != nil && owner != s {
		all = append(all, owner.lastLists()...)
	}
	return slices.DeleteFunc(all, func(old namedList) bool {
		return slices.ContainsFunc(s.Sources, func(src source.Source) bool { return src.Config().Name == old.name })
	})
}

// lastLists returns the lists that s serves, without the Corefile's own records.
func (s *Syncer) lastLists() (all []namedList) {
	s.mu.Lock()
	defer s.mu.Unlock()
	complete := true
	for _, p := range s.pollers {
		list, loaded := p.latest()
		complete = complete && loaded
		if list != nil && !p.Static {
			all = append(all, namedList{p.Name, list, loaded})
		}
	}
	if !complete {
		all = append(all, s.inherited...)
	}
	return all
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
	for _, timer := range s.timers {
		timer.Stop()
	}
	s.mu.Unlock()
	s.process.closeState(s) // first: the last save needs the lists
	for _, p := range s.subscriptions() {
		s.process.unsubscribe(s, p)
	}
	s.process.end(s)
}
