package verdict

import (
	"net/netip"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A question is external input. A verdict about any name agrees with the snapshot.
func FuzzAsk(f *testing.F) {
	for _, e := range world {
		for _, config := range e.DNS {
			f.Add(config.FQDN)
		}
	}
	f.Add("10.0.0.1")
	f.Add("1.0.0.10.in-addr.arpa")
	f.Add("x.z7.blob.storage.azure.net")
	book := newBook(true, worldList())
	blocks := []Block{{Position: "Corefile:1", Explainer: book}}
	blocks[0].Origins = append(blocks[0].Origins, ".")
	f.Fuzz(func(t *testing.T, question string) {
		why, err := Ask(blocks, question)
		if err != nil {
			return
		}
		for _, v := range why.Found {
			r := book.Snapshot.Lookup(string(v.Name)).Record
			private := r != nil && len(r.Addrs) > 0
			if v.Served != (v.Kind == Served) || private && !v.Served || v.Served && len(v.Addrs) == 0 || !v.Served && v.Text == "" {
				t.Errorf("%q: %+v, the snapshot has %+v", question, v, r)
			}
		}
		name, _ := dnsname.ParseOwner(question)
		_, reverse := zone.AddressOf(string(name))
		if _, err := netip.ParseAddr(question); err != nil && !reverse && len(why.Found) != 1 {
			t.Errorf("%q: %d findings; want 1", question, len(why.Found))
		}
	})
}
