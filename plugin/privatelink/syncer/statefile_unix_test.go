//go:build unix

package syncer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
)

// A restarted server answers from the state file, also with a slow clock.
func TestStateAnswersAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	serial := uint32(0)
	for _, tc := range []struct {
		name string
		list *source.List
		want string
	}{
		{"the first start", listOf("a 10.0.0.1", "b 10.0.0.2"), "10.0.0.1 10.0.0.2"},
		{"no list", nil, "10.0.0.1 10.0.0.2"},
		{"empty incomplete list", &source.List{}, "10.0.0.1 10.0.0.2"},
		{"incomplete list", &source.List{Entries: listOf("a 10.0.0.3").Entries}, "10.0.0.3 10.0.0.2"},
		{"a small loss", listOf("a 10.0.0.3"), "10.0.0.3 foreign"},
	} {
		bubble(t, func(t *testing.T, p *Process) { // each bubble begins in the year 2000
			f := newFake("f")
			f.fail(tc.list)
			s := serveState(t, p, path, f)
			if strings.HasSuffix(tc.want, "foreign") {
				time.Sleep(agreement)
			}
			if got := addrs(s, "a") + " " + addrs(s, "b"); got != tc.want || !s.Ready() {
				t.Errorf("%s: served %s, ready %v; want %s", tc.name, got, s.Ready(), tc.want)
			}
			if got := s.Snapshot().Zones[blobZone].Serial; got <= serial {
				t.Errorf("%s: serial %d after %d", tc.name, got, serial)
			} else {
				serial = got
			}
		})
	}
}

// A remote source has its records before the first fetch.
func TestStateOfRemoteSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, want := range []string{"not ready", "10.0.0.1"} {
		bubble(t, func(t *testing.T, p *Process) {
			f := newFake("f", "a 10.0.0.1")
			f.remote = true
			s := serveState(t, p, path, f)
			if got := addrs(s, "a"); got != want {
				t.Errorf("served %s at once; want %s", got, want)
			}
			time.Sleep(time.Minute)
		})
	}
}

// A sudden loss is held back over a restart.
func TestStateIsGuarded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, entries := range [][]string{accounts(10), nil, nil, nil} {
		bubble(t, func(t *testing.T, p *Process) {
			s := serveState(t, p, path, newFake("f", entries...))
			if got := addrs(s, "n1"); got != "10.0.0.2" {
				t.Errorf("served %s; want it held back", got)
			}
		})
	}
}

// A source receives the Parts of its last list after a restart.
func TestStateRemembersParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, want := range []string{"map[]", "map[/a:7]"} {
		f := &forgetful{fake: newFake("f", "a 10.0.0.1")}
		f.next.Load().list.Parts = map[string]int{"/a": 7}
		p := NewProcess()
		s := serveState(t, p, path, f)
		if got := fmt.Sprint(f.parts); got != want {
			t.Errorf("Remember(%s); want %s", got, want)
		}
		s.Close()
	}
}

type forgetful struct {
	*fake
	parts map[string]int
}

func (f *forgetful) Remember(parts map[string]int) { f.parts = parts }

func TestInvalidState(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(folder, "half")
	if err := os.WriteFile(half, []byte(`{"ver`), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		pipe:   pipe + ": not a regular file (starting without it, it is kept until all sources have been read)",
		half:   half + ": byte 1: the file ends here, it has been cut (starting without it, it is kept until all sources have been read)",
		folder: folder + ": not a regular file (starting without it, it is kept until all sources have been read)",
	} {
		var out bytes.Buffer
		logTo(t, &out)
		s := begin(t, NewProcess(), path, newFake("f", "a 10.0.0.1"))
		s.Close()
		if got := addrs(s, "a"); got != "10.0.0.1" || !strings.Contains(out.String(), want) {
			t.Errorf("served %s, log %q; want %q", got, out.String(), want)
		}
	}
}

// A state file that cannot be read is kept until all sources have been read: a later
// version has written it, or its permissions are wrong.
func TestUnreadState(t *testing.T) {
	const later = `{"version": 99}`
	for _, tc := range []struct {
		name    string
		sources []source.Source
		kept    bool
	}{
		{"a source is read, and another one is not", []source.Source{newFake("f", "a 10.0.0.1"), unreadable("g")}, true},
		{"all are read", []source.Source{newFake("f", "a 10.0.0.1"), newFake("g", "b 10.0.0.2")}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *Process) {
				path := filepath.Join(t.TempDir(), "state")
				if err := os.WriteFile(path, []byte(later), 0o600); err != nil {
					t.Fatal(err)
				}
				s := serveState(t, p, path, tc.sources...)
				for _, when := range []string{"after a minute", "at the end"} {
					time.Sleep(time.Minute)
					text, err := os.ReadFile(path)
					if err != nil || (string(text) == later) != tc.kept {
						t.Errorf("%s: kept %v, %v; want %v", when, string(text) == later, err, tc.kept)
					}
					s.Close()
				}
			})
		})
	}
}

