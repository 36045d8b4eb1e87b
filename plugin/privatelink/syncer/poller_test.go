package syncer

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// A source is polled once an interval, in however many blocks it is.
func TestOnePollerForAll(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", accounts(10)...)
		f.remote = true
		first := serve(t, p, f)
		serveBlock(t, p, "second", "", f)
		serveBlock(t, p, "third", "", f)
		time.Sleep(30 * time.Second)
		for range 10 {
			first = reload(t, p, first, f)
			if got := addrs(first, "n0"); got != "10.0.0.1" {
				t.Errorf("served %s at once after a reload", got)
			}
		}
		if n := f.fetches.Load(); n != 1 {
			t.Errorf("%d fetches in half a minute; want 1", n)
		}
		time.Sleep(10 * time.Minute)
		if n := f.fetches.Load(); n < 10 || n > 13 {
			t.Errorf("%d fetches in ten minutes; want one a minute", n)
		}
		f.set() // a sudden loss, and reloads while it is held
		for range 20 {
			time.Sleep(4 * time.Second)
			first = reload(t, p, first, f)
			if got := addrs(first, "n0"); got != "10.0.0.1" {
				t.Fatalf("served %s; want the name held for two minutes", got)
			}
		}
		time.Sleep(5 * time.Minute)
		if got := addrs(first, "n0"); got != "foreign" {
			t.Errorf("served %s after all lists agreed; want no record", got)
		}
	})
}

func TestShortestIntervalCounts(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		slow, fast := newFake("f"), newFake("f")
		fast.interval = time.Second
		s := serve(t, p, slow)
		both := serveBlock(t, p, "second", "", fast)
		before := slow.fetches.Load()
		time.Sleep(time.Minute + 10*time.Second) // the first delay of a minute has begun
		if n := slow.fetches.Load() - before; n < 5 {
			t.Errorf("%d fetches; want one a second", n)
		}
		both.Close()
		time.Sleep(2 * time.Second)
		before = slow.fetches.Load()
		time.Sleep(10 * time.Minute)
		if n := slow.fetches.Load() - before; n > 13 {
			t.Errorf("%d fetches in ten minutes without the fast block; want one a minute", n)
		}
		_ = s
	})
}

// A shorter interval takes effect at once.
func TestIntervalChanges(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		slow, fast := newFake("f"), newFake("f")
		slow.interval, fast.interval = time.Hour, time.Second
		s := serve(t, p, slow)
		time.Sleep(time.Minute)
		before := slow.fetches.Load()
		reload(t, p, s, fast)
		time.Sleep(10 * time.Second)
		if n := slow.fetches.Load() - before; n < 8 {
			t.Errorf("%d fetches in ten seconds; want one a second", n)
		}
	})
}

func TestStartDoesNotWaitForRemoteSource(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", "a 10.0.0.1")
		f.remote = true
		began := time.Now()
		s := serve(t, p, f)
		if took := time.Since(began); took > 0 || addrs(s, "a") != "not ready" {
			t.Errorf("the start took %s and serves %s; want no delay, not ready", took, addrs(s, "a"))
		}
		time.Sleep(time.Second)
		if got := addrs(s, "a"); got != "10.0.0.1" {
			t.Errorf("served %s after a second", got)
		}
	})
}

// A local source on a stalled disk delays the start by two seconds, once.
func TestStalledSource(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", "a 10.0.0.1")
		f.stall = make(chan struct{})
		began := time.Now()
		first, second := serve(t, p, f), serveBlock(t, p, "second", "", f)
		if took := time.Since(began); took != startTime {
			t.Errorf("the start took %s; want %s", took, startTime)
		}
		first = reload(t, p, first, f)
		if took := time.Since(began); took != startTime {
			t.Errorf("the reload took %s; want no time", took-startTime)
		}
		close(f.stall)
		time.Sleep(time.Second)
		if got := addrs(first, "a") + " " + addrs(second, "a"); got != "10.0.0.1 10.0.0.1" {
			t.Errorf("served %s after the disk recovered", got)
		}
	})
}

func TestDelays(t *testing.T) {
	busy := func(after time.Duration) error { return &source.RetryAfterError{Err: errors.New("busy"), After: after} }
	for _, tc := range []struct {
		name        string
		remote      bool
		err         error
		least, most int32 // fetches in the first hour
	}{
		{"a remote source succeeds", true, nil, 54, 67},
		{"a remote source fails: two minutes", true, errors.New("it rains"), 28, 34},
		{"a local source fails: one minute", false, errors.New("it rains"), 54, 67},
		{"busy for 20 minutes", true, busy(20 * time.Minute), 3, 4},
		{"busy for 1000 hours", true, busy(1000 * time.Hour), 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *Process) {
				f := newFake("f")
				f.remote = tc.remote
				f.next.Store(&fetched{&source.List{Complete: tc.err == nil}, tc.err})
				s := serve(t, p, f)
				time.Sleep(time.Hour - time.Minute)
				if n := f.fetches.Load(); n < tc.least || n > tc.most {
					t.Errorf("%d fetches in an hour; want %d to %d", n, tc.least, tc.most)
				}
				f.set("a 10.0.0.1")
				time.Sleep(2 * time.Hour)
				before := f.fetches.Load()
				time.Sleep(10 * time.Minute)
				if n := f.fetches.Load() - before; n < 9 || n > 12 || addrs(s, "a") != "10.0.0.1" {
					t.Errorf("%d fetches in ten minutes after the recovery; want one a minute", n)
				}
			})
		})
	}
}

// The metric of the refresh interval exists before the first fetch.
func TestRefreshMetric(t *testing.T) {
	series := testutil.CollectAndCount(metrics.Refresh)
	f := newFake(t.Name())
	s := serve(t, NewProcess(), f, source.NewRecord("Corefile:1", nil))
	if got := testutil.ToFloat64(metrics.Refresh.WithLabelValues(f.name)); got != 60 {
		t.Errorf("refresh_seconds %v; want 60", got)
	}
	if got := testutil.CollectAndCount(metrics.Refresh); got != series+1 {
		t.Errorf("%d series; want %d: a static source has none", got, series+1)
	}
	s.Close()
	if got := testutil.CollectAndCount(metrics.Refresh); got != series {
		t.Errorf("%d series after the end; want %d", got, series)
	}
}

// A blocked log does not delay snapshots.
func TestLogDoesNotDelayPublishing(t *testing.T) {
	f, g := newFake("f", "a 10.0.0.1"), newFake("g", "b 10.0.0.2")
	published := make(chan struct{}, 10)
	s := NewProcess().New(Config{Zones: testSet, Sources: []source.Source{f, g}, OnChange: func() { published <- struct{}{} }})
	s.Begin()
	s.Commit()
	for len(published) > 0 {
		<-published
	}
	blocked := &blockedWriter{release: make(chan struct{})}
	logTo(t, blocked)
	var polls sync.WaitGroup
	for i, one := range []*fake{f, g} {
		one.set(fmt.Sprintf("%c 10.0.0.9", 'a'+i))
		polls.Go(func() {
			if p := s.pollers[i]; p.poll(t.Context()) {
				p.refreshSubscribers()
			}
		})
		<-published
	}
	if got := addrs(s, "a") + " " + addrs(s, "b"); got != "10.0.0.9 10.0.0.9" {
		t.Errorf("served %s while the log is blocked; want both changes", got)
	}
	close(blocked.release)
	polls.Wait()
	s.Close()
}

type blockedWriter struct{ release chan struct{} }

func (w *blockedWriter) Write(b []byte) (int, error) {
	<-w.release
	return len(b), nil
}
