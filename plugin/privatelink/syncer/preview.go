package syncer

import (
	"context"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Preview has the records that a server would serve if it started with these
// sources and without a state file. It is not modified after Look returned it.
type Preview struct {
	Snapshot *zone.Snapshot
	Sources  []Fetched                       // in their order
	Entries  map[dnsname.Name][]source.Entry // of each record, by its name
}

// A Fetched is the result of one source.
type Fetched struct {
	Name     string
	List     *source.List // may be nil
	Err      error        // of the fetch, joined
	Findings []string     // lines that the server would log about the list, sorted
}

// Look fetches every source once, the remote ones as well. A source that fails has
// its error in the preview, and the part of its list that could be read.
func Look(ctx context.Context, set *zone.Set, sources []source.Source) Preview {
	p := Preview{Entries: map[dnsname.Name][]source.Entry{}}
	var lists []*source.List
	complete := true
	for _, src := range sources {
		list, err := src.Fetch(ctx)
		lists = append(lists, list)
		p.Sources = append(p.Sources, Fetched{Name: src.Config().Name, List: list, Err: err})
		complete = complete && list != nil && list.Complete
	}
	m := merge(set, nil, lists, func(owner dnsname.Name, e source.Entry) { p.Entries[owner] = append(p.Entries[owner], e) })
	for i, found := range m.sources {
		p.Sources[i].Findings = found.sortedTexts()
	}
	serial := now()
	p.Snapshot = m.builder.Snapshot(complete, func(*zone.Zone) uint32 { return serial })
	return p
}
