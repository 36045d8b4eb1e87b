package syncer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

func TestLook(t *testing.T) {
	for _, tt := range []struct {
		name     string
		sources  []source.Source
		complete bool
		want     string // record, addresses served, endpoints
	}{
		{"one", []source.Source{newFake("a", "a.blob.core.windows.net. 10.0.0.1")}, true, "a.privatelink.blob.core.windows.net [10.0.0.1] [/pe/a.blob.core.windows.net.]"},
		{"two endpoints for a name", []source.Source{newFake("a", "a.blob.core.windows.net. 10.0.0.1", "a.privatelink.blob.core.windows.net. 10.0.0.2")}, true, "a.privatelink.blob.core.windows.net [10.0.0.1 10.0.0.2] [/pe/a.blob.core.windows.net. /pe/a.privatelink.blob.core.windows.net.]"},
		{"the first source wins", []source.Source{newFake("a", "a.blob.core.windows.net. 10.0.0.1"), newFake("b", "a.privatelink.blob.core.windows.net. 10.0.0.2")}, true, "a.privatelink.blob.core.windows.net [10.0.0.1] [/pe/a.blob.core.windows.net.]"},
		{"one fails", []source.Source{failing(nil), newFake("b", "a.blob.core.windows.net. 10.0.0.2")}, false, "a.privatelink.blob.core.windows.net [10.0.0.2] [/pe/a.blob.core.windows.net.]"},
	} {
		p := Look(t.Context(), testSet, tt.sources)
		var got []string
		for _, owner := range slices.Sorted(maps.Keys(p.Entries)) {
			got = append(got, fmt.Sprint(owner, " ", p.Snapshot.Lookup(string(owner)).Record.Addrs, " ", endpoints(p.Entries[owner])))
		}
		if text := strings.Join(got, ", "); text != tt.want || p.Snapshot.Complete != tt.complete {
			t.Errorf("%s: Look() = %s, complete %t; want %s, %t", tt.name, text, p.Snapshot.Complete, tt.want, tt.complete)
		}
	}
}

// failing gives the list together with an error.
func failing(list *source.List) source.Source {
	f := newFake("failing")
	f.fails(list)
	return f
}

func endpoints(entries []source.Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.Endpoint)
	}
	return all
}

func TestLookFindings(t *testing.T) {
	p := Look(t.Context(), testSet, []source.Source{failing(listOf("a.blob.core.windows.net. 203.0.113.1", "www.example. 10.0.0.1"))})
	want := []string{
		"a.privatelink.blob.core.windows.net has the address 203.0.113.1, which is not in a private range; it is served: check the private endpoint /pe/a.blob.core.windows.net.",
		"skipped /pe/www.example.: www.example is in none of the zones",
	}
	if got := p.Sources[0]; !slices.Equal(got.Findings, want) || got.Err == nil || got.Name != "failing" {
		t.Errorf("Look() found %q in %s, error %v; want %q of failing, an error", got.Findings, got.Name, got.Err, want)
	}
}
