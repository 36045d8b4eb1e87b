// Package ledger records which names got a public answer, or none, although a zone of
// private endpoints should have them, and which clients asked for them. It is bounded: of
// too many names, the least recently used ones of the lowest grade go first.
package ledger

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// MaxNames is the number of names that a ledger has at most.
	MaxNames = 10000
	// maxNetworks is the number of client networks that are counted one by one for a name.
	maxNetworks = 32
	// maxResolvers is the number of resolvers that are noted for a name.
	maxResolvers = 4
	// valid is how long the grade of a name counts. An endpoint may be approved, or
	// removed, at any time.
	valid = time.Minute
	// maxNew is the number of new names a second. Further ones are counted only, so that a
	// flood of random names costs little.
	maxNew = 200
)

// A Grade is how likely it is that a name has a private endpoint of this network.
type Grade uint8

// The grades, the most important first.
const (
	Known  Grade = iota // an endpoint of a source has the name, or had it
	Backup              // the name has the form of a Backup storage account or vault
	Other
	grades
)

var gradeTexts = []string{"known", "backup", "other"}

// String returns the grade as metrics and the Corefile have it.
func (g Grade) String() string { return gradeTexts[g] }

// MarshalText implements encoding.TextMarshaler.
func (g Grade) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (g *Grade) UnmarshalText(text []byte) error { return unmarshal(g, text, gradeTexts) }

// A Kind is what the clients got.
type Kind uint8

// The kinds of answers.
const (
	Public   Kind = iota // an address of the next plugin
	NXDomain             // a strict zone lacks the name
	Withheld             // SERVFAIL in place of an address, because of protect
)

var kindTexts = []string{"public", "nxdomain", "withheld"}

// String returns the kind as the API has it.
func (k Kind) String() string { return kindTexts[k] }

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(text []byte) error { return unmarshal(k, text, kindTexts) }

func unmarshal[T ~uint8](to *T, text []byte, texts []string) error {
	i := slices.Index(texts, string(text))
	if i < 0 {
		return fmt.Errorf("unknown value %.40q", text)
	}
	*to = T(i) //nolint:gosec // G115: one of three
	return nil
}

// A Fact is what the ledger cannot derive itself.
type Fact struct {
	Grade  Grade  `json:"grade"`
	Reason string `json:"reason"` // why no source has the name, for people
}

// An Answer is one answer to a client.
type Answer struct {
	Name     string // that the zone lacks, in lower case with its trailing dot
	Kind     Kind
	Client   netip.Addr
	Resolver string // that has answered, or "" if that is not known
	At       time.Time
}

// An Entry is one name of the ledger.
type Entry struct {
	Name string `json:"name"`
	Kind Kind   `json:"answer"` // the last one
	Fact
	Count     uint64    `json:"count"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Networks  []Network `json:"clients"`             // the most frequent ones first
	Others    uint64    `json:"others,omitempty"`    // answers to networks beyond the first ones
	Resolvers []string  `json:"upstreams,omitempty"` // that have answered
}

// A Network is a network of clients, /24 or /56, and the number of answers to it.
type Network struct {
	Prefix netip.Prefix `json:"network"`
	Count  uint64       `json:"count"`
	Last   time.Time    `json:"last"`
}

// A Ledger may be used by several goroutines. The zero value is empty and ready for use.
type Ledger struct {
	mu     sync.Mutex
	names  [grades]*simplelru.LRU[string, *row]
	second int64 // in which the names were new
	fresh  int
	missed uint64 // answers whose names were not recorded

	generation uint64
}

// A row is an entry in memory.
type row struct {
	Entry
	graded time.Time
}

// Count adds an answer to a name that the ledger has, whose grade and kind are still
// valid, and reports whether it did. It does not allocate, except for a new network.
func (l *Ledger) Count(a Answer) (Grade, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for grade, names := range l.names {
		if names == nil {
			continue
		}
		if r, ok := names.Get(a.Name); ok {
			if r.Kind != a.Kind || a.At.Sub(r.graded) >= valid {
				return 0, false
			}
			r.add(a)
			return Grade(grade), true //nolint:gosec // G115: one of three
		}
	}
	return 0, false
}

// Full reports whether a new name would be one too many in this second.
func (l *Ledger) Full(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.second == now.Unix() && l.fresh >= maxNew
}

// Miss counts an answer whose name is not recorded, because Full is true.
func (l *Ledger) Miss() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missed++
}

// Record adds an answer to a name. It reports whether the name is new in this grade.
func (l *Ledger) Record(a Answer, f Fact) (isNew bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation++
	r := l.remove(a.Name)
	if r == nil {
		if second := a.At.Unix(); second != l.second {
			l.second, l.fresh = second, 0
		}
		l.fresh++
		r = &row{Entry: Entry{Name: strings.Clone(a.Name), First: a.At, Fact: Fact{Grade: grades}}}
	}
	isNew = r.Grade != f.Grade
	r.Kind, r.Fact, r.graded = a.Kind, f, a.At
	r.add(a)
	l.put(r)
	return isNew
}

func (l *Ledger) remove(name string) *row {
	for _, names := range l.names {
		if names == nil {
			continue
		}
		if r, ok := names.Peek(name); ok {
			names.Remove(name)
			return r
		}
	}
	return nil
}

func (l *Ledger) put(r *row) {
	if l.names[r.Grade] == nil {
		l.names[r.Grade], _ = simplelru.NewLRU[string, *row](MaxNames, nil) // the size is valid
	}
	if l.lenLocked() >= MaxNames {
		l.evict()
	}
	l.names[r.Grade].Add(r.Name, r)
}

func (l *Ledger) lenLocked() (n int) {
	for _, names := range l.names {
		if names != nil {
			n += names.Len()
		}
	}
	return n
}

func (l *Ledger) evict() {
	for _, names := range slices.Backward(l.names[:]) {
		if names != nil && names.Len() > 0 {
			names.RemoveOldest()
			return
		}
	}
}

func (r *row) add(a Answer) {
	r.Count++
	r.Last = a.At
	if a.Resolver != "" && len(r.Resolvers) < maxResolvers && !slices.Contains(r.Resolvers, a.Resolver) {
		r.Resolvers = append(r.Resolvers, a.Resolver)
	}
	network := NetworkOf(a.Client)
	for i := range r.Networks {
		if r.Networks[i].Prefix == network {
			r.Networks[i].Count++
			r.Networks[i].Last = a.At
			return
		}
	}
	if len(r.Networks) == maxNetworks {
		r.Others++
		return
	}
	r.Networks = append(r.Networks, Network{network, 1, a.At})
}

// NetworkOf returns the network of a client: /24 for IPv4, /56 for IPv6. A client without
// an address has the zero value.
func NetworkOf(client netip.Addr) netip.Prefix {
	client = client.Unmap().WithZone("")
	bits := 56
	if client.Is4() {
		bits = 24
	}
	p, _ := client.Prefix(bits) // the zero value of an invalid address
	return p
}
