package syncer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

const blobZone = "privatelink.blob.core.windows.net."

// forget makes the process one that has served nothing.
func forget() {
	zonesMu.Lock()
	defer zonesMu.Unlock()
	clear(zones)
}

func TestStateAnswersAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := newFake(t.Name(), "a.blob.core.windows.net. 10.0.0.1")
	before := newSyncerWithState(t, path, f)
	before.Sync(t.Context())
	serial := before.Snapshot().Zones[blobZone].Serial
	before.Close()
	forget()

	part := &source.List{}
	for _, tc := range []struct {
		name  string
		fails *source.List
	}{{"no Azure", nil}, {"no files", part}} {
		f = newFake(f.name)
		f.fails(tc.fails)
		after := newSyncerWithState(t, path, f)
		after.Sync(t.Context())
		if got := addrs(after, "a"); got != "10.0.0.1" || !after.Ready() {
			t.Errorf("%s: served %s, ready %v; want what the state file has", tc.name, got, after.Ready())
		}
		if got := after.Snapshot().Zones[blobZone].Serial; got <= serial {
			t.Errorf("%s: serial %d; want one after %d", tc.name, got, serial)
		}
		after.Close()
	}
}

// The list that Azure gives after the restart is the truth again.
func TestStateGivesWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := newFake(t.Name(), "a.blob.core.windows.net. 10.0.0.1", "b.blob.core.windows.net. 10.0.0.2")
	before := newSyncerWithState(t, path, f)
	before.Sync(t.Context())
	before.Close()
	after := newSyncerWithState(t, path, newFake(f.name, "a.blob.core.windows.net. 10.0.0.3"))
	after.Sync(t.Context())
	if got := addrs(after, "a") + " " + addrs(after, "b"); got != "10.0.0.3 foreign" {
		t.Errorf("served %s; want the fetched records", got)
	}
}

// A sudden loss is held back over a restart, too.
func TestStateIsGuarded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := newFake(t.Name(), accounts(10)...)
	before := newSyncerWithState(t, path, f)
	before.Sync(t.Context())
	before.Close()
	after := newSyncerWithState(t, path, newFake(f.name))
	after.Sync(t.Context())
	if got := addrs(after, "n1"); got != "10.0.0.2" {
		t.Errorf("served %s; want it held back", got)
	}
}

func TestBrokenState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, []byte(`{"ver`), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	logTo(t, &out)
	s := newSyncerWithState(t, path, newFake(t.Name(), "a.blob.core.windows.net. 10.0.0.1"))
	s.Sync(t.Context())
	if got := addrs(s, "a"); got != "10.0.0.1" {
		t.Errorf("served %s", got)
	}
	if want := path + ": unexpected end of JSON input (starting without it)"; !strings.Contains(out.String(), want) {
		t.Errorf("log %q; want %q", out.String(), want)
	}
}

// Serials go on over a restart whose clock is slow.
func TestSerialOverRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	var last uint32
	for range 3 {
		synctest.Test(t, func(t *testing.T) { // each begins in the year 2000
			forget()
			f := newFake("serials", "a.blob.core.windows.net. 10.0.0.1")
			s := newSyncerWithState(t, path, f)
			s.Sync(t.Context())
			f.gives("a.blob.core.windows.net. 10.0.0.2")
			s.Sync(t.Context())
			if now := s.Snapshot().Zones[blobZone].Serial; now <= last {
				t.Errorf("serial %d after %d", now, last)
			} else {
				last = now
			}
		})
	}
}

// After a reload the serial stays where the records stay.
func TestSerialOverReload(t *testing.T) {
	f := newFake(t.Name(), "reload.blob.core.windows.net. 10.0.0.1")
	old := newSyncer(t, f)
	old.Sync(t.Context())
	reloaded := newSyncer(t, f)
	reloaded.Sync(t.Context())
	if a, b := old.Snapshot().Zones[blobZone].Serial, reloaded.Snapshot().Zones[blobZone].Serial; a != b {
		t.Errorf("serial %d before the reload, %d after", a, b)
	}
}

// remote returns a syncer that asks f over the network, once a minute.
func remote(t *testing.T, f *fake) *Syncer {
	f.remote = true
	return newSyncer(t, f)
}

func TestRemoteIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t.Name(), "a.blob.core.windows.net. 10.0.0.1")
		s := remote(t, f)
		s.Sync(t.Context())
		if f.fetches.Load() != 0 || addrs(s, "a") != "not ready" {
			t.Errorf("%d fetches before Run, served %s", f.fetches.Load(), addrs(s, "a"))
		}
		go s.Run(t.Context())
		time.Sleep(2 * time.Second)
		if got := addrs(s, "a"); got != "10.0.0.1" {
			t.Errorf("served %s after two seconds", got)
		}
	})
}

