package syncer

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

func TestOnChange(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		first, second := newFake("1", "a 10.0.0.1"), newFake("2", "b 10.0.0.2")
		var calls atomic.Int32
		var s *Syncer
		var seen atomic.Value
		s = p.New(Config{Zones: testSet, Sources: []source.Source{first, second}, OnChange: func() {
			calls.Add(1)
			seen.Store(addrs(s, "a") + ", " + addrs(s, "b"))
		}})
		s.Begin()
		t.Cleanup(s.Close)
		s.Commit()
		calls.Store(0)
		for _, step := range []struct {
			name  string
			does  func()
			calls int32
			seen  string
		}{
			{"nothing changes", func() {}, 0, "10.0.0.1, 10.0.0.2"},
			{"one source changes", func() { first.set("a 10.0.0.3") }, 1, "10.0.0.3, 10.0.0.2"},
			{"the second source changes", func() { second.set("b 10.0.0.4") }, 2, "10.0.0.3, 10.0.0.4"},
			{"nothing changes again", func() {}, 2, "10.0.0.3, 10.0.0.4"},
		} {
			step.does()
			time.Sleep(10 * time.Minute)
			if calls.Load() != step.calls || seen.Load() != step.seen {
				t.Errorf("%s: called %d times, the last call saw %v; want %d times and %s", step.name, calls.Load(), seen.Load(), step.calls, step.seen)
			}
		}
	})
}
