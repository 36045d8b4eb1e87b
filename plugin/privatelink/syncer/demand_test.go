package syncer

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// demanding returns a syncer whose queries start six syncs a minute, of sources that are
// otherwise read every hour.
func demanding(t testing.TB, p *Process, fakes ...*fake) *Syncer {
	var sources []source.Source
	for _, f := range fakes {
		f.interval = time.Hour
		sources = append(sources, f)
	}
	s := p.New(Config{Block: "test", Zones: testSet, Sources: sources, OnDemand: 6})
	s.Begin()
	t.Cleanup(s.Close)
	s.Commit()
	time.Sleep(2 * time.Second) // a remote source is first read within a second
	return s
}

// client asks for the names.
var client = netip.MustParseAddr("10.1.1.1")

const inZone = ".privatelink.blob.core.windows.net."

func TestNameAtItsFirstQuery(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before func(f *fake)
		asked  string
		want   string // the addresses after the query
		waits  bool
		syncs  int32
	}{
		{"a source has the name by now", func(f *fake) { f.set("a 10.0.0.1", "b 10.0.0.2") }, "b" + inZone, "10.0.0.2", true, 1},
		{"no source has it", func(*fake) {}, "b" + inZone, "", true, 1},
		{"a name that is served", func(*fake) {}, "a" + inZone, "10.0.0.1", false, 0},
		{"a name of a Backup zone without records", func(*fake) {}, "x.privatelink.we.backup.windowsazure.com.", "", true, 1},
		{"a public name", func(*fake) {}, "b.blob.core.windows.net.", "", false, 0},
		{"a name outside the zones", func(*fake) {}, "www.example.", "", false, 0},
		{"the source fails for the first time", func(f *fake) { f.fail(nil) }, "b" + inZone, "", true, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *Process) {
				f := newFake("1", "a 10.0.0.1")
				s := demanding(t, p, f)
				before := f.fetches.Load()
				tc.before(f)
				waits := s.Await(tc.asked, client)
				r := s.Snapshot().Lookup(tc.asked).Record
				got := ""
				if r != nil {
					got = r.Addrs[0].String()
				}
				if syncs := f.fetches.Load() - before; waits != tc.waits || syncs != tc.syncs || got != tc.want {
					t.Errorf("waits: %v, %d syncs, addresses %q; want %v, %d, %q", waits, syncs, got, tc.waits, tc.syncs, tc.want)
				}
			})
		})
	}
}

// A name that a sync did not bring starts no other one for three minutes.
func TestMissingNameIsRemembered(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("1", "a 10.0.0.1")
		s := demanding(t, p, f)
		before := f.fetches.Load()
		for _, step := range []struct {
			after time.Duration
			waits bool
			syncs int32
		}{{0, true, 1}, {0, false, 1}, {time.Minute, false, 1}, {remembered, true, 2}} {
			time.Sleep(step.after)
			if wanted := s.Wanted("b"+inZone, time.Now()); wanted != step.waits {
				t.Errorf("after %s: wanted is %v; want %v", step.after, wanted, step.waits)
			}
			if waits := s.Await("b"+inZone, client); waits != step.waits || f.fetches.Load()-before != step.syncs {
				t.Errorf("after %s: waits: %v, %d syncs; want %v and %d", step.after, waits, f.fetches.Load()-before, step.waits, step.syncs)
			}
		}
	})
}

