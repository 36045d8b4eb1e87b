package page

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

// content has the text everywhere where external input may be.
func content(text string) Content {
	now := time.Now()
	item := verdict.Item{
		Title: text, Kind: verdict.NotApproved, Text: text, Remedy: text, Since: now, Name: dnsname.Name(text), Endpoint: text, Target: text, Source: text,
	}
	record := &zone.Record{Name: dnsname.Name(text), Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
	resource := &verdict.Resource{ID: text, Type: text, Name: text, Region: text, Text: text, Newest: record, Counts: verdict.Counts{Other: 1},
		Endpoints: []*verdict.Member{{ID: text, Source: text, Records: []*zone.Record{record}}}}
	entry := ledger.Entry{Name: text, Fact: ledger.Fact{Reason: text}, Last: now, Resolvers: []string{text}}
	in := view.Input{
		Now: now, Host: text, Version: text, Total: 1, Missed: 1,
		Blocks: []view.Block{{Position: text, Survey: &verdict.Survey{Names: 1, Resources: []*verdict.Resource{resource}, NotServed: []verdict.Item{item}},
			Sources: []syncer.SourceState{{Name: text, Failure: text, Remote: true, Loaded: true, Read: now}}}},
		Ledger: [3][]ledger.Entry{{entry}, {entry}, {entry}}, Lacking: [3]int{1, 1, 1},
		Events:  []journal.Event{{At: now, Kind: journal.Added, Name: dnsname.Name(text), Endpoint: text, Target: text, Source: text, Text: text}},
		Clients: []view.Client{{Network: text}}, Traffic: view.Traffic{Upstreams: []view.Upstream{{Address: text}}, Cache: &view.Cache{}},
		Peers: []view.Peer{{Address: text, Role: text, Text: text, Names: []string{text}}}, FastPath: []view.FastPath{{Block: text, Text: text}},
		Corefile: view.Corefile{Path: text, Text: text},
	}
	why := verdict.Why{Question: text, Found: []verdict.Finding{{Block: text, Verdict: verdict.Verdict{Name: dnsname.Name(text), Text: text, Remedy: text,
		Endpoint: text, Target: text, Source: text}}}}
	return Content{Page: view.New(&in, view.Request{Vault: text}), Name: text, Search: view.NewSearch(why, nil, "127.0.0.1:53", now)}
}

// render returns the page, and its elements with the names of their attributes.
func render(t testing.TB, c Content) (page string, elements []string) {
	t.Helper()
	var b bytes.Buffer
	if err := Render(&b, c); err != nil {
		t.Fatal(err)
	}
	page = b.String()
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return page, elements
		}
		if token := z.Token(); kind == html.StartTagToken || kind == html.EndTagToken {
			text := kind.String() + " " + token.Data
			for _, a := range token.Attr {
				text += " " + a.Key
			}
			elements = append(elements, text)
		}
	}
}

// External input changes no element and no attribute, whatever octets it has.
func TestEscaping(t *testing.T) {
	_, want := render(t, content("plain"))
	for octet := range 256 {
		for _, text := range []string{string([]byte{'a', byte(octet), 'b'}), string(rune(octet)) + "onerror=alert(1) "} {
			page, got := render(t, content(text))
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("%q changes the elements of the page", text)
			}
			if strings.ContainsRune(page, 0) {
				t.Errorf("%q: the page has the octet 0", text)
			}
		}
	}
	for _, text := range []string{
		"<img src=x onerror=alert(1)>", `"><script>alert(1)</script>`, "' onfocus=alert(1) autofocus '", "</pre><script>alert(1)</script>",
		"javascript:alert(1)", "{{.}}", "<!--", "]]>", "&lt;", "\u2028\u202e",
	} {
		page, got := render(t, content(text))
		if strings.Join(got, "\n") != strings.Join(want, "\n") || strings.Contains(page, "javascript:alert(1)#") {
			t.Errorf("%q changes the elements of the page", text)
		}
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil || strings.Count(textOf(doc), text) < 20 {
			t.Errorf("%q is %d times in the text of the page, %v", text, strings.Count(textOf(doc), text), err)
		}
	}
}

