package syncer

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

const passes = ": not read, and the two minutes after the start have passed: its names in fallthrough zones may get public addresses (see fail_closed)"

// unreadable is a source that has never been read.
func unreadable(name string) *fake {
	f := newFake(name)
	f.remote = true
	f.fail(nil)
	return f
}

// One source that is never read holds back all names for two minutes only.
func TestUnreadSourcePassesNames(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		var out bytes.Buffer
		logTo(t, &out)
		bad := unreadable("bad")
		s := serve(t, p, newFake("good", "a 10.0.0.1"), bad)
		expect := func(when, want string) {
			t.Helper()
			time.Sleep(time.Second)
			if got := addrs(s, "x"); got != want || addrs(s, "a") != "10.0.0.1" || s.Ready() {
				t.Errorf("%s: x is %s, a %s, ready %t; want x %s, a served, not ready", when, got, addrs(s, "a"), s.Ready(), want)
			}
		}
		expect("at the start", "not ready")
		time.Sleep(grace - 5*time.Second)
		expect("before the two minutes are over", "not ready")
		time.Sleep(5 * time.Second)
		expect("after two minutes", "foreign")
		if got := addrs(s, "abcdeypod01ecs114"); got != "not ready" {
			t.Errorf("a Backup account is %s; want not ready", got)
		}
		if got := testutil.ToFloat64(metrics.Unread.WithLabelValues("bad")); got != 1 {
			t.Errorf("source_unread = %g; want 1", got)
		}
		for range 3 {
			s = reload(t, p, s, newFake("good", "a 10.0.0.1"), bad)
			expect("after a reload", "foreign")
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := strings.Count(out.String(), "bad"+passes); n != 1 || strings.Contains(out.String(), "good"+passes) {
			t.Errorf("logged %d times, want once, for one source:\n%s", n, out.String())
		}
		bad.set("x 10.0.0.2")
		time.Sleep(3 * time.Minute)
		if addrs(s, "x") != "10.0.0.2" || !s.Ready() || testutil.ToFloat64(metrics.Unread.WithLabelValues("bad")) != 0 {
			t.Errorf("after the recovery: x is %s, ready %t", addrs(s, "x"), s.Ready())
		}
	})
}

// A source that has been loaded never passes names, whatever fails later.
func TestLoadedSourceKeepsNames(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", "a 10.0.0.1")
		s := serve(t, p, f)
		f.fail(nil)
		time.Sleep(time.Hour)
		s = reload(t, p, s, f)
		if s.Snapshot().PassUnread || !s.Ready() || addrs(s, "a") != "10.0.0.1" {
			t.Errorf("passes unread names %t, ready %t, a %s", s.Snapshot().PassUnread, s.Ready(), addrs(s, "a"))
		}
	})
}

// A source that a reload adds has its first fetch before names pass; the two
// minutes do not begin again.
func TestSourceOfReload(t *testing.T) {
	for _, tc := range []struct {
		name  string
		stall bool
		wait  time.Duration
	}{
		{"fails at once", false, 2 * time.Second},
		{"does not answer", true, grace + time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *Process) {
				good := newFake("good", "a 10.0.0.1")
				s := serve(t, p, good)
				time.Sleep(time.Hour)
				bad := unreadable("bad")
				if tc.stall {
					bad.stall = make(chan struct{})
					defer close(bad.stall)
				}
				s = reload(t, p, s, good, bad)
				if got := addrs(s, "x"); got != "not ready" {
					t.Errorf("before the first fetch x is %s", got)
				}
				time.Sleep(tc.wait)
				if got := addrs(s, "x"); got != "foreign" {
					t.Errorf("after %s x is %s", tc.wait, got)
				}
			})
		})
	}
}

// fail_closed has no limit of time.
func TestFailClosed(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		closed := *testSet
		closed.FailClosed = true
		s := p.New(Config{Block: "test", Zones: &closed, Sources: []source.Source{unreadable("bad")}})
		s.Begin()
		t.Cleanup(s.Close)
		s.Commit()
		time.Sleep(time.Hour)
		if got := addrs(s, "x"); got != "not ready" || testutil.ToFloat64(metrics.Unread.WithLabelValues("bad")) != 0 {
			t.Errorf("x is %s", got)
		}
	})
}
