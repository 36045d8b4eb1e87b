package syncer

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The function sees each new snapshot, and while it takes its time the other
// sources are followed.
func TestOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newFake(t.Name()+"1", "a.blob.core.windows.net. 10.0.0.1"), newFake(t.Name()+"2", "b.blob.core.windows.net. 10.0.0.2")
		s := newSyncer(t, first, second)
		var calls atomic.Int32
		var seen atomic.Value
		s.OnChange(func() {
			calls.Add(1)
			seen.Store(addrs(s, "a") + ", " + addrs(s, "b"))
			time.Sleep(time.Hour)
		})
		s.Sync(t.Context())
		go s.Run(t.Context())
		for _, step := range []struct {
			name  string
			does  func()
			calls int32
			seen  string
		}{
			{"nothing changes", func() {}, 1, "10.0.0.1, 10.0.0.2"},
			{"one source changes", func() { first.gives("a.blob.core.windows.net. 10.0.0.3") }, 2, "10.0.0.3, 10.0.0.2"},
			{"the other, meanwhile", func() { second.gives("b.blob.core.windows.net. 10.0.0.4") }, 3, "10.0.0.3, 10.0.0.4"},
		} {
			step.does()
			time.Sleep(10 * time.Minute)
			if calls.Load() != step.calls || seen.Load() != step.seen {
				t.Errorf("%s: called %d times, has seen %v; want %d times and %s", step.name, calls.Load(), seen.Load(), step.calls, step.seen)
			}
		}
		time.Sleep(time.Hour) // all calls end
	})
}