func textOf(n *html.Node) (text string) {
	if n.Type == html.TextNode {
		text = n.Data
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		text += textOf(c)
	}
	return text
}

// world is the state of a server with so many vaults of so many names each.
func world(vaults, names int) *view.Input {
	survey := &verdict.Survey{}
	for v := range vaults {
		id := fmt.Sprintf("/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-backup/providers/Microsoft.RecoveryServices/vaults/rsv-%d", v)
		r := &verdict.Resource{ID: id, Type: "vault", Name: fmt.Sprintf("rsv-%d", v), Region: "westeurope", Condition: verdict.ConditionComplete}
		e := &verdict.Member{ID: strings.Replace(id, "RecoveryServices/vaults", "Network/privateEndpoints", 1), Source: "azure s"}
		for i := range names {
			name := dnsname.Name(fmt.Sprintf("wepod01ecs%dx%d.privatelink.blob.core.windows.net.", v, i))
			e.Records = append(e.Records, &zone.Record{Name: name, Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(v), byte(i >> 8), byte(i)})}})
		}
		r.Endpoints, r.Newest, r.Counts.Blob = []*verdict.Member{e}, e.Records[0], names
		survey.Resources = append(survey.Resources, r)
		survey.Names += names
	}
	source := syncer.SourceState{Name: "azure s", Remote: true, Loaded: true}
	in := &view.Input{Now: time.Now(), Version: "1.0", Blocks: []view.Block{{Survey: survey, Sources: []syncer.SourceState{source}}}}
	for i := range min(journal.Size, vaults*names) {
		in.Events = append(in.Events, journal.Event{At: in.Now, Kind: journal.Added, Name: dnsname.Name(fmt.Sprintf("n%d.blob.core.windows.net.", i)),
			Target: survey.Resources[0].ID, Text: "10.0.0.1"})
	}
	return in
}

func size(t testing.TB, in *view.Input, r view.Request) int {
	t.Helper()
	page, _ := render(t, Content{Page: view.New(in, r)})
	return len(page)
}

// The page with its files has at most 60,000 octets for nine vaults, and is bounded for
// any number of names.
func TestSize(t *testing.T) {
	files := 0
	for _, a := range Assets {
		files += len(a.Content)
	}
	for _, tt := range []struct {
		name          string
		vaults, names int
		r             view.Request
		most          int
	}{
		{"no vaults", 0, 0, view.Request{}, 30_000},
		{"one vault", 1, 12, view.Request{}, 35_000},
		{"nine vaults", 9, 12, view.Request{}, 60_000},
		{"200 vaults", 200, 12, view.Request{}, 450_000},
		{"100,000 names of 200 vaults", 200, 500, view.Request{}, 450_000},
		{"100,000 names of one vault", 1, 100_000, view.Request{}, 40_000},
		{"100,000 names of one vault that is selected", 1, 100_000, view.Request{Vault: view.Key(world(1, 1).Blocks[0].Survey.Resources[0].ID), Events: 500}, 450_000},
		{"10,000 vaults", 10_000, 1, view.Request{}, 450_000},
	} {
		got := size(t, world(tt.vaults, tt.names), tt.r) + files
		t.Logf("%s: %d octets, %d of them are files", tt.name, got, files)
		if got > tt.most {
			t.Errorf("%s: %d octets; want %d at most", tt.name, got, tt.most)
		}
	}
}

// BenchmarkPage is the time and the size of the page.
func BenchmarkPage(b *testing.B) {
	for _, bb := range []struct {
		name          string
		vaults, names int
	}{{"0 vaults", 0, 0}, {"1 vault", 1, 12}, {"200 vaults", 200, 12}, {"200 vaults, 100000 names", 200, 500}} {
		in := world(bb.vaults, bb.names)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				if err := Render(&out, Content{Page: view.New(in, view.Request{})}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(out.Len()), "octets")
			var small bytes.Buffer
			w, err := gzip.NewWriterLevel(&small, gzip.BestSpeed)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := w.Write(out.Bytes()); err != nil || w.Close() != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(small.Len()), "compressed")
		})
	}
}
