package input

import (
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// Book returns the block's records and lists, so that it can be asked why a name is
// served or not.
func (b *Block) Book() *verdict.Book {
	book := &verdict.Book{Zones: &b.Zones, Snapshot: b.Snapshot}
	for i := range b.Preview.Sources {
		src := &b.Preview.Sources[i]
		book.Lists = append(book.Lists, verdict.List{
			List: src.List, Outside: src.Outside, Source: src.Name,
			State: func(fqdn dnsname.Name) verdict.State { return stateOf(src, fqdn) },
		})
		for _, f := range src.Findings {
			if f.Kind == syncer.Contradictory {
				book.Conflicts = append(book.Conflicts, verdict.Conflict{Name: f.Name, Text: f.Text})
			}
		}
	}
	return book
}

// stateOf returns the state of a source that was fetched, and of its name.
func stateOf(src *syncer.Fetched, fqdn dnsname.Name) verdict.State {
	state := verdict.State{Loaded: src.Loaded, Saved: src.Restored[fqdn]}
	if src.Err != nil {
		state.Failure = strings.ReplaceAll(src.Err.Error(), "\n", "; ")
		return state
	}
	state.Held = state.Saved // a fetch without error lacks it
	return state
}