// All queries that wait share one sync, and none waits longer than 1.5 s.
func TestQueriesWaitTogether(t *testing.T) {
	for _, tc := range []struct {
		name    string
		fetch   time.Duration
		queries int
		want    time.Duration
	}{
		{"a fast source", 100 * time.Millisecond, 100, gather + 100*time.Millisecond},
		{"a source that does not answer in time", time.Minute, 100, demandTimeout},
		{"more queries than may wait", 100 * time.Millisecond, 2 * maxWaiting, gather + 100*time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *Process) {
				f := newFake("1", "a 10.0.0.1")
				s := demanding(t, p, f)
				before := f.fetches.Load()
				f.stall = make(chan struct{})
				time.AfterFunc(gather+tc.fetch, func() { close(f.stall) })
				began, waited := time.Now(), 0
				var mu sync.Mutex
				var all sync.WaitGroup
				for i := range tc.queries {
					all.Go(func() {
						if s.Await(fmt.Sprintf("x%d%s", i/2, inZone), client) {
							mu.Lock()
							waited++
							mu.Unlock()
						}
					})
				}
				all.Wait()
				if took, n := time.Since(began), f.fetches.Load()-before; took != tc.want || n != 1 || waited != min(tc.queries, maxWaiting) {
					t.Errorf("%d queries waited for %s and started %d syncs; want %d, %s and 1", waited, took, n, min(tc.queries, maxWaiting), tc.want)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// A name that is created while a sync is under way needs the next one.
func TestSyncUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("1", "a 10.0.0.1")
		s := demanding(t, p, f)
		f.stall = make(chan struct{})
		go s.Await("x"+inZone, client)
		time.Sleep(2 * gather)
		done := make(chan bool)
		go func() { done <- s.Await("b"+inZone, client) }()
		synctest.Wait()
		close(f.stall)
		f.set("a 10.0.0.1", "b 10.0.0.2")
		if <-done; addrs(s, "b") != "10.0.0.2" {
			t.Errorf("the addresses are %q; want 10.0.0.2", addrs(s, "b"))
		}
	})
}

// A source that asks for a pause, or fails repeatedly, is not read on demand. The others are.
func TestDemandRespectsPauses(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		busy, other := newFake("busy", "a 10.0.0.1"), newFake("other")
		busy.remote = true
		s := demanding(t, p, busy, other)
		busy.next.Store(&fetched{nil, &source.RetryAfterError{Err: fmt.Errorf("busy"), After: 5 * time.Minute}})
		poll(t, s)
		before, beforeOther := busy.fetches.Load(), other.fetches.Load()
		busy.set("a 10.0.0.1", "b 10.0.0.2")
		s.Await("b"+inZone, client)
		if n, m := busy.fetches.Load()-before, other.fetches.Load()-beforeOther; n != 0 || m != 1 {
			t.Errorf("the busy source was read %d times, the other one %d times; want 0 and 1", n, m)
		}
		time.Sleep(5 * time.Minute)
		if s.Await("b"+inZone, client); addrs(s, "b") != "10.0.0.2" {
			t.Errorf("after the pause, the addresses are %q; want 10.0.0.2", addrs(s, "b"))
		}
	})
}

// A source that fails in part is read on demand. One that fails as a whole has a back-off.
func TestDemandOfAFailingSource(t *testing.T) {
	for _, tc := range []struct {
		name  string
		list  *source.List
		syncs int32
	}{{"in part", listOf("a 10.0.0.1"), 1}, {"as a whole", nil, 0}} {
		bubble(t, func(t *testing.T, p *Process) {
			f := newFake("1", "a 10.0.0.1")
			f.remote = true
			s := demanding(t, p, f)
			f.fail(tc.list)
			poll(t, s)
			poll(t, s)
			before := f.fetches.Load()
			s.Await("b"+inZone, client)
			if n := f.fetches.Load() - before; n != tc.syncs {
				t.Errorf("%s: %d syncs; want %d", tc.name, n, tc.syncs)
			}
		})
	}
}

// Names that start no sync make no other name forgotten, whatever their number and form.
func TestFloodForgetsNoName(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		s := demanding(t, p, newFake("1", "a 10.0.0.1"))
		s.Await("b"+inZone, client)
		for i := range maxWanted + 100 {
			s.Await(fmt.Sprintf("y%dpod01%s", i, inZone), client)
		}
		time.Sleep(pause)
		if s.Wanted("b"+inZone, time.Now()) {
			t.Error("the name that a sync did not bring is forgotten")
		}
	})
}

// A name starts another sync soon if its sync has failed, also if the queries for it no
// longer waited.
func TestFailedSync(t *testing.T) {
	for _, fetch := range []time.Duration{time.Millisecond, 5 * time.Second} {
		bubble(t, func(t *testing.T, p *Process) {
			f := newFake("1", "a 10.0.0.1")
			s := demanding(t, p, f)
			f.fail(nil)
			f.stall = make(chan struct{})
			time.AfterFunc(gather+fetch, func() { close(f.stall) })
			s.Await("b"+inZone, client)
			time.Sleep(fetch + rememberedPartly)
			f.set("a 10.0.0.1", "b 10.0.0.2")
			if s.Await("b"+inZone, client); addrs(s, "b") != "10.0.0.2" {
				t.Errorf("a sync of %s: the addresses are %q after the next query; want 10.0.0.2", fetch, addrs(s, "b"))
			}
		})
	}
}

func TestNoSyncOnDemand(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("1", "a 10.0.0.1")
		s := serve(t, p, f)
		before := f.fetches.Load()
		if s.Await("b"+inZone, client) || f.fetches.Load() != before {
			t.Error("a query has started a sync")
		}
	})
}

func TestWantedDoesNotAllocate(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		s := demanding(t, p, newFake("1", "a 10.0.0.1"))
		s.Await("b"+inZone, client)
		now := time.Now()
		if n := testing.AllocsPerRun(100, func() { s.Wanted("b"+inZone, now) }); n != 0 {
			t.Errorf("%v allocations; want 0", n)
		}
	})
}
