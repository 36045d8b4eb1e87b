package view

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// healthy is a server without a problem.
func healthy() Input {
	azure := syncer.SourceState{
		Name: "azure s", Remote: true, Loaded: true, Names: 214, Interval: time.Minute, Read: now.Add(-41 * time.Second), Next: now.Add(23 * time.Second),
	}
	survey := &verdict.Survey{Names: 214, Resources: []*verdict.Resource{
		{ID: "/s/vaults/one", Type: "vault", Name: "one", Counts: verdict.Counts{Backup: 8, Blob: 100}},
		{ID: "/s/vaults/two", Type: "vault", Name: "two", Counts: verdict.Counts{Queue: 105}},
		{ID: "/s/storageAccounts/data", Type: "storageAccounts", Name: "data", Counts: verdict.Counts{Other: 1}}}}
	return Input{
		Now: now, Blocks: []Block{{Survey: survey, Sources: []syncer.SourceState{azure}}},
		Traffic: Traffic{Upstreams: []Upstream{{Address: "a", Up: true}, {Address: "b", Up: true}}},
	}
}

func lacking(name string, kind ledger.Kind, ago time.Duration) ledger.Entry {
	network := ledger.Network{Prefix: netip.MustParsePrefix("10.1.0.0/24"), Count: 3}
	return ledger.Entry{Name: name, Kind: kind, Count: 3, Last: now.Add(-ago), Networks: []ledger.Network{network}}
}

func TestProblems(t *testing.T) {
	source := func(in *Input) *syncer.SourceState { return &in.Blocks[0].Sources[0] }
	item := func(in *Input, items ...verdict.Item) { in.Blocks[0].Survey.NotServed = items }
	for _, tt := range []struct {
		name   string
		change func(in *Input)
		want   string
	}{
		{"healthy", func(*Input) {}, "good: All 214 names of 2 vaults and 1 other resource are private."},
		{"one name", func(in *Input) { in.Blocks[0].Survey.Resources = in.Blocks[0].Survey.Resources[2:] },
			"good: The name of 1 other resource is private."},
		{"two blocks with the same sources", func(in *Input) { in.Blocks = append(in.Blocks, in.Blocks[0]) },
			"good: All 214 names of 2 vaults and 1 other resource are private."},
		{"no names", func(in *Input) { in.Blocks[0].Survey = &verdict.Survey{} },
			"warning: sources: No names are served: the sources have no private endpoint whose connection is approved."},
		{"a source fails", func(in *Input) { s := source(in); s.Failure, s.Failing = "403 Forbidden", now.Add(-5*time.Minute) },
			"warning: sources: azure s cannot be read for 5 min, its last good records are served: 403 Forbidden"},
		{"a source was never read", func(in *Input) { s := source(in); s.Loaded, s.Failure = false, "401" },
			"problem: sources: azure s has not been read since the start, its names may be SERVFAIL: 401"},
		{"names are held back", func(in *Input) { source(in).HeldBack = 12 },
			"warning: vaults: 12 names are held back: the last lists lack more than half of the names of a source, which are served until three syncs agree."},
		{"an endpoint is not approved", func(in *Input) {
			item(in, verdict.Item{Title: "pe", Endpoint: "pe", Kind: verdict.NotApproved, Text: "its connection is Pending"})
		},
			"warning: not-served: pe is not approved."},
		{"on purpose", func(in *Input) { item(in, verdict.Item{Title: "pe", Kind: verdict.OtherVNet, OnPurpose: true}) },
			"good: All 214 names of 2 vaults and 1 other resource are private."},
		{"a conflict", func(in *Input) { in.Blocks[0].Survey.Conflicts = make([]verdict.Conflict, 2) }, "warning: vaults: 2 names have different addresses in two places."},
		{"one upstream is down", func(in *Input) { in.Traffic.Upstreams[0].Up = false }, "warning: upstreams: 1 of 2 upstreams do not respond."},
		{"all upstreams are down", func(in *Input) { in.Traffic.Upstreams = []Upstream{{}} },
			"problem: upstreams: No upstream responds: names that are not private have old answers, or SERVFAIL. Private names are not affected."},
		{"a public answer", func(in *Input) {
			in.Ledger[ledger.Backup] = []ledger.Entry{lacking("a.blob.", ledger.Public, time.Minute)}
		},
			"problem: ledger: A name that should be private was not: a.blob got a public address, asked by 10.1.0.0/24, 1 min ago."},
		{"an old public answer", func(in *Input) {
			in.Ledger[ledger.Known] = []ledger.Entry{lacking("a.blob.", ledger.Public, 2*time.Hour)}
		},
			"good: All 214 names of 2 vaults and 1 other resource are private."},
		{"another tenant's name", func(in *Input) {
			in.Ledger[ledger.Other] = []ledger.Entry{lacking("a.blob.", ledger.Public, time.Minute)}
		},
			"good: All 214 names of 2 vaults and 1 other resource are private."},
		{"a secondary is behind", func(in *Input) {
			in.Peers = []Peer{{Address: "10.0.0.5:53", Role: "secondary", Checked: now, Text: "one zone has an older serial"}}
		},
			"warning: peers: The secondary 10.0.0.5:53 is not in step: one zone has an older serial."},
		{"a problem comes before a warning", func(in *Input) { source(in).HeldBack = 1; in.Traffic.Upstreams = []Upstream{{}} },
			"problem: upstreams: No upstream responds: names that are not private have old answers, or SERVFAIL. Private names are not affected."},
	} {
		in := healthy()
		tt.change(&in)
		p := New(&in, Request{})
		got := fmt.Sprintf("%s: %s", p.Level, p.Sentence)
		if len(p.Problems) > 0 {
			got = fmt.Sprintf("%s: %s: %s", p.Level, p.Problems[0].Place, p.Problems[0].Text)
		}
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		in   string
		most int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc…"}, {"äöü", 3, "äöü"}, {"äöüß", 3, "äöü…"}, {"", 0, ""}} {
		if got := cut(tt.in, tt.most); got != tt.want {
			t.Errorf("cut(%q, %d) = %q; want %q", tt.in, tt.most, got, tt.want)
		}
	}
}

