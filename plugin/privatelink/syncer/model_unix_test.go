//go:build unix

package syncer

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// A world has files, a listing, and a model of the names that must be served. After
// each event it asserts that no name is removed without either a change of the
// Corefile, or complete lists that agree and are an interval apart.
type world struct {
	t      *testing.T
	rand   *rand.Rand
	folder string
	state  string

	process *Process
	syncer  *Syncer
	listing *fake

	good    map[string][]string // by file, the names of its last complete content
	exists  map[string]bool
	broken  map[string]bool
	read    map[string]bool // files that have been complete since the start
	listed  map[string]bool // names that the listing must keep
	old     map[string]bool // names served before a restart; empty once all files have been complete since
	history []string
}

const modelFiles = 3

func newWorld(t *testing.T, seed uint64) *world {
	folder := t.TempDir()
	w := &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 0)), folder: filepath.Join(folder, "exports"), state: filepath.Join(folder, "state"),
		process: NewProcess(), listing: newFake("listing"), good: map[string][]string{}, exists: map[string]bool{}, broken: map[string]bool{},
		read: map[string]bool{}, listed: map[string]bool{}, old: map[string]bool{},
	}
	w.check(os.Mkdir(w.folder, 0o700))
	w.listing.remote = true
	for i := range modelFiles {
		w.write(w.path(i))
	}
	for strings.HasSuffix(w.list(), "fails") || !w.listing.next.Load().list.Complete {
		clear(w.listed)
	}
	w.begin().Commit()
	return w
}

func (w *world) check(err error) {
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) path(i int) string { return filepath.Join(w.folder, fmt.Sprintf("%d.json", i)) }

// begin returns the syncer of a new instance.
func (w *world) begin() *Syncer {
	files := source.NewFiles([]string{filepath.Join(w.folder, "*.json")}, nil, time.Minute)
	s := w.process.New(Config{Block: "model", Zones: testSet, Sources: []source.Source{files, w.listing}, StateFile: w.state})
	s.Begin()
	w.t.Cleanup(s.Close)
	w.syncer = s
	return s
}

