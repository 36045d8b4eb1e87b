package syncer

import (
	"bytes"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

const blobZone = "privatelink.blob.core.windows.net."

// serveBlock returns a syncer of the server block id after its Commit.
func serveBlock(t testing.TB, p *Process, id, stateFile string, sources ...source.Source) *Syncer {
	s := p.New(Config{Block: id, Zones: testSet, Sources: sources, StateFile: stateFile})
	s.Begin()
	t.Cleanup(s.Close)
	s.Commit()
	return s
}

// reload replaces s by a syncer of the same block.
func reload(t testing.TB, p *Process, s *Syncer, sources ...source.Source) *Syncer {
	next := begin(t, p, s.StateFile, sources...)
	s.Close()
	next.Commit()
	return next
}

// The last good list survives a reload while the source fails.
func TestSourcesOutliveReload(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", "a 10.0.0.1")
		s := serve(t, p, f)
		f.fail(nil)
		s = reload(t, p, s, newFake("f", "a 10.0.0.2"))
		if got := addrs(s, "a"); got != "10.0.0.1" {
			t.Errorf("served %s after the reload; want the last good 10.0.0.1", got)
		}
	})
}

// A reload that fails leaves no trace in the log and the metrics.
func TestAbort(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		var out bytes.Buffer
		f := newFake("f", "a 10.0.0.1")
		s := serve(t, p, f)
		serial := s.Snapshot().Zones[blobZone].Serial
		logTo(t, &out)
		for range 3 {
			time.Sleep(time.Second)
			failed := begin(t, p, "", newFake("g", "b 10.0.0.2"))
			if got := addrs(failed, "b"); got != "10.0.0.2" {
				t.Errorf("served %s before the commit; want the new records", got)
			}
			failed.Close()
			failed.Commit() // too late
		}
		if out.Len() > 0 {
			t.Errorf("log:\n%s", out.String())
		}
		if n := len(p.pollers); n != 1 {
			t.Errorf("%d pollers; want 1", n)
		}
		if n := testutil.CollectAndCount(metrics.Refresh); n != 1 {
			t.Errorf("%d series of refresh_seconds; want 1", n)
		}
		s = reload(t, p, s, f)
		// The instance that failed may have been asked for its serial.
		if got := s.Snapshot().Zones[blobZone].Serial; got < serial {
			t.Errorf("serial %d after %d", got, serial)
		}
	})
}

// A Backup zone that a record created remains after a reload without its records.
func TestEmptiedZoneOutlivesReload(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", "1.privatelink.we.backup.windowsazure.com. 10.0.0.1")
		s := serve(t, p, f)
		f.set()
		time.Sleep(agreement)
		for range 3 {
			s = reload(t, p, s, f)
		}
		if got := s.Snapshot().Lookup("1.privatelink.we.backup.windowsazure.com.").Result; got != zone.NameError {
			t.Errorf("result %d; want NXDOMAIN", got)
		}
		other := serveBlock(t, p, "other", "", newFake("g"))
		if got := other.Snapshot().Lookup("1.privatelink.we.backup.windowsazure.com.").Result; got != zone.OutOfZone {
			t.Errorf("result %d in a different block; want %d", got, zone.OutOfZone)
		}
	})
}

func TestBlocksAreForgotten(t *testing.T) {
	p := NewProcess()
	s := serve(t, p, newFake("f", "a 10.0.0.1"))
	s.Close()
	s.Close()
	if len(p.blocks)+len(p.pollers)+len(p.states) != 0 {
		t.Errorf("%d blocks, %d pollers, %d state files are left; want none", len(p.blocks), len(p.pollers), len(p.states))
	}
}

// A changed line of the Corefile is a new source. Until it has been loaded, the
// names of the old one stay, in the zones and in the state file.
func TestChangedSource(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		path := filepath.Join(t.TempDir(), "state")
		old := serveState(t, p, path, newFake("f", "a 10.0.0.1", "b 10.0.0.2"))
		time.Sleep(time.Minute)
		changed := newFake("g", "a 10.0.0.3")
		changed.fail(nil)
		s := reload(t, p, old, changed)
		time.Sleep(10 * time.Minute)
		if got := addrs(s, "a") + " " + addrs(s, "b"); got != "10.0.0.1 10.0.0.2" || s.Ready() {
			t.Errorf("served %s, ready %v while the new source fails; want the old records, not ready", got, s.Ready())
		}
		if got, want := saved(t, path), "f:a[10.0.0.1] b[10.0.0.2]"; got != want {
			t.Errorf("saved %s; want %s", got, want)
		}
		s.Close()
		p = NewProcess() // a restart
		s = serveState(t, p, path, changed)
		if got := addrs(s, "a") + " " + addrs(s, "b"); got != "10.0.0.1 10.0.0.2" {
			t.Errorf("served %s after a restart; want the old records", got)
		}
		changed.set("a 10.0.0.3")
		time.Sleep(10 * time.Minute)
		if got := addrs(s, "a") + " " + addrs(s, "b"); got != "10.0.0.3 foreign" || !s.Ready() {
			t.Errorf("served %s, ready %v when the new source has been loaded; want its records", got, s.Ready())
		}
		if got, want := saved(t, path), "g:a[10.0.0.3]"; got != want {
			t.Errorf("saved %s; want %s", got, want)
		}
	})
}

// A block without a state file shares a source with a block that has one.
func TestStateOfSecondBlock(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		path := filepath.Join(t.TempDir(), "state")
		serveState(t, p, path, newFake("f", "a 10.0.0.1", "b 10.0.0.2")).Close()
		f := newFake("f", "a 10.0.0.1")
		p = NewProcess()
		first := p.New(Config{Block: "first", Zones: testSet, Sources: []source.Source{f}})
		second := p.New(Config{Block: "second", Zones: testSet, Sources: []source.Source{f}, StateFile: path})
		for _, s := range []*Syncer{first, second} {
			s.Begin()
			t.Cleanup(s.Close)
		}
		first.Commit()
		second.Commit()
		synctest.Wait()
		if got := addrs(first, "b") + " " + addrs(second, "b"); got != "10.0.0.2 10.0.0.2" {
			t.Errorf("served %s; want the records of the state file until the source agrees", got)
		}
		time.Sleep(agreement)
		if got := addrs(first, "b"); got != "foreign" {
			t.Errorf("served %s after three lists", got)
		}
	})
}
