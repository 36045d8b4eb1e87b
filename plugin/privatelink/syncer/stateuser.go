package syncer

import (
	"context"
	"maps"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/atomicfile"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A stateUser is a syncer whose lists and serials the file has. One that has ended
// stays until the next instance has committed: at the end of the process there is
// no next instance, and the file must keep the records of every block.
type stateUser struct {
	committed bool
	last      *state.State // of a syncer that has ended
}

func (p *Process) openState(ctx context.Context, s *Syncer) *stateFile {
	if s.StateFile == "" {
		return nil
	}
	path := identity(ctx, s.StateFile)
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.states[path]
	if f == nil {
		f = &stateFile{
			path: path, loaded: make(chan struct{}), wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
			users: map[*Syncer]stateUser{},
		}
		p.states[path] = f
		go f.run(p)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users[s] = stateUser{}
	return f
}

// identity returns the path of the file that a path leads to: server blocks share a
// file whichever links lead to it. If the disk does not answer in time, or a link is
// broken, it returns the path as it is.
func identity(ctx context.Context, path string) string {
	found := make(chan string, 1)
	go func() {
		if file, err := atomicfile.Target(path); err == nil {
			found <- file
		}
		close(found)
	}()
	select {
	case file, ok := <-found:
		if ok {
			return file
		}
	case <-ctx.Done():
	}
	return path
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

// leave reports whether s was the last user.
func (p *Process) leave(f *stateFile, s *Syncer) bool {
	last := s.lastGood()
	p.mu.Lock()
	defer p.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users[s].committed {
		f.users[s] = stateUser{committed: true, last: &last}
	} else {
		delete(f.users, s) // aborted
	}
	for _, user := range f.users {
		if user.last == nil {
			return false
		}
	}
	delete(p.states, f.path)
	close(f.closing)
	return true
}

// follow starts saving the lists of s. Before the commit, a reload that fails would
// overwrite those of the running instance.
func (f *stateFile) follow(s *Syncer) {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.users[s] = stateUser{committed: true}
	f.dropEndedLocked()
	f.mu.Unlock()
	f.changed()
}

// dropEndedLocked forgets the previous instance once all blocks of this one have
// committed.
func (f *stateFile) dropEndedLocked() {
	for _, user := range f.users {
		if !user.committed {
			return
		}
	}
	maps.DeleteFunc(f.users, func(_ *Syncer, user stateUser) bool { return user.last != nil })
}

// wholeLocked reports whether a save would have the records of every server block.
// At the start of the process the blocks commit one after the other, and a save
// between them would lack those of the later ones.
func (f *stateFile) wholeLocked() bool {
	if !f.whole {
		for _, user := range f.users {
			if !user.committed {
				return false
			}
		}
		f.whole = true
	}
	return true
}

// complete reports whether all sources of the users have been read.
func complete(users map[*Syncer]stateUser) bool {
	for s, user := range users {
		if user.committed && !s.Snapshot().Complete {
			return false
		}
	}
	return true
}

// collect unites the lists of the users with the last lists of those that have ended.
func collect(users map[*Syncer]stateUser) state.State {
	all := state.State{Serials: map[dnsname.Name]uint32{}, Sources: map[string]state.Source{}}
	add := func(one state.State) {
		maps.Copy(all.Sources, one.Sources)
		for name, serial := range one.Serials {
			all.Serials[name] = max(all.Serials[name], serial)
		}
	}
	for _, user := range users {
		if user.last != nil {
			add(*user.last)
		}
	}
	for s, user := range users { // last: a running instance has newer lists
		if user.committed && user.last == nil {
			add(s.lastGood())
		}
	}
	return all
}

// lastGood returns the lists and serials that s serves.
func (s *Syncer) lastGood() state.State {
	last := state.State{Serials: map[dnsname.Name]uint32{}, Sources: map[string]state.Source{}}
	zones := s.Snapshot()
	for name, z := range zones.Zones {
		last.Serials[name] = z.Serial
	}
	for _, one := range s.lastLists() {
		last.Sources[one.name] = state.Source{Entries: one.list.Entries, Since: servedSince(zones, one.list), Parts: one.list.Parts, Partial: !one.loaded}
	}
	return last
}

// servedSince returns since when each entry of a list is served, or was when it was saved.
func servedSince(zones *zone.Snapshot, list *source.List) []uint32 {
	all := make([]uint32, len(list.Entries))
	copy(all, list.Since)
	for i := range list.Entries {
		if owner, err := zones.OwnerOf(list.Entries[i].FQDN); err == nil {
			if r := zones.Find(owner); r != nil {
				all[i] = zones.Provenance(r).Seconds
			}
		}
	}
	return all
}
