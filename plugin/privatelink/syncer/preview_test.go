package syncer

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
)

func TestLook(t *testing.T) {
	const record = "a.privatelink.blob.core.windows.net"
	for _, tt := range []struct {
		name     string
		sources  []source.Source
		complete bool
		want     string // record, addresses served, endpoints
	}{
		{"one endpoint", []source.Source{newFake("a", "a 10.0.0.1")}, true, record + " [10.0.0.1] [/pe/a]"},
		{"two endpoints for a name", []source.Source{newFake("a", "a 10.0.0.1", record+". 10.0.0.2")}, true, record + " [10.0.0.1 10.0.0.2] [/pe/a /pe/" + record + ".]"},
		{"two sources: the first is served", []source.Source{newFake("a", "a 10.0.0.1"), newFake("b", record+". 10.0.0.2")}, true, record + " [10.0.0.1] [/pe/a]"},
		{"the first source fails", []source.Source{failing(nil), newFake("b", "a 10.0.0.2")}, false, record + " [10.0.0.2] [/pe/a]"},
	} {
		p := FetchPreview(t.Context(), testSet, tt.sources, nil)
		var got []string
		for _, owner := range slices.Sorted(maps.Keys(p.Entries)) {
			got = append(got, fmt.Sprint(owner, " ", p.Snapshot.Lookup(string(owner)).Record.Addrs, " ", endpoints(p.Entries[owner])))
		}
		if text := strings.Join(got, ", "); text != tt.want || p.Snapshot.Complete != tt.complete {
			t.Errorf("%s: FetchPreview() = %s, complete %t; want %s, %t", tt.name, text, p.Snapshot.Complete, tt.want, tt.complete)
		}
	}
}

// failing returns a source that returns the list and an error.
func failing(list *source.List) source.Source {
	f := newFake("failing")
	f.fail(list)
	return f
}

func endpoints(entries []source.Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.Endpoint.String())
	}
	return all
}

func TestLookFindings(t *testing.T) {
	list := listOf("a 203.0.113.1", "www.example. 10.0.0.1")
	conflict := func(fqdn dnsname.Name) source.Conflict {
		return source.Conflict{FQDN: fqdn, Endpoint: "/pe/6", Target: "/vaults/rsv", Detail: "10.0.0.1 in a.json:1, 10.0.0.2 in b.json:1"}
	}
	list.Conflicts = []source.Conflict{conflict("a.blob.core.windows.net."), conflict("www.example.")}
	p := FetchPreview(t.Context(), testSet, []source.Source{failing(list)}, nil)
	want := []string{
		"conflict: a.privatelink.blob.core.windows.net has different addresses in two descriptions of one endpoint, " +
			"all of them are served: 10.0.0.1 in a.json:1, 10.0.0.2 in b.json:1 of /pe/6 (vault rsv): remove the older file",
		"public_address: a.privatelink.blob.core.windows.net has the address 203.0.113.1, " +
			"which is not in a private range; it is served: check the private endpoint /pe/a",
		"skipped: skipped /pe/www.example.: www.example is in none of the zones",
	}
	if got := p.Sources[0]; !slices.Equal(kinds(got.Findings), want) || got.Err == nil || got.Name != "failing" {
		t.Errorf("FetchPreview() finds %q in %s, error %v; want %q in failing, an error", kinds(got.Findings), got.Name, got.Err, want)
	}
}

