package source

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

type names map[dnsname.Name]bool

// A world applies random events to files. It serves the names that a syncer without a
// guard would serve: an incomplete list removes no name. It derives the names that may
// be removed from the files, independently of the source:
//
//   - A name may be removed when each file that had it is complete and lacks it. A
//     file without an end mark must not have changed for ten seconds.
//   - A missing file releases its names when it has been missing for five seconds and
//     each of its patterns matches an existing file. At most five names are released
//     in this way within five seconds.
type world struct {
	*scenario
	random *rand.Rand
	files  []*tracked
	served names
	lost   []time.Time // when a name was removed with a deleted file
	events []string

	restarted bool // lost does not count shared names, because Parts has only their number
}

// A tracked file is a file of a world.
type tracked struct {
	path     string
	patterns []string
	had      names // of each complete content, until they are released
	rest     string
	written  time.Time
	changed  time.Time // written, deleted, or renamed with its folder
}

func TestNamesStay(t *testing.T) {
	for _, kind := range []string{"files", "lines", "hosts", "zonefile"} {
		for seed := range uint64(4) {
			if t.Failed() {
				return
			}
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, kind, seed)
				for range 60 {
					w.event()
				}
				w.recovers()
			})
		}
	}
}

func newWorld(t *testing.T, kind string, seed uint64) *world {
	w := &world{scenario: newScenario(t, kind, "d/*.x", "e/*.x", "d/a.x"), random: rand.New(rand.NewPCG(seed, 1)), served: names{}}
	w.must(os.Mkdir(w.at("d"), 0o700))
	w.must(os.Mkdir(w.at("e"), 0o700))
	for _, path := range []string{"d/a.x", "d/b.x", "d/c.x", "e/a.x", "e/b.x"} {
		f := &tracked{path: path, had: names{}}
		for _, p := range []string{"d/*.x", "e/*.x", "d/a.x"} {
			if ok, _ := filepath.Match(p, path); ok {
				f.patterns = append(f.patterns, p)
			}
		}
		w.files = append(w.files, f)
		w.write(f, w.text(f), "")
	}
	w.check()
	return w
}

// text returns the content of a file. Some of its names may also be in other files.
func (w *world) text(f *tracked) string {
	var all []string
	for i := range w.random.IntN(9) {
		all = append(all, fmt.Sprintf("%s%d.example", strings.NewReplacer("/", "", ".", "").Replace(f.path), i))
	}
	for i := range w.random.IntN(3) {
		all = append(all, fmt.Sprintf("shared%d.example", i))
	}
	switch {
	case w.kind == "lines" && len(all) < 2: // one document has an end mark
		return "[]\n[]\n" + w.contentOf(all)
	case len(all) > 0:
	case w.kind == "hosts":
		return noEndpoints + "\n"
	case w.kind == "zonefile":
		return noRecords + "\n"
	}
	return w.contentOf(all)
}

func (w *world) write(f *tracked, text, rest string) {
	if _, err := os.Stat(filepath.Dir(w.at(f.path))); err != nil {
		return // the folder is renamed
	}
	w.put(f.path, text)
	f.written, f.changed, f.rest = time.Now(), time.Now(), rest
}

// event applies one random event and checks the names each second.
func (w *world) event() {
	f := w.files[w.random.IntN(len(w.files))]
	text, kind := w.text(f), w.random.IntN(14)
	w.events = append(w.events, fmt.Sprintf("%v %d %s", time.Now().Format("05"), kind, f.path))
	switch kind {
	case 0, 1:
		w.write(f, text, "")
	case 2:
		w.write(f, text[:w.random.IntN(len(text))], "")
	case 3: // write the content in parts
		w.write(f, "", text)
	case 4, 5, 6:
		now, err := os.ReadFile(w.at(f.path))
		if n := min(1+w.random.IntN(60), len(f.rest)); err == nil && n > 0 {
			w.write(f, string(now)+f.rest[:n], f.rest[n:])
		}
	case 7, 8:
		if os.Remove(w.at(f.path)) == nil {
			f.changed, f.rest = time.Now(), ""
		}
	case 9:
		w.rename("d", "away")
	case 10, 11:
		w.rename("away", "d")
	case 12:
		w.start(w.list.Parts)
		w.restarted = true
	}
	for range w.random.IntN(8) {
		w.check()
		time.Sleep(time.Second)
	}
	w.check()
}

