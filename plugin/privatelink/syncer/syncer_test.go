package syncer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

var testSet = &zone.Set{Cloud: cloud.Public, Zones: []dnsname.Name{"privatelink.blob.core.windows.net.", "privatelink.queue.core.windows.net."}}

// bubble runs a test with synthetic time and a new Process.
func bubble(t *testing.T, f func(t *testing.T, p *Process)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, NewProcess()) })
}

// begin returns a syncer after its Begin. It is closed when the test ends.
func begin(t testing.TB, p *Process, stateFile string, sources ...source.Source) *Syncer {
	s := p.New(Config{Block: "test", Zones: testSet, Sources: sources, StateFile: stateFile})
	s.Begin()
	t.Cleanup(s.Close)
	return s
}

// serve returns a syncer after its Commit.
func serve(t testing.TB, p *Process, sources ...source.Source) *Syncer {
	s := begin(t, p, "", sources...)
	s.Commit()
	return s
}

// agreement is long enough for three lists of a source with an interval of a minute.
const agreement = 4 * time.Minute

// poll polls the sources of s at once.
func poll(t testing.TB, s *Syncer) {
	for _, p := range s.subscriptions() {
		if !p.Static && p.poll(t.Context()) {
			p.refreshSubscribers()
		}
	}
}

// addrs returns the served addresses of the account's blob name.
func addrs(s *Syncer, account string) string {
	m := s.Snapshot().Lookup(account + ".privatelink.blob.core.windows.net.")
	if m.Result != zone.Success {
		return []string{"foreign", "", "absent", "", "not ready"}[m.Result]
	}
	return strings.Trim(fmt.Sprint(m.Record.Addrs), "[]")
}

func TestMerge(t *testing.T) {
	for _, tc := range []struct {
		name          string
		first, second []string // entries of the sources
		want          string   // served for a and b
	}{
		{"two sources, two names", []string{"a 10.0.0.1"}, []string{"b 10.0.0.2"}, "10.0.0.1, 10.0.0.2"},
		{"two sources, one name: the first is served", []string{"a 10.0.0.1"}, []string{"a 10.0.0.2"}, "10.0.0.1, foreign"},
		{"two sources, two forms of a name: the first is served", []string{"a.privatelink.blob.core.windows.net. 10.0.0.1"}, []string{"a.z7.blob.storage.azure.net. 10.0.0.2"}, "10.0.0.1, foreign"},
		{"the addresses of one source are united", []string{"a 10.0.0.1", "a.privatelink.blob.core.windows.net. 10.0.0.2 10.0.0.1"}, nil, "10.0.0.1 10.0.0.2, foreign"},
		{"the addresses of two endpoints are united", []string{"a 10.0.0.1 from=/pe/1", "a 10.0.0.2 from=/pe/2"}, nil, "10.0.0.1 10.0.0.2, foreign"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, NewProcess(), newFake("1", tc.first...), newFake("2", tc.second...))
			if got := addrs(s, "a") + ", " + addrs(s, "b"); got != tc.want {
				t.Errorf("served %s; want %s", got, tc.want)
			}
		})
	}
}

// The alias of a later source is served although its addresses are not.
func TestLaterSourceAddsAlias(t *testing.T) {
	s := serve(t, NewProcess(), newFake("1", "a 10.0.0.1"), newFake("2", "a.z7.blob.storage.azure.net. 10.0.0.1"))
	if m := s.Snapshot().Lookup("a.z7.blob.storage.azure.net."); m.Result != zone.Alias || m.Record.Addrs[0].String() != "10.0.0.1" {
		t.Errorf("Lookup = %+v", m)
	}
}

func TestFailures(t *testing.T) {
	part := listOf("a 10.0.0.9")
	part.Complete = false
	for _, tc := range []struct {
		name  string
		steps func(*fake)
		want  string
		ready bool
	}{
		{"never loaded", func(f *fake) { f.fail(nil) }, "not ready not ready", false},
		{"incomplete: its names are served, other names are not ready", func(f *fake) { f.fail(part) }, "10.0.0.9 not ready", false},
		{"loaded, then an error", func(f *fake) { f.fail(nil) }, "10.0.0.1 10.0.0.2", true},
		{"loaded, then incomplete: names change, none is removed", func(f *fake) { f.fail(part) }, "10.0.0.9 10.0.0.2", true},
		{"loaded, then an error with a complete list", func(f *fake) { f.fail(listOf("a 10.0.0.3")) }, "10.0.0.3 foreign", true},
		{"loaded, then empty", func(f *fake) { f.set() }, "foreign foreign", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *Process) {
				f := newFake("f", "a 10.0.0.1", "b 10.0.0.2")
				if !strings.HasPrefix(tc.name, "loaded") {
					tc.steps(f)
				}
				s := serve(t, p, f)
				tc.steps(f)
				if tc.ready {
					time.Sleep(agreement)
				}
				if got := addrs(s, "a") + " " + addrs(s, "b"); got != tc.want || s.Ready() != tc.ready {
					t.Errorf("served %s, ready %v; want %s, %v", got, s.Ready(), tc.want, tc.ready)
				}
			})
		})
	}
}