// A private DNS zone beside its endpoints repeats their records. Only another address is
// a finding.
func TestLookZoneBesideEndpoints(t *testing.T) {
	const zone = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
	list := listOf("a 10.0.0.1", "b 10.0.0.2", "c 10.0.0.3")
	again := listOf("c 10.0.0.3").Entries[0] // of a second endpoint
	again.Endpoint = source.IDOf("/pe/c2")
	list.Entries = append(list.Entries, again)
	for _, e := range listOf("a 10.0.0.1", "b 10.0.0.9").Entries {
		e.Endpoint = source.IDOf(zone)
		list.Entries = append(list.Entries, e)
	}
	p := FetchPreview(t.Context(), testSet, []source.Source{failing(list)}, nil)
	want := []string{
		"conflict: b.privatelink.blob.core.windows.net is in two endpoints, the addresses of both are served: /pe/b and " + zone,
		"conflict: c.privatelink.blob.core.windows.net is in two endpoints, the addresses of both are served: /pe/c and /pe/c2",
	}
	if got := kinds(p.Sources[0].Findings); !slices.Equal(got, want) {
		t.Errorf("FetchPreview() finds %q; want %q", got, want)
	}
}

func kinds(findings []Finding) (all []string) {
	for _, f := range findings {
		all = append(all, string(f.Kind)+": "+f.Text)
	}
	return all
}

// A preview has the same records as a server that starts with the state file.
func TestLookWithState(t *testing.T) {
	ten := func(first, last int) (all []string) {
		for i := first; i <= last; i++ {
			all = append(all, fmt.Sprintf("a%d 10.0.0.%d", i, i))
		}
		return all
	}
	known := map[string]state.Source{"failing": {Entries: listOf("a 10.0.0.1", "b 10.0.0.2").Entries}, "ten": {Entries: listOf(ten(1, 10)...).Entries}}
	part := listOf("b 10.0.0.9")
	part.Complete = false
	for _, tt := range []struct {
		name     string
		src      source.Source
		restored int
		complete bool
		want     string // addresses
	}{
		{"a source that fails", failing(nil), 2, true, "10.0.0.1 10.0.0.2"},
		{"a source that fails in part", failing(part), 1, true, "10.0.0.1 10.0.0.9"},
		{"a source without state that fails", newFailing("other"), 0, false, ""},
		{"a source that was read", newFake("failing", "b 10.0.0.9"), 0, true, "10.0.0.9"},
		{"a sudden loss", newFake("ten", ten(1, 3)...), 7, true, "10.0.0.1 10.0.0.10 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8 10.0.0.9"},
	} {
		p := FetchPreview(t.Context(), testSet, []source.Source{tt.src}, known)
		var got []string
		for _, owner := range slices.Sorted(maps.Keys(p.Entries)) {
			got = append(got, p.Snapshot.Lookup(string(owner)).Record.Addrs[0].String())
			if p.Sourced[owner] != 0 {
				t.Errorf("%s: %s is of source %d", tt.name, owner, p.Sourced[owner])
			}
		}
		restored := len(p.Sources[0].Restored)
		if text := strings.Join(got, " "); text != tt.want || restored != tt.restored || p.Snapshot.Complete != tt.complete {
			t.Errorf("%s: %s, %d restored, complete %t; want %s, %d, %t", tt.name, text, restored, p.Snapshot.Complete, tt.want, tt.restored, tt.complete)
		}
		if held := strings.Contains(fmt.Sprint(p.Sources[0].Findings), "7 of them are served until 3 syncs agree"); held != (tt.restored == 7) {
			t.Errorf("%s: findings %v", tt.name, p.Sources[0].Findings)
		}
	}
}

func newFailing(name string) source.Source {
	f := newFake(name)
	f.fail(nil)
	return f
}

// A pattern that lost its files since the state file was written has failed.
func TestLookRemembersFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.hosts")
	src := source.NewHosts([]string{path}, 0)
	known := map[string]state.Source{src.Config().Name: {Entries: listOf("a 10.0.0.1").Entries, Parts: map[string]int{path: 1}}}
	p := FetchPreview(t.Context(), testSet, []source.Source{src}, known)
	if got := p.Sources[0]; len(got.Restored) != 1 || got.Err == nil || !strings.Contains(got.Err.Error(), "no longer matches a file, its last name is kept") {
		t.Errorf("FetchPreview() = %d restored, %v; want 1, the error of a pattern without files", len(got.Restored), got.Err)
	}
}