func TestRemoteBacksOff(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want [2]int32 // fetches in the first hour: at least, at most
	}{
		{"outage", errors.New("it rains"), [2]int32{8, 12}}, // 1, 2, 4, 8, 10, 10, … minutes
		{"asked to stay away", &source.RetryAfterError{Err: errors.New("busy"), After: 20 * time.Minute}, [2]int32{3, 4}},
		{"asked to stay away for ever", &source.RetryAfterError{Err: errors.New("busy"), After: 1000 * time.Hour}, [2]int32{1, 1}},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(tc.name)
			f.next.Store(&fetched{nil, tc.err})
			s := remote(t, f)
			go s.Run(t.Context())
			time.Sleep(time.Hour - time.Minute)
			if n := f.fetches.Load(); n < tc.want[0] || n > tc.want[1] {
				t.Errorf("%s: %d fetches in an hour; want %d to %d", tc.name, n, tc.want[0], tc.want[1])
			}
			f.gives("a.blob.core.windows.net. 10.0.0.1")
			time.Sleep(2 * time.Hour)
			n := f.fetches.Load()
			time.Sleep(10 * time.Minute)
			if again := f.fetches.Load() - n; again < 9 || again > 11 {
				t.Errorf("%s: %d fetches in ten minutes after the recovery; want one a minute", tc.name, again)
			}
		})
	}
}

// A reload does not ask again what was asked a moment ago.
func TestReloadIsNoBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t.Name(), "a.blob.core.windows.net. 10.0.0.1")
		go remote(t, f).Run(t.Context())
		time.Sleep(30 * time.Second)
		for range 10 {
			reloaded := remote(t, f)
			reloaded.Sync(t.Context())
			if got := addrs(reloaded, "a"); got != "10.0.0.1" {
				t.Errorf("served %s at once after a reload", got)
			}
		}
		if n := f.fetches.Load(); n != 1 {
			t.Errorf("%d fetches in half a minute; want 1", n)
		}
	})
}

// The metric tells of a state file that is out of date, until it is written or
// its syncer ends.
func TestUnsavedState(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "later")
	f := newFake(t.Name(), "a.blob.core.windows.net. 10.0.0.1")
	unsaved := func() float64 { return testutil.ToFloat64(metrics.UnsavedStates) }
	none := unsaved()
	old := newSyncerWithState(t, filepath.Join(folder, "state"), f)
	reloaded := newSyncerWithState(t, filepath.Join(folder, "state"), f)
	for i, step := range []struct {
		name string
		do   func()
		want float64
	}{
		{"no folder", func() { old.Sync(t.Context()) }, 1},
		{"still none", func() { old.Sync(t.Context()) }, 1},
		{"after a reload", func() { reloaded.Sync(t.Context()) }, 2},
		{"the old one ends", old.Close, 1},
		{"and saves once more", func() { old.Sync(t.Context()) }, 1},
		{"the folder is there", func() {
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			reloaded.Sync(t.Context())
		}, 0},
	} {
		f.gives(fmt.Sprintf("a.blob.core.windows.net. 10.0.0.%d", i+1))
		step.do()
		if got := unsaved() - none; got != step.want {
			t.Errorf("%s: %v unsaved states; want %v", step.name, got, step.want)
		}
	}
}

// How often a source is read is known before it was read.
func TestRefreshIsKnown(t *testing.T) {
	f := newFake(t.Name())
	s := newSyncer(t, f)
	if got := testutil.ToFloat64(metrics.Refresh.WithLabelValues(f.name)); got != 60 {
		t.Errorf("refresh_seconds %v; want 60", got)
	}
	series := testutil.CollectAndCount(metrics.Refresh)
	record := &source.Record{}
	newSyncer(t, record)
	if got := testutil.CollectAndCount(metrics.Refresh); got != series {
		t.Errorf("%d series with a source that is read once; want %d", got, series)
	}
	s.Close()
	if got := testutil.CollectAndCount(metrics.Refresh); got != series-1 {
		t.Errorf("%d series after the source has gone; want %d", got, series-1)
	}
}

// A save that went wrong is tried again although nothing has changed since.
func TestStateIsTriedAgain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "later")
	s := newSyncerWithState(t, filepath.Join(folder, "state"), newFake(t.Name(), "a.blob.core.windows.net. 10.0.0.1"))
	s.Sync(t.Context())
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Sync(t.Context())
	if _, err := os.Stat(filepath.Join(folder, "state")); err != nil {
		t.Error(err)
	}
}
