package syncer

import (
	"context"
	"fmt"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Preview has the records that a server would serve if it started with these
// sources and with the last good lists of a state file. It is not modified after
// FetchPreview returned it.
type Preview struct {
	Snapshot *zone.Snapshot
	Sources  []Fetched                       // in their order
	Entries  map[dnsname.Name][]source.Entry // of each record, by its name
	Sourced  map[dnsname.Name]int            // the source of each record, as an index of Sources
}

// A Fetched is the result of one source.
type Fetched struct {
	Name     string
	List     *source.List    // to serve, or nil
	Err      error           // of the fetch, joined
	Loaded   bool            // the source has been read once, now or in the run that wrote the state file
	Outside  []*source.Entry // entries of the list that are in none of the zones
	Findings []Finding       // the server would log these about the list, the most important first

	// Restored has the names that are only in the state file. They are served
	// because the fetch does not show that they are gone.
	Restored map[dnsname.Name]bool
}

// A Finding is a line that the server logs about the list of a source.
type Finding struct {
	Kind Kind
	Text string
	Skip source.Skip  // of the kinds Skipped and Misspelt
	Name dnsname.Name // of the record, of the kind Contradictory

	weight weight
}

// A Kind is the kind of a Finding.
type Kind string

// The kinds.
const (
	Skipped       Kind = "skipped"
	Contradictory Kind = "conflict"
	PublicAddress Kind = "public_address"
	ManyAddresses Kind = "many_addresses"
	HeldBack      Kind = "held_back"
	Misspelt      Kind = "misspelt"
)

// FetchPreview fetches every source once, the remote ones as well. For a source that fails, the
// preview has its error, the part of its list that could be read, and its records of
// the state file. known has these records by the name of the source.
func FetchPreview(ctx context.Context, set *zone.Set, sources []source.Source, known map[string]state.Source) Preview {
	p := Preview{Entries: map[dnsname.Name][]source.Entry{}, Sourced: map[dnsname.Name]int{}}
	var lists []*source.List
	complete := true
	for _, src := range sources {
		last, ok := known[src.Config().Name]
		one, loaded := fetchOnce(ctx, src, lastGood{last, ok && !src.Config().Static})
		lists = append(lists, one.List)
		p.Sources = append(p.Sources, one)
		complete = complete && loaded
	}
	m := merge(set, nil, lists, func(owner dnsname.Name, e source.Entry) { p.Entries[owner] = append(p.Entries[owner], e) })
	for i, found := range m.sources {
		for _, text := range found.sortedTexts() {
			p.Sources[i].Findings = append(p.Sources[i].Findings, found.texts[text])
		}
		p.Sources[i].Outside = found.outside
		for owner := range found.first {
			p.Sourced[owner] = i
		}
	}
	serial := serialNow()
	p.Snapshot = m.builder.Snapshot(complete, func(*zone.Zone) uint32 { return serial })
	return p
}

// fetchOnce fetches one source as a poller does after a start. The names of a small loss
// are left out: a server would serve them for one more interval.
func fetchOnce(ctx context.Context, src source.Source, last lastGood) (one Fetched, loaded bool) {
	p := newPoller(src)
	p.guard.interval = p.Interval
	p.remember(last)
	if last.ok {
		p.guard.restore(last.Source)
	}
	list, err := src.Fetch(ctx)
	p.guard.admit(list, time.Now())
	one = Fetched{Name: p.Name, List: p.guard.served, Err: err, Restored: map[dnsname.Name]bool{}}
	switch {
	case one.List == nil:
		return one, false
	case list != nil && list.Complete && len(list.Unread) == 0 && p.guard.held() == 0:
		one.List = list // without the names that more such lists would remove
	}
	var fetched map[dnsname.Name]bool
	if list != nil {
		fetched = namesOf(list.Entries)
	}
	for _, e := range missingFrom(fetched, one.List.Entries) {
		one.Restored[e.FQDN] = true
	}
	one.Loaded = p.guard.loaded
	if held := p.guard.held(); held > 0 {
		one.Findings = append(one.Findings, Finding{Kind: HeldBack, Text: fmt.Sprintf(heldBackLine, held, agreeing)})
	}
	return one, p.guard.loaded
}
