// Package journal keeps the last events of the server: what changed, when, and why. The
// log has them as well; the journal is for those who look at a page.
package journal

import (
	"slices"
	"sync"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// Size is the number of events that a journal keeps.
const Size = 500

// A Kind is the kind of an event, as the API has it.
type Kind string

// The kinds of events.
const (
	Added     Kind = "added"     // a name is served
	Changed   Kind = "changed"   // a name has other addresses
	Removed   Kind = "removed"   // a name is not served any more
	Found     Kind = "found"     // an endpoint or a name is not served, or is doubtful
	Resolved  Kind = "resolved"  // what was found is so no longer
	Failed    Kind = "failed"    // a source or a secondary fails
	Recovered Kind = "recovered" // it works again
	HeldBack  Kind = "held_back" // names of a sudden loss are served, or no longer
	Serial    Kind = "serial"    // a zone has another serial
	Reload    Kind = "reload"    // another Corefile has taken effect
)

// An Event is one event. Fields that do not apply are empty.
type Event struct {
	At       time.Time    `json:"at"`
	Kind     Kind         `json:"kind"`
	Name     dnsname.Name `json:"name,omitempty"`     // of a record or a zone
	Endpoint string       `json:"endpoint,omitempty"` // resource ID, or the position of a line
	Target   string       `json:"target,omitempty"`   // resource ID of the vault or account
	Source   string       `json:"source,omitempty"`   // or the address of a secondary
	Text     string       `json:"text"`               // for people
}

// A Journal may be used by several goroutines. The zero value is empty and ready for use.
// A nil journal keeps no event.
type Journal struct {
	mu     sync.Mutex
	events []Event // a ring
	next   int     // of the oldest event, when the ring is full
	total  uint64
}

// Add adds events that have happened now. Of more than Size events, it keeps the last ones.
func (j *Journal) Add(events ...Event) {
	if j == nil || len(events) == 0 {
		return
	}
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total += uint64(len(events))
	for _, e := range events[max(0, len(events)-Size):] {
		e.At = now
		if len(j.events) < Size {
			j.events = append(j.events, e)
			continue
		}
		j.events[j.next] = e
		j.next = (j.next + 1) % Size
	}
}

// Events returns the events, the last one first, and the number of all events so far.
func (j *Journal) Events() (all []Event, total uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	all = slices.Concat(j.events[j.next:], j.events[:j.next])
	slices.Reverse(all)
	return all, j.total
}

// Total returns the number of all events so far.
func (j *Journal) Total() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.total
}
