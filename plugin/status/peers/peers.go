// Package peers compares the records with those of secondaries and of other instances,
// over DNS. Any DNS server can be compared, and a peer needs no open status page.
//
// A secondary has the same serial when it has the same zone. Another instance has serials
// of its own, so its addresses are compared. The queries have no RD flag: the peer neither
// forwards them nor counts them as queries of a client.
package peers

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

const (
	every = 30 * time.Second
	// catchUpTime is how long a difference is normal: a secondary may have missed a NOTIFY,
	// and another instance reads Azure at other times.
	catchUpTime = 3 * time.Minute
	timeout     = 2 * time.Second // of a query
	maxZones    = 200             // that are compared in one round
	maxNames    = 500             // that are compared in one round
	maxShown    = 10
)

// The roles of a server.
const (
	Secondary = "secondary"
	Instance  = "peer"
)

// A Target is a server to compare with.
type Target struct{ Address, Role string }

// A Watch compares all targets at intervals.
type Watch struct {
	zones   func() []*zone.Snapshot
	targets []*target
	stop    context.CancelFunc

	mu         sync.Mutex
	states     []view.Peer
	generation uint64
}

// Start begins to compare. The function returns the current records.
func Start(targets []Target, zones func() []*zone.Snapshot) *Watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watch{zones: zones, stop: cancel}
	for _, t := range targets {
		w.targets = append(w.targets, &target{Target: t, differs: map[string]difference{}})
		w.states = append(w.states, view.Peer{Address: t.Address, Role: t.Role, Text: "not compared yet"})
	}
	for i := range w.targets {
		go w.run(ctx, i)
	}
	return w
}

// Stop ends the comparison. It does not wait for queries that have been sent.
func (w *Watch) Stop() { w.stop() }

// States returns the results of the last comparison, and a number that changes with them.
func (w *Watch) States() ([]view.Peer, uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.states), w.generation
}

func (w *Watch) run(ctx context.Context, i int) {
	for {
		state := w.targets[i].compare(ctx, w.zones(), time.Now())
		if ctx.Err() != nil {
			return
		}
		w.set(i, state)
		timer := time.NewTimer(every)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (w *Watch) set(i int, state view.Peer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states[i] = state
	w.generation++
}