// Two server blocks with one state file share it, also if one of them has a link to it.
func TestStateOfTwoBlocks(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		folder := t.TempDir()
		path, link := filepath.Join(folder, "state"), filepath.Join(folder, "link")
		if err := os.Symlink("state", link); err != nil { // the file does not exist yet
			t.Fatal(err)
		}
		f, g := newFake("f", "a 10.0.0.1"), newFake("g", "b 10.0.0.2")
		first, second := serveState(t, p, path, f), serveBlock(t, p, "second", link, g)
		time.Sleep(time.Minute)
		both := "f:a[10.0.0.1], g:b[10.0.0.2]"
		if got := saved(t, path); got != both {
			t.Errorf("saved %s; want %s", got, both)
		}
		first = reload(t, p, first, f)
		time.Sleep(time.Minute)
		if got := saved(t, path); got != both {
			t.Errorf("saved %s after a reload; want %s", got, both)
		}
		f.set("a 10.0.0.4")
		poll(t, first)
		first.Close() // the process ends, one block after the other
		second.Close()
		if got, want := saved(t, path), "f:a[10.0.0.4], g:b[10.0.0.2]"; got != want {
			t.Errorf("saved %s at the end; want %s", got, want)
		}
		first, second = serveState(t, p, path, f), serveBlock(t, p, "second", link, g)
		next := begin(t, p, path, f) // a reload without the second block
		first.Close()
		second.Close()
		next.Commit()
		next.Close()
		if got, want := saved(t, path), "f:a[10.0.0.4]"; got != want {
			t.Errorf("saved %s without the second block; want %s", got, want)
		}
	})
}

// A save between the commits of two server blocks has the records of both.
func TestStateBetweenCommits(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		path := filepath.Join(t.TempDir(), "state")
		f, g := newFake("f", "a 10.0.0.1"), newFake("g", "b 10.0.0.2")
		first, second := serveState(t, p, path, f), serveBlock(t, p, "second", path, g)
		first.Close()
		second.Close()
		p = NewProcess()
		g.fail(nil)
		first = begin(t, p, path, f)
		second = p.New(Config{Block: "second", Zones: testSet, Sources: []source.Source{g}, StateFile: path})
		second.Begin()
		first.Commit()
		time.Sleep(time.Minute)
		if got, want := saved(t, path), "f:a[10.0.0.1], g:b[10.0.0.2]"; got != want {
			t.Errorf("saved %s between the commits; want %s", got, want)
		}
		second.Commit()
		first.Close()
		second.Close()
	})
}

// A reload that fails does not write the file. The last lists are written at the end.
func TestStateOverReload(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		path := filepath.Join(t.TempDir(), "state")
		f := newFake("f", "a 10.0.0.1")
		s := serveState(t, p, path, f)
		time.Sleep(time.Minute)
		failed := begin(t, p, path, newFake("g", "b 10.0.0.2"))
		time.Sleep(time.Minute)
		f.set("a 10.0.0.3")
		time.Sleep(2 * time.Minute)
		if got := saved(t, path); got != "f:a[10.0.0.3]" {
			t.Errorf("saved %s during a reload; want the served records", got)
		}
		failed.Close()
		time.Sleep(time.Minute)
		f.set("a 10.0.0.4")
		poll(t, s)
		s.Close()
		if got := saved(t, path); got != "f:a[10.0.0.4]" {
			t.Errorf("saved %s at the end; want the last list", got)
		}
	})
}

// A state file that takes long to read has names that the first list may lack. Until
// it has been read, no list is whole.
func TestSlowState(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", "a 10.0.0.1")
		s := p.New(Config{Block: "test", Zones: testSet, Sources: []source.Source{f}, StateFile: filepath.Join(t.TempDir(), "state")})
		file := &stateFile{
			path: s.StateFile, loaded: make(chan struct{}), wake: make(chan struct{}, 1), closing: make(chan struct{}),
			done: make(chan struct{}), users: map[*Syncer]stateUser{},
		}
		p.states[s.StateFile] = file
		s.Begin()
		s.Commit()
		time.Sleep(time.Minute)
		if got := addrs(s, "a") + " " + addrs(s, "b"); got != "10.0.0.1 not ready" || s.Ready() {
			t.Errorf("served %s, ready %v before the state file is read", got, s.Ready())
		}
		last := state.State{Sources: map[string]state.Source{"f": {Entries: listOf("b 10.0.0.2").Entries}}}
		if err := state.Save(s.StateFile, last); err != nil {
			t.Fatal(err)
		}
		go file.run(p)
		synctest.Wait()
		time.Sleep(time.Second)
		if got := addrs(s, "a") + " " + addrs(s, "b"); got != "10.0.0.1 10.0.0.2" || !s.Ready() {
			t.Errorf("served %s, ready %v when it has been read", got, s.Ready())
		}
		time.Sleep(2 * agreement)
		if got := addrs(s, "b"); got != "foreign" {
			t.Errorf("served %s after three lists", got)
		}
		s.Close()
	})
}

// A source that was never whole is saved as far as it was read.
func TestPartialState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	part := listOf("a 10.0.0.1")
	part.Complete = false
	for _, list := range []*source.List{part, nil} {
		bubble(t, func(t *testing.T, p *Process) {
			f := newFake("f")
			f.fail(list)
			s := serveState(t, p, path, f)
			if got := addrs(s, "a") + " " + addrs(s, "b"); got != "10.0.0.1 not ready" || s.Ready() {
				t.Errorf("served %s, ready %v; want the part, not ready", got, s.Ready())
			}
		})
	}
}