// names returns up to 14 names of 20.
func (w *world) names(prefix string) (all []string) {
	for range w.rand.IntN(15) {
		all = append(all, fmt.Sprintf("%s%d", prefix, w.rand.IntN(20)))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func export(names []string) string {
	var all []string
	for i, name := range names {
		all = append(all, fmt.Sprintf(`{"id": "/pe/%d", "customDnsConfigs": [{"fqdn": %q, "ipAddresses": ["10.0.0.1"]}],
			"privateLinkServiceConnections": [{"privateLinkServiceConnectionState": {"status": "Approved"}}]}`, i, name+".blob.core.windows.net"))
	}
	return "[" + strings.Join(all, ",\n") + "]\n"
}

func (w *world) write(path string) {
	names := w.names("f")
	w.check(os.WriteFile(path, []byte(export(names)), 0o600))
	w.good[path], w.exists[path], w.broken[path] = names, true, false
}

// list sets a listing that is complete, incomplete, has unread endpoints, or fails.
func (w *world) list() string {
	names := w.names("g")
	var entries []string
	for _, name := range names {
		entries = append(entries, name+" 10.0.0.2")
	}
	list := listOf(entries...)
	kept := map[string]bool{}
	kind := w.rand.IntN(4)
	switch kind {
	case 0:
		w.listing.fail(nil)
		return "listing fails"
	case 1:
		list.Complete = false
		kept = w.listed
	case 2:
		for name := range w.listed {
			if w.rand.IntN(2) == 0 && !slices.Contains(names, name) {
				list.Unread = append(list.Unread, "/pe/"+name)
				kept[name] = true
			}
		}
	}
	w.listing.next.Store(&fetched{list, nil})
	kept = maps.Clone(kept)
	for _, name := range names {
		kept[name] = true
	}
	w.listed = kept
	return fmt.Sprintf("listing %v complete=%v unread=%v", names, list.Complete, list.Unread)
}

// event makes one change and returns its description.
func (w *world) event() string {
	path := w.path(w.rand.IntN(modelFiles))
	name := filepath.Base(path)
	switch w.rand.IntN(9) {
	case 0, 1:
		w.write(path)
		return fmt.Sprint("write ", name, " ", w.good[path])
	case 2:
		if w.exists[path] {
			w.check(os.Truncate(path, int64(1+w.rand.IntN(2))))
			w.broken[path] = true
		}
		return "cut " + name
	case 3:
		_ = os.Remove(path)
		w.exists[path] = false
		return "delete " + name
	case 4:
		w.check(os.Rename(w.folder, w.folder+".away"))
		w.sleep()
		w.verify("unmount")
		w.check(os.Rename(w.folder+".away", w.folder))
		return "mount"
	case 5, 6:
		return w.list()
	case 7:
		running := w.syncer
		failed := w.begin()
		w.sleep()
		if w.rand.IntN(2) == 0 {
			failed.Close()
			w.syncer = running
			return "failed reload"
		}
		running.Close()
		failed.Commit()
		return "reload"
	default:
		w.sleep() // the state file is written
		served := w.served()
		w.syncer.Close()
		w.process = NewProcess()
		w.begin().Commit()
		w.restarted(served)
		return "restart"
	}
}

func (w *world) sleep() { time.Sleep(time.Duration(130+w.rand.IntN(200)) * time.Second) }

// restarted is the model of a restart. While an earlier file is missing or invalid,
// the names that were served before the restart stay.
func (w *world) restarted(served map[string]bool) {
	maps.DeleteFunc(served, func(name string, _ bool) bool { return name[0] != 'f' })
	clear(w.read)
	for path := range w.good {
		if !w.exists[path] || w.broken[path] {
			w.good[path] = nil
			w.old = served
		}
	}
}

// model computes the names that must be served now.
func (w *world) model() map[string]bool {
	must := maps.Clone(w.listed)
	complete := true
	for path, names := range w.good {
		w.read[path] = w.read[path] || w.exists[path] && !w.broken[path]
		complete = complete && w.read[path]
		for _, name := range names {
			must[name] = true
		}
	}
	if complete {
		clear(w.old)
	}
	maps.Copy(must, w.old)
	return must
}

// forget drops each deleted file that alone has at most five names, while other files
// exist, because its names may be removed.
func (w *world) forget() {
	few := map[string]bool{}
	for path := range w.good {
		if !w.exists[path] && slices.Contains(slices.Collect(maps.Values(w.exists)), true) && len(w.only(path)) <= 5 {
			few[path] = true // deleted after the loop, so that the order does not matter
		}
	}
	maps.DeleteFunc(w.good, func(path string, _ []string) bool { return few[path] })
}

// only returns the names that only this file has.
func (w *world) only(path string) []string {
	return slices.DeleteFunc(slices.Clone(w.good[path]), func(name string) bool {
		for other, names := range w.good {
			if other != path && slices.Contains(names, name) {
				return true
			}
		}
		return false
	})
}

func (w *world) served() map[string]bool {
	names := map[string]bool{}
	for r := range w.syncer.Snapshot().Zones[blobZone].Records() {
		names[strings.TrimSuffix(string(r.Name), "."+blobZone)] = true
	}
	return names
}

// verify compares the served names with the model.
func (w *world) verify(event string) {
	w.t.Helper()
	w.history = append(w.history, event)
	w.forget()
	must := w.model()
	served := w.served()
	for name := range must {
		if !served[name] {
			w.t.Fatalf("%s is lost after\n%s", name, strings.Join(w.history, "\n"))
		}
	}
	if !w.syncer.Ready() {
		w.t.Fatalf("not ready after\n%s", strings.Join(w.history, "\n"))
	}
}

func TestModel(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			logTo(t, discard{})
			bubble(t, func(t *testing.T, _ *Process) {
				w := newWorld(t, seed)
				w.sleep()
				w.verify("start")
				for range 40 {
					event := w.event()
					w.sleep()
					w.verify(event)
				}
			})
		})
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