func TestEachSourceIsPolled(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		constant, changing := newFake("1", "a 10.0.0.1"), newFake("2", "b 10.0.0.2")
		s := serve(t, p, constant, changing)
		first := s.Snapshot()

		time.Sleep(10 * time.Minute)
		if s.Snapshot() != first {
			t.Error("a new snapshot is built although nothing changed")
		}
		if n := constant.fetches.Load(); n < 9 || n > 13 {
			t.Errorf("%d fetches in ten minutes; want one a minute", n)
		}
		changing.set("b 10.0.0.3")
		time.Sleep(2 * time.Minute)
		if got := addrs(s, "b"); got != "10.0.0.3" {
			t.Errorf("served %s; want the new address", got)
		}
		changing.fail(nil)
		time.Sleep(time.Hour)
		if got := addrs(s, "a") + ", " + addrs(s, "b"); got != "10.0.0.1, 10.0.0.3" {
			t.Errorf("served %s after an outage of an hour; want the last good addresses", got)
		}
	})
}

// Records of the Corefile do not survive a reload that changes them.
func TestRecordsDoNotOutliveReload(t *testing.T) {
	p := NewProcess()
	for _, addr := range []string{"10.0.0.1", "10.0.0.2"} {
		s := serve(t, p, source.NewRecord("Corefile:3", listOf("a "+addr).Entries))
		if got := addrs(s, "a"); got != addr {
			t.Errorf("served %s; want %s", got, addr)
		}
	}
}

// logTo redirects the log until the test ends.
func logTo(t *testing.T, out io.Writer) {
	before := stdlog.Writer()
	stdlog.SetOutput(out)
	t.Cleanup(func() { stdlog.SetOutput(before) })
}

func TestLog(t *testing.T) {
	const checkPE = ", which is not in a private range; it is served: check the private endpoint /pe/"
	var out bytes.Buffer
	logTo(t, &out)
	list := listOf(
		"a 10.0.0.1 from=/pe/1", "a 10.0.0.2 from=/pe/2",
		"b 20.1.2.3 from=/pe/3", "c.database.windows.net. 10.0.0.4 from=/pe/4",
		"d 100.64.0.1 fd00::1 127.0.0.1")
	list.Skipped = []source.Skip{{Endpoint: "/pe/5", Reason: source.NotApproved, Detail: "its connection is Pend\ning"}}
	f := newFake("src")
	failing := func() {
		f.next.Store(&fetched{&source.List{Entries: list.Entries, Skipped: list.Skipped, Complete: true}, errors.New("it rains\nit pours")})
	}
	failing()
	bubble(t, func(t *testing.T, p *Process) {
		serve(t, p, f)
		for range 2 {
			failing()
			time.Sleep(agreement)
		}
		f.set()
		time.Sleep(agreement)
	})
	want := []string{
		"[ERROR] plugin/privatelink: src: it rains; it pours (its last good records are served)",
		"[WARNING] plugin/privatelink: src: skipped /pe/5: its connection is Pend\uFFFDing",
		"[WARNING] plugin/privatelink: src: a.privatelink.blob.core.windows.net is in two endpoints, the addresses of both are served: /pe/1 and /pe/2",
		"[WARNING] plugin/privatelink: src: b.privatelink.blob.core.windows.net has the address 20.1.2.3" + checkPE + "3",
		"[WARNING] plugin/privatelink: src: d.privatelink.blob.core.windows.net has the address 127.0.0.1" + checkPE + "d",
		"[WARNING] plugin/privatelink: src: skipped /pe/4: c.database.windows.net is in none of the zones: to serve them, " +
			"add privatelink.database.windows.net to the zones of privatelink",
		"[INFO] plugin/privatelink: added a.privatelink.blob.core.windows.net: 10.0.0.1, 10.0.0.2 from /pe/1",
		"[INFO] plugin/privatelink: added b.privatelink.blob.core.windows.net: 20.1.2.3 from /pe/3",
		"[INFO] plugin/privatelink: added d.privatelink.blob.core.windows.net: 100.64.0.1, 127.0.0.1, fd00::1 from /pe/d",
		"[INFO] plugin/privatelink: src: recovered",
		"[INFO] plugin/privatelink: removed a.privatelink.blob.core.windows.net: no source has it (was 10.0.0.1, 10.0.0.2)",
		"[INFO] plugin/privatelink: removed b.privatelink.blob.core.windows.net: no source has it (was 20.1.2.3)",
		"[INFO] plugin/privatelink: removed d.privatelink.blob.core.windows.net: no source has it (was 100.64.0.1, 127.0.0.1, fd00::1)",
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, line[strings.Index(line, "["):len(line)-1])
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("log:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The findings of a source in two server blocks are logged once.
func TestLogOfTwoBlocks(t *testing.T) {
	var out bytes.Buffer
	logTo(t, &out)
	f := newFake(t.Name(), "a 20.1.2.3")
	p := NewProcess()
	first := serve(t, p, f)
	second := p.New(Config{Block: "second", Zones: testSet, Sources: []source.Source{f}})
	second.Begin()
	t.Cleanup(second.Close)
	second.Commit()
	f.set("a 20.1.2.3", "b 10.0.0.1")
	poll(t, first)
	if n := strings.Count(out.String(), "20.1.2.3"); n != 2 || strings.Count(out.String(), "10.0.0.1") != 1 {
		t.Errorf("logged %d times:\n%s", n, out.String())
	}
}
