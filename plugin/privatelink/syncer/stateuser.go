package syncer

import (
	"maps"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
)

// A stateUser is a syncer whose lists and serials the file has. One that has ended
// stays until the next instance has committed: at the end of the process there is
// no next instance, and the file must keep the records of every block.
type stateUser struct {
	committed bool
	last      *state.State // of a syncer that has ended
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
	for name, z := range s.Snapshot().Zones {
		last.Serials[name] = z.Serial
	}
	for _, one := range s.lastLists() {
		last.Sources[one.name] = state.Source{Entries: one.list.Entries, Parts: one.list.Parts, Partial: !one.loaded}
	}
	return last
}
