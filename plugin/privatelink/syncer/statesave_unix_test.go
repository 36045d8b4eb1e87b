//go:build unix

package syncer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
)

// If the records change often, the file is written every five seconds.
func TestSavesAreRare(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		path := filepath.Join(t.TempDir(), "state")
		f := newFake("f", "a 10.0.0.1")
		s := serveState(t, p, path, f)
		saves, last := 0, os.FileInfo(nil)
		for i := range 600 { // a minute
			f.set(fmt.Sprintf("a 10.0.%d.%d", i/100, i%100))
			poll(t, s)
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			info, err := os.Stat(path)
			if err == nil && (last == nil || !os.SameFile(info, last)) {
				saves, last = saves+1, info
			}
		}
		if saves < 10 || saves > 13 {
			t.Errorf("%d saves in a minute; want one every five seconds", saves)
		}
	})
}

// A failed save is counted and retried although no record changes.
func TestUnsavedState(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		var out bytes.Buffer
		unsaved := func() float64 { return testutil.ToFloat64(metrics.UnsavedStates) }
		before := unsaved()
		folder := filepath.Join(t.TempDir(), "later")
		logTo(t, &out)
		s := serveState(t, p, filepath.Join(folder, "state"), newFake("f", "a 10.0.0.1"))
		time.Sleep(time.Minute)
		if got := unsaved() - before; got != 1 {
			t.Errorf("%v unsaved states without the folder; want 1", got)
		}
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := unsaved() - before; got != 0 || saved(t, filepath.Join(folder, "state")) != "f:a[10.0.0.1]" {
			t.Errorf("%v unsaved states with the folder, saved %s", got, saved(t, filepath.Join(folder, "state")))
		}
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		s.state.changed()
		time.Sleep(time.Minute)
		s.Close()
		if got := unsaved() - before; got != 0 {
			t.Errorf("%v unsaved states after the end; want 0", got)
		}
		for _, line := range []string{"(a restart without Azure would lose the records)", "state is written again"} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("log %q; want %q", out.String(), line)
			}
		}
	})
}

// A symbolic link is preserved. The temporary file of a killed process is removed.
func TestStateBehindLink(t *testing.T) {
	folder := t.TempDir()
	link, file := filepath.Join(folder, "link"), filepath.Join(folder, "file")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".tmp", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the target is missing first
		serveState(t, NewProcess(), link, newFake("f", "a 10.0.0.1")).Close()
		if to, err := os.Readlink(link); err != nil || to != "file" || saved(t, file) != "f:a[10.0.0.1]" {
			t.Errorf("link to %q, %v, saved %s", to, err, saved(t, file))
		}
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*.tmp")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// A state file that was deleted or overwritten is written again.
func TestStateIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		path := filepath.Join(t.TempDir(), "state")
		s := serveState(t, p, path, newFake("f", "a 10.0.0.1"))
		want := "f:a[10.0.0.1]"
		for _, damage := range []func() error{func() error { return os.Remove(path) }, func() error { return os.WriteFile(path, []byte("{}"), 0o600) }} {
			time.Sleep(2 * time.Minute)
			if got := saved(t, path); got != want {
				t.Errorf("saved %s; want %s", got, want)
			}
			if err := damage(); err != nil {
				t.Fatal(err)
			}
		}
		s.Close()
		if got := saved(t, path); got != want {
			t.Errorf("saved %s at the end; want %s", got, want)
		}
	})
}
