package syncer

import (
	"sync/atomic"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/printable"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// This file is what the status page shows of a Syncer.

// A SourceState is the state of one source.
type SourceState struct {
	Name     string        `json:"source"`
	Remote   bool          `json:"remote"` // read over the network
	Static   bool          `json:"static"` // part of the Corefile
	Interval time.Duration `json:"-"`
	Loaded   bool          `json:"loaded"`           // read as a whole once, now or before a restart
	Names    int           `json:"names"`            // entries that are served
	Read     time.Time     `json:"read,omitzero"`    // the last time without an error
	Next     time.Time     `json:"next,omitzero"`    // the next time
	Failure  string        `json:"failure"`          // the error of the last time, or empty
	Failing  time.Time     `json:"failing,omitzero"` // since when there is an error
	HeldBack int           `json:"held_back"`        // names of a sudden loss that are served
}

// SourceStates returns the state of each source, in their order.
func (s *Syncer) SourceStates() (all []SourceState) {
	for _, p := range s.subscriptions() {
		all = append(all, p.state())
	}
	return all
}

func (p *poller) state() SourceState {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := SourceState{
		Name: p.Name, Remote: p.Remote, Static: p.Static, Interval: p.Interval, Loaded: p.guard.loaded,
		Read: p.succeeded, Failure: p.failure, HeldBack: p.guard.held(),
	}
	if !p.Static {
		one.Next = p.due
	}
	if p.failure != "" {
		one.Failing = p.failing
	}
	if p.guard.served != nil {
		one.Names = len(p.guard.served.Entries)
	}
	return one
}

// Survey returns what the current snapshot serves and what it does not.
func (s *Syncer) Survey() *verdict.Survey { return s.currentBook().Survey() }

// Generation returns a number that no other snapshot of the process has.
func (s *Syncer) Generation() uint64 { return s.currentBook().Generation }

// generations counts the snapshots of all server blocks.
var generations atomic.Uint64

// conflicts returns the names with different addresses.
func (m *merged) conflicts() (all []verdict.Conflict) {
	for _, found := range m.sources {
		for _, text := range found.sortedTexts() {
			if one := found.texts[text]; one.Kind == Contradictory {
				all = append(all, verdict.Conflict{Name: one.Name, Text: printable.Text(text)})
			}
		}
	}
	return all
}

// foundSince returns when each skip of the lists was found first, by the books of this
// Syncer and of its predecessor.
func (s *Syncer) foundSince(lists []*source.List) map[source.Skip]time.Time {
	before := []*verdict.Book{s.book.Load(), s.process.lastBook(s.Block)}
	all, now := map[source.Skip]time.Time{}, time.Now()
	for _, list := range lists {
		if list == nil {
			continue
		}
		for _, skip := range list.Skipped {
			all[skip] = now
			for _, book := range before {
				if book == nil {
					continue
				}
				if since, ok := book.Found[skip]; ok {
					all[skip] = since
					break
				}
			}
		}
	}
	return all
}

// lastBook returns the book of the last committed snapshot of a block, or nil.
func (p *Process) lastBook(id string) *verdict.Book {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.blocks[id]; b != nil {
		return b.book
	}
	return nil
}
