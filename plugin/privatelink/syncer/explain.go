package syncer

import (
	"net/netip"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// Explain returns why the name is served or not, by the current snapshot. It costs some
// lookups and waits for no source, no disk and no merge. The first call for a snapshot
// also builds an index of the endpoints that are not served.
func (s *Syncer) Explain(name dnsname.Name) verdict.Verdict { return s.currentBook().Explain(name) }

// NamesOf returns the names of the records that have the address, sorted. It reads
// every record.
func (s *Syncer) NamesOf(addr netip.Addr) []dnsname.Name { return s.currentBook().NamesOf(addr) }

func (s *Syncer) currentBook() *verdict.Book {
	if book := s.book.Load(); book != nil {
		return book
	}
	return &verdict.Book{Zones: s.Zones, Snapshot: s.Snapshot()} // nothing has been published
}

// storeLocked publishes the snapshot and keeps the lists that it was built from, which the
// numbers of its records refer to.
func (s *Syncer) storeLocked(next, previous *zone.Snapshot, lists []*source.List, m merged) {
	next.Date(previous, time.Now())
	book := &verdict.Book{Zones: s.Zones, Snapshot: next, Removed: s.process.removals.get}
	for i, list := range lists {
		one := verdict.List{List: list, Outside: m.sources[i].outside}
		if i < len(s.pollers) {
			one.Source, one.State = s.pollers[i].Name, s.pollers[i].stateOf
		} else {
			one.Source = s.inherited[i-len(s.pollers)].name
		}
		book.Lists = append(book.Lists, one)
	}
	book.Conflicts, book.Found, book.Generation = m.conflicts(), s.foundSince(lists), generations.Add(1)
	s.store(next)
	s.book.Store(book)
	s.merged = lists
}

// stateOf returns the state of the source and of a name that it has.
func (p *poller) stateOf(fqdn dnsname.Name) verdict.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	state := verdict.State{Loaded: p.guard.loaded, Failure: p.failure}
	if len(p.guard.missing) == 0 {
		return state
	}
	if a := p.guard.missing[zone.Canonical(fqdn)]; a != nil {
		state.Held, state.Missing = true, a.since
	}
	return state
}
