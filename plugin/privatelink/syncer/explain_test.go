package syncer

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// since is a moment of the test in whole minutes after its start.
func since(start time.Time, v verdict.Verdict) int {
	return int(v.Since.Sub(start.Truncate(time.Second)).Minutes())
}

// A verdict has the time of the first publishing, whatever is fetched or reloaded
// after it, and the time of the removal.
func TestExplainSince(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		start := time.Now()
		f := newFake("f", "a 10.0.0.1", "b 10.0.0.2")
		s := serve(t, p, f)
		explain := func(account string, kind verdict.Kind, minutes int, endpoint string) {
			t.Helper()
			v := s.Explain(nameOf(account))
			if v.Kind != kind || since(start, v) != minutes || v.Endpoint != endpoint {
				t.Errorf("%s: %s since minute %d, %q; want %s, %d, %q", account, v.Kind, since(start, v), v.Endpoint, kind, minutes, endpoint)
			}
		}
		explain("a", verdict.Served, 0, "/pe/a")
		time.Sleep(10 * time.Minute)
		f.set("a 10.0.0.9", "c 10.0.0.3", "b 10.0.0.2")
		poll(t, s)
		explain("a", verdict.Served, 0, "/pe/a")
		explain("c", verdict.Served, 10, "/pe/c")
		s = serve(t, p, f) // a reload
		explain("c", verdict.Served, 10, "/pe/c")
		time.Sleep(10 * time.Minute)
		f.set("a 10.0.0.9", "c 10.0.0.3")
		poll(t, s)
		explain("b", verdict.HeldBack, 20, "/pe/b")
		if v := s.Explain(nameOf("b")); !v.Served || v.Source != "f" || v.Remedy == "" {
			t.Errorf("held back: %+v", v)
		}
		time.Sleep(agreement)
		v := s.Explain(nameOf("b"))
		if v.Kind != verdict.Removed || v.Served || v.Endpoint != "/pe/b" || v.Addrs[0].String() != "10.0.0.2" || since(start, v) < 21 || since(start, v) > 24 {
			t.Errorf("removed: %+v, minute %d", v, since(start, v))
		}
		explain("c", verdict.Served, 10, "/pe/c")
	})
}

// A restart keeps the times of names that the state file has, also if the source is read late.
func TestSinceOutlivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, remote := range []bool{false, true} {
		bubble(t, func(t *testing.T, p *Process) {
			f := newFake("f", "a 10.0.0.1")
			s := serveState(t, p, path, f)
			time.Sleep(10 * time.Minute)
			f.set("a 10.0.0.1", "b 10.0.0.2")
			poll(t, s)
		})
		bubble(t, func(t *testing.T, p *Process) { // each bubble begins in the year 2000
			start := time.Now()
			time.Sleep(time.Hour)
			f := newFake("f", "b 10.0.0.2", "a 10.0.0.9", "c 10.0.0.3")
			f.remote = remote
			s := serveState(t, p, path, f)
			time.Sleep(time.Minute)
			for account, want := range map[string][]int{"a": {0}, "b": {10}, "c": {60, 61}} {
				if v := s.Explain(nameOf(account)); !v.Served || !slices.Contains(want, since(start, v)) {
					t.Errorf("remote %v, %s: served %v since minute %d; want %d", remote, account, v.Served, since(start, v), want)
				}
			}
		})
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// The endpoint is that of the source whose addresses are served.
func TestExplainOrigin(t *testing.T) {
	first, second := newFake("1", "a 10.0.0.1 from=/pe/1", "b 10.0.0.2 from=/pe/2"), newFake("2", "a 10.0.0.3 from=/pe/3", "c 10.0.0.4 from=/pe/4")
	s := serve(t, NewProcess(), newFake("0"), first, second)
	for account, want := range map[string]string{"a": "1 /pe/1", "b": "1 /pe/2", "c": "2 /pe/4"} {
		if v := s.Explain(nameOf(account)); v.Source+" "+v.Endpoint != want {
			t.Errorf("%s is from %s %s; want %s", account, v.Source, v.Endpoint, want)
		}
	}
}

func TestExplainFailures(t *testing.T) {
	for _, tc := range []struct {
		name  string
		steps func(*fake)
		want  verdict.Kind
		text  string
	}{
		{"never read", func(f *fake) { f.fail(nil) }, verdict.NotReady, "its source may be f, which has not been read: it rains"},
		{"read before", func(f *fake) { f.fail(listOf("b 10.0.0.2")) }, verdict.NeverSeen, "no source has it; f cannot be read: it rains"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *Process) {
				f := newFake("f")
				tc.steps(f)
				s := serve(t, p, f)
				if v := s.Explain(nameOf("a")); v.Kind != tc.want || v.Text != tc.text {
					t.Errorf("Explain = %s, %q; want %s, %q", v.Kind, v.Text, tc.want, tc.text)
				}
			})
		})
	}
}

// The last good record of a source that cannot be read is served, and the verdict has
// the error.
func TestExplainLastGood(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", "a 10.0.0.1")
		s := serve(t, p, f)
		f.fail(nil)
		poll(t, s)
		if v := s.Explain(nameOf("a")); v.Kind != verdict.Served || v.Text != "its last good record is served: its source cannot be read: it rains" {
			t.Errorf("Explain = %+v", v)
		}
	})
}

// Before the first snapshot, nothing is known.
func TestExplainAtStart(t *testing.T) {
	s := NewProcess().New(Config{Block: "test", Zones: testSet, Sources: []source.Source{newFake("f")}})
	if v := s.Explain(nameOf("a")); v.Served || v.Answer != verdict.ServFail {
		t.Errorf("Explain = %+v", v)
	}
}

// The memory of removed names is bounded.
func TestRemovalsAreBounded(t *testing.T) {
	r := newRemovals()
	for i := range maxRemovals + 10 {
		r.all.Add(nameOf(strconv.Itoa(i)), verdict.Removal{})
	}
	if n := r.all.Len(); n != maxRemovals {
		t.Errorf("%d removals; want %d", n, maxRemovals)
	}
}

func nameOf(account string) dnsname.Name {
	return dnsname.Name(account + ".privatelink.blob.core.windows.net.")
}
