package verdict

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

func TestInventory(t *testing.T) {
	const account = "v-ab-pod01-fc1.we.backup.windowsazure.com 10.0.0.1"
	hosts := &source.List{Complete: true, Entries: []source.Entry{
		{FQDN: "x.blob.core.windows.net.", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.1")}, Endpoint: source.IDOf("dir/a.hosts:7")},
		{FQDN: "y.blob.core.windows.net.", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.2")}, Endpoint: source.IDOf("dir/a.hosts:8")},
	}}
	files := source.Unite([][]privateendpoint.Endpoint{{
		endpoint("pe-a", vault+"a", "Approved", "", account, "apod01.blob.core.windows.net 10.0.0.2", "apod01.queue.core.windows.net 10.0.0.3"),
		endpoint("pe-b", vault+"b", "Approved", "", strings.Replace(account, "v-", "w-", 1)),
		endpoint("PE-B_ecs_blob", storage+"b", "Approved", "", "bpod01.blob.core.windows.net 10.0.0.4"),
		endpoint("pe-c", vault+"c", "Pending", "AzureBackup"),
		endpoint("pe-d", vault+"d", "Approved", "", strings.Replace(account, "v-", "x-", 1)),
		endpoint("pe-e", storage+"e", "Approved", "", "x.blob.core.windows.net 10.0.0.5", "e.blob.core.windows.net 10.0.0.6"),
	}}, nil)
	var v Inventory
	added := 0
	v.Add(newBook(true, List{List: hosts, Source: "hosts"}, List{List: files, Source: "files"}), func(*Endpoint, *zone.Record) { added++ })
	v.Add(newBook(true, List{List: files, Source: "files"}), nil) // a block with the same source
	want := map[string]string{
		"pe-a (vault a)":                    "1 1 1 0",
		"pe-b (vault b)":                    "1 0 0 0 no queue name yet",
		"PE-B_ecs_blob (storageAccounts b)": "0 1 0 0",
		"pe-c (vault c)":                    "0 0 0 1",
		"pe-d (vault d)":                    "1 0 0 0 no storage names yet",
		"pe-e (storageAccounts e)":          "0 1 0 0",
		"dir/a.hosts":                       "0 2 0 0",
	}
	for _, e := range v.Endpoints() {
		note, _, _ := strings.Cut(v.Note(e), ": ")
		got := fmt.Sprintf("%d %d %d %d %s", e.Counts().Backup, e.Counts().Blob, e.Counts().Queue, len(e.Skips), note)
		if strings.TrimSpace(got) != want[e.Title()] {
			t.Errorf("%s: %s; want %s", e.Title(), got, want[e.Title()])
		}
		delete(want, e.Title())
	}
	if len(want) > 0 || added != 9 {
		t.Errorf("missing %v, %d names added; want 9", want, added)
	}
}

// A verdict costs some lookups, whatever the number of records is.
func BenchmarkExplain(b *testing.B) {
	list := &source.List{Complete: true}
	for i := range 100_000 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		list.Entries = append(list.Entries, source.Entry{FQDN: dnsname.Name(fmt.Sprintf("a%d.blob.core.windows.net.", i)), Addrs: []netip.Addr{addr}})
	}
	book := newBook(true, List{List: list, Source: "files"})
	for _, name := range []dnsname.Name{"a99999.blob.core.windows.net.", "other.blob.core.windows.net.", "www.example.com."} {
		b.Run(string(name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				book.Explain(name)
			}
		})
	}
}
