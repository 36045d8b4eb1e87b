package syncer

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
)

const (
	saveInterval  = 5 * time.Second  // between two saves: each writes the whole file
	checkInterval = time.Minute      // between two checks of the file on disk
	stalledAfter  = 10 * time.Second // a save that takes longer is reported
	closeTime     = 2 * time.Second  // bounds how long the end of the process waits for the last save
)

// A stateFile saves the lists and serials of its users. All server blocks with one path share
// it, because each save replaces the whole file. Its one goroutine reads and
// writes the file, so that nobody else waits for the disk. A nil *stateFile keeps
// nothing.
type stateFile struct {
	path    string
	loaded  chan struct{} // closed when the file has been read
	wake    chan struct{} // has room for one
	closing chan struct{} // closed when the last user leaves
	done    chan struct{} // closed after the last save

	mu      sync.Mutex // not held over the disk
	known   state.State
	users   map[*Syncer]stateUser
	whole   bool        // all server blocks of an instance have committed once
	unsaved bool        // a change has not been written
	failure string      // of the last save
	waiting []func()    // called when the file has been read
	rest    []namedList // of sources that no server block has

	// Only run uses these.
	written os.FileInfo // after the last save
	unread  bool        // the file could not be read, and has not been replaced
}

// lastGood is the last good list of a source, if the file has one.
type lastGood struct {
	state.Source
	ok bool
}

// run reads the file once and then writes it after changes.
func (f *stateFile) run(p *Process) {
	f.load(p)
	defer f.end()
	check := time.NewTicker(checkInterval)
	defer check.Stop()
	for open := true; open; open = f.pause() {
		select {
		case <-f.wake:
			f.save(reserved)
		case <-check.C:
			f.checkOnDisk()
		case <-f.closing:
		}
	}
	f.checkOnDisk()
	f.save(0)
}

// checkOnDisk has the file written again if it is not the one of the last save: it was
// deleted or overwritten.
func (f *stateFile) checkOnDisk() {
	if f.written == nil {
		return
	}
	now, err := os.Stat(f.path)
	if err != nil || !os.SameFile(now, f.written) || now.Size() != f.written.Size() || !now.ModTime().Equal(f.written.ModTime()) {
		f.changed()
	}
}

// pause waits until the next save may begin. It reports false when the file is to
// be closed.
func (f *stateFile) pause() bool {
	select {
	case <-time.After(saveInterval):
	case <-f.closing:
		return false
	}
	f.mu.Lock()
	failed := f.failure != ""
	f.mu.Unlock()
	if failed {
		f.signal()
	}
	return true
}

func (f *stateFile) load(p *Process) {
	known, err := state.Load(f.path)
	p.raise(known.Serials)
	f.mu.Lock()
	f.known = known
	close(f.loaded)
	waiting := f.waiting
	f.mu.Unlock()
	for _, join := range waiting { // before the first save, which would lack them
		join()
	}
	if err != nil {
		f.unread = true
		logf(log.Warning, "state: %v (starting without it, it is kept until all sources have been read)", err)
	}
}

// end is the last thing that happens to the file.
func (f *stateFile) end() {
	f.mu.Lock()
	if f.failure != "" {
		metrics.UnsavedStates.Dec()
	}
	f.mu.Unlock()
	close(f.done)
}

// whenLoaded has f called once the file has been read. It reports false if that is
// the case already.
func (f *stateFile) whenLoaded(call func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.loaded:
		return false
	default:
		f.waiting = append(f.waiting, call)
		return true
	}
}

// leftOver returns the lists of sources that no server block has.
func (f *stateFile) leftOver() (all []namedList) {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rest == nil && len(f.known.Sources) > 0 {
		f.rest = []namedList{}
		for name, last := range f.known.Sources {
			f.rest = append(f.rest, namedList{name, &source.List{Entries: last.Entries, Since: last.Since, Parts: last.Parts}, !last.Partial})
		}
		slices.SortFunc(f.rest, func(a, b namedList) int { return strings.Compare(a.name, b.name) })
	}
	return slices.DeleteFunc(slices.Clone(f.rest), func(one namedList) bool { _, free := f.known.Sources[one.name]; return !free })
}

// forget drops the lists of sources that no server block has.
func (f *stateFile) forget() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known.Sources, f.rest = nil, nil
}

// lastGood returns the last good list of a source, once.
func (f *stateFile) lastGood(name string) lastGood {
	if f == nil {
		return lastGood{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	last, ok := f.known.Sources[name]
	delete(f.known.Sources, name)
	return lastGood{last, ok}
}

// zones returns the zones that the file had at the start.
func (f *stateFile) zones() []dnsname.Name {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.known.Serials))
}

// changed has the file written soon.
func (f *stateFile) changed() {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.unsaved = true
	f.mu.Unlock()
	f.signal()
}

func (f *stateFile) signal() {
	select {
	case f.wake <- struct{}{}:
	default: // it is awake already
	}
}

// reserved is added to the serials of a save while the process runs: if it is killed,
// the next one begins after every serial that was served since the save.
const reserved = 100

// save writes the file if anything has changed.
func (f *stateFile) save(reserved uint32) {
	f.mu.Lock()
	unsaved := f.unsaved && f.wholeLocked()
	f.unsaved = f.unsaved && !unsaved
	users := maps.Clone(f.users)
	f.mu.Unlock()
	switch {
	case !unsaved:
		return
	case f.unread && !complete(users): // the file may have what the sources do not have yet
		f.keepUnsaved()
		return
	}
	stalled := time.AfterFunc(stalledAfter, func() {
		f.result(fmt.Sprintf("%s: not written within %s, the disk does not respond", f.path, stalledAfter))
	})
	all := collect(users)
	for zone := range all.Serials {
		all.Serials[zone] += reserved
	}
	err := state.Save(f.path, all)
	stalled.Stop()
	if err == nil {
		f.written, _ = os.Stat(f.path)
		f.unread = false
		f.result("")
		return
	}
	f.result(err.Error())
	f.keepUnsaved()
}

func (f *stateFile) keepUnsaved() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unsaved = true
}

// result counts and logs how a save ended. An empty text is success.
func (f *stateFile) result(text string) {
	f.mu.Lock()
	before := f.failure
	f.failure = text
	f.mu.Unlock()
	switch {
	case text != "" && before == "":
		metrics.UnsavedStates.Inc()
		logf(log.Error, "state: %s (a restart without Azure would lose the records)", text)
	case text == "" && before != "":
		metrics.UnsavedStates.Dec()
		logf(log.Info, "state: %s is written again", f.path)
	}
}