func (w *world) rename(from, to string) {
	if os.Rename(w.at(from), w.at(to)) != nil {
		return
	}
	for _, f := range w.files {
		if strings.HasPrefix(f.path, "d/") {
			f.changed = time.Now()
		}
	}
}

// check fetches, and asserts that each removed name may be removed.
func (w *world) check() {
	w.Helper()
	w.fetch()
	now, before := names(namesOf(w.list.Entries)), w.served
	for _, f := range w.files {
		w.forget(f, now)
	}
	if !w.list.Complete {
		maps.Copy(now, before)
	}
	w.served = now
	for _, f := range w.files {
		current, complete := w.namesIn(f)
		released := complete && w.quiet(f)
		for name := range f.had {
			if !now[name] && (!released || current[name]) {
				w.Fatalf("%s of %s is removed\n%s", name, f.path, strings.Join(w.events, "\n"))
			}
		}
		if released {
			f.had = names{}
		}
		if complete {
			maps.Copy(f.had, current)
			maps.DeleteFunc(f.had, func(name dnsname.Name, _ bool) bool { return !now[name] })
		}
	}
}

// forget releases the names of a deleted file that the source has forgotten.
func (w *world) forget(f *tracked, now names) {
	for key := range w.list.Parts {
		if slices.Contains(sharers(key), w.at(f.path)) {
			return
		}
	}
	if !w.mayBeDeleted(f) {
		return
	}
	had := f.had
	f.had = names{}
	for name := range had {
		if shared := strings.HasPrefix(string(name), "shared"); shared && w.restarted {
			continue
		}
		if !now[name] && !slices.ContainsFunc(w.files, func(other *tracked) bool { return other.had[name] }) {
			w.lost = append(w.lost, time.Now())
		}
	}
	w.lost = slices.DeleteFunc(w.lost, func(at time.Time) bool { return time.Since(at) >= goneAfter })
	if len(w.lost) > maxLost {
		w.Fatalf("%d names are removed with deleted files within %v\n%s", len(w.lost), goneAfter, strings.Join(w.events, "\n"))
	}
}

// namesIn returns the names of a file, and reports whether it is complete.
func (w *world) namesIn(f *tracked) (names, bool) {
	data, err := os.ReadFile(w.at(f.path))
	if err != nil {
		return nil, false
	}
	parse := map[string]func(string, []byte) (List, bool, error){"hosts": decodeHosts, "zonefile": decodeZoneFile}[w.kind]
	if parse != nil {
		if !w.quiet(f) { // the last line may be incomplete
			data = data[:bytes.LastIndexByte(data, '\n')+1]
		}
		list, _, err := parse(f.path, data)
		return namesOf(list.Entries), err == nil
	}
	x, _, err := exportFormat{}.decode(f.path, data, past[export]{})
	return namesOf(exportFormat{}.unite([]export{x}).Entries), err == nil
}

func (w *world) quiet(f *tracked) bool {
	return w.kind == "files" || time.Since(f.written) >= quietAfter
}

func (w *world) mayBeDeleted(f *tracked) bool {
	if _, err := os.Stat(w.at(f.path)); err == nil || time.Since(f.changed) < goneAfter {
		return false
	}
	for _, p := range f.patterns {
		if found, _ := filepath.Glob(w.at(p)); len(found) == 0 {
			return false
		}
	}
	return true
}

// recovers makes all files complete, and asserts that exactly their names are served.
func (w *world) recovers() {
	w.rename("away", "d")
	want := names{}
	for _, f := range w.files {
		w.write(f, w.text(f), "")
		current, _ := w.namesIn(f)
		maps.Copy(want, current)
	}
	for range 12 {
		w.check()
		time.Sleep(time.Second)
	}
	w.check()
	if !maps.Equal(w.served, want) || !w.list.Complete || w.err != nil {
		w.Errorf("%d names at the end, complete %v, %v; want %d\n%s", len(w.served), w.list.Complete, w.err, len(want), strings.Join(w.events, "\n"))
	}
}
