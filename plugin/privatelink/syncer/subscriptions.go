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

func (s *Syncer) subscriptions() []*poller {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pollers)
}

// lists returns the list of each source and reports whether all sources have been
// loaded. If not, it reports whether each that has not is overdue.
func (s *Syncer) lists() (lists []*source.List, complete, lenient bool) {
	end := s.process.graceEnd()
	complete, lenient = true, !s.Zones.FailClosed
	for _, p := range s.pollers {
		list, loaded := p.latest()
		lists, complete = append(lists, list), complete && loaded
		lenient = lenient && (loaded || p.overdue(end))
	}
	return lists, complete, lenient && !complete
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
