package syncer

import (
	"context"
	"maps"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Preview is what a server with some sources would serve now, had it nothing
// from before. Nothing of it is modified later.
type Preview struct {
	Snapshot *zone.Snapshot
	Sources  []Fetched                       // in the order of the plans
	Entries  map[dnsname.Name][]source.Entry // what a record is made of, by its name
}

// A Fetched is what one source gave.
type Fetched struct {
	Name     string
	List     *source.List // nil if there is none
	Err      error        // of the fetch, joined
	Findings []string     // what the server would log of the list, sorted
}

// Look fetches every source once, the remote ones too. A source that fails has
// its error in the preview, and what of it could be read.
func Look(ctx context.Context, set *zone.Set, sources []source.Source) Preview {
	p := Preview{Entries: map[dnsname.Name][]source.Entry{}}
	b, complete := zone.NewBuilder(set, nil), true
	for _, src := range sources {
		list, err := src.Fetch(ctx)
		fetched := Fetched{Name: src.Config().Name, List: list, Err: err}
		if list != nil {
			found := merge(b, list, func(owner dnsname.Name, e source.Entry) { p.Entries[owner] = append(p.Entries[owner], e) })
			fetched.Findings = slices.Sorted(maps.Keys(found.lines))
		}
		complete = complete && list != nil && list.Complete
		p.Sources = append(p.Sources, fetched)
	}
	now := serial()
	p.Snapshot = b.Snapshot(complete, func(*zone.Zone) uint32 { return now })
	return p
}
