package syncer

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
)

const (
	saveInterval = 5 * time.Second  // between two saves: each writes the whole file
	stalledAfter = 10 * time.Second // a save that takes longer is reported
	closeTime    = 2 * time.Second  // bounds how long the end of the process waits for the last save
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
	unsaved bool   // a change has not been written
	failure string // of the last save
}

// lastGood is the last good list of a source, if the file has one.
type lastGood struct {
	state.Source
	ok bool
}

func (p *Process) openState(s *Syncer) *stateFile {
	if s.StateFile == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.states[s.StateFile]
	if f == nil {
		f = &stateFile{
			path: s.StateFile, loaded: make(chan struct{}), wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
			users: map[*Syncer]stateUser{},
		}
		p.states[s.StateFile] = f
		go f.run(p)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users[s] = stateUser{}
	return f
}

// closeState ends the use by s. If s is the last user, it waits for the last save.
func (p *Process) closeState(s *Syncer) {
	f := s.state
	if f == nil || !p.leave(f, s) {
		return
	}
	select {
	case <-f.done:
	case <-time.After(closeTime):
	}
}

// run reads the file once and then writes it after changes.
func (f *stateFile) run(p *Process) {
	f.load(p)
	defer f.end()
	for open := true; open; open = f.pause() {
		select {
		case <-f.wake:
			f.save()
		case <-f.closing:
		}
	}
	f.save()
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
	f.mu.Lock()
	f.known = known
	f.mu.Unlock()
	p.raise(known.Serials)
	close(f.loaded)
	if err != nil {
		logf(log.Warning, "state: %v (starting without it)", err)
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

// lastGood returns the last good list of a source, once.
func (f *stateFile) lastGood(source string) lastGood {
	if f == nil {
		return lastGood{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	last, ok := f.known.Sources[source]
	delete(f.known.Sources, source)
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

// save writes the file if anything has changed.
func (f *stateFile) save() {
	f.mu.Lock()
	unsaved := f.unsaved
	f.unsaved = false
	users := maps.Clone(f.users)
	f.mu.Unlock()
	if !unsaved {
		return
	}
	stalled := time.AfterFunc(stalledAfter, func() {
		f.result(fmt.Sprintf("%s: not written within %s, the disk does not respond", f.path, stalledAfter))
	})
	err := state.Save(f.path, collect(users))
	stalled.Stop()
	if err == nil {
		f.result("")
		return
	}
	f.result(err.Error())
	f.mu.Lock()
	f.unsaved = true
	f.mu.Unlock()
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