func TestEvents(t *testing.T) {
	in := healthy()
	for i := range 100 {
		in.Events = append(in.Events, journal.Event{Target: fmt.Sprintf("/s/vaults/%d", i%4), Text: strings.Repeat("x", 10_000)})
	}
	for _, tt := range []struct {
		name        string
		r           Request
		shown, kept int
	}{
		{"the last ones", Request{}, maxEvents, 100},
		{"all", Request{Events: 500}, 100, 100},
		{"of a vault by its key", Request{Vault: Key("/s/vaults/1"), Events: 500}, 25, 25},
		{"of a vault by its ID in another case", Request{Vault: "/S/Vaults/1"}, 20, 25},
		{"of an unknown vault", Request{Vault: "x"}, 0, 0},
	} {
		p := New(&in, tt.r)
		if len(p.Events) != tt.shown || p.Kept != tt.kept {
			t.Errorf("%s: %d of %d; want %d of %d", tt.name, len(p.Events), p.Kept, tt.shown, tt.kept)
		}
		if len(p.Events) > 0 && len(p.Events[0].Text) > maxText+3 {
			t.Errorf("%s: a text of %d octets", tt.name, len(p.Events[0].Text))
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 41 * time.Second: "41 s", 90 * time.Second: "1 min", 3 * time.Hour: "3 h", 47 * time.Hour: "47 h", 49 * time.Hour: "2 days",
	} {
		if got := Span(d); got != want {
			t.Errorf("Span(%s) = %s; want %s", d, got, want)
		}
	}
}

func TestDig(t *testing.T) {
	for _, tt := range []struct{ server, name, want string }{
		{"127.0.0.1:53", "a.example", "dig @127.0.0.1 a.example"},
		{"127.0.0.1:1053", "a.example", "dig @127.0.0.1 -p 1053 a.example"},
		{"[::1]:1053", "*.a.example", "dig @::1 -p 1053 '*.a.example'"},
		{"", "a.example", ""},
	} {
		if got := dig(tt.server, tt.name); got != tt.want {
			t.Errorf("dig(%s, %s) = %s; want %s", tt.server, tt.name, got, tt.want)
		}
	}
}
