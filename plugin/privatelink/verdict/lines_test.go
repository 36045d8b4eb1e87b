package verdict

import (
	"slices"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
)

// Blocks that agree are one finding, although they published the name one after the
// other.
func TestDistinct(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	finding := func(block string, kind Kind, after time.Duration) Finding {
		return Finding{Block: block, Verdict: Verdict{Name: "a.", Kind: kind, Since: at.Add(after)}}
	}
	found := []Finding{
		finding("1", Served, time.Second), finding("2", Served, 0),
		finding("3", Removed, time.Hour), finding("4", Served, time.Minute),
	}
	got := Distinct(found)
	if len(got) != 2 || got[0].Since != at || got[1].Kind != Removed || got[1].Since != at.Add(time.Hour) || found[0].Since == at {
		t.Errorf("Distinct = %+v", got)
	}
}

// Nobody knows where the chain of a DNS zone endpoint leads that no source has.
func TestChainOnly(t *testing.T) {
	const name = "one.z12.blob.storage.azure.net"
	for _, tt := range []struct{ name, protect, want string }{
		{"the upstream", "", "clients get the answer of the upstream, which may be public if its CNAME chain leads elsewhere (step 4: no source has this name of the record)"},
		{"protected", "known", "clients get SERVFAIL, because of protect, if the upstream's CNAME chain leads to a public address (step 4: no source has this name of the record)"},
	} {
		block := Block{Origins: []dnsname.Name{"."}, Protect: map[ledger.Grade]bool{ledger.Known: tt.protect != ""}, Explainer: newBook(true, worldList())}
		found, err := Ask([]Block{block}, name)
		if err != nil || len(found.Found) != 1 {
			t.Fatal(found, err)
		}
		lines := found.Found[0].Lines(func(time.Time) string { return "" }, nil)
		const first = name + " is private only if the upstream's CNAME chain leads to the record one.privatelink.blob.core.windows.net: 10.0.0.1"
		if lines[0].Text != first || !slices.ContainsFunc(lines, func(l Line) bool { return l.Text == tt.want }) {
			t.Errorf("%s: %q; want %q and %q", tt.name, lines, first, tt.want)
		}
	}
}
