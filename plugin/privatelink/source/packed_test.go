package source

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

func pack(all []privateendpoint.Endpoint) packed {
	var p packer
	for i := range all {
		p.add(&all[i])
	}
	return p.finish()
}

// Endpoints are unpacked as they were, whatever their texts share.
func TestPacked(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 5))
	words := []string{"", "a", "ab", "abab", "/", "/s/", "/s/a", "/s/ab", "/s/a/b", "a/", "ü", "/s/ü", "\x00", strings.Repeat("/s/long", 50), "10.0.0.4", "x."}
	word := func() string { return words[random.IntN(len(words))] + words[random.IntN(len(words))] }
	var all []privateendpoint.Endpoint
	for i := range 5000 {
		e := privateendpoint.Endpoint{
			ID: word(), Resource: word(), Line: random.IntN(1 << 20), File: word(), Status: word(), Provisioning: word(),
			Target: word(), VNet: fmt.Sprint(word(), "/", i, "/", word()), Groups: word(),
			Connected: random.IntN(2) == 0, Terraform: random.IntN(2) == 0, Manual: random.IntN(2) == 0,
		}
		for range random.IntN(4) {
			e.DNS = append(e.DNS, privateendpoint.DNSConfig{FQDN: word()})
			for range random.IntN(3) {
				last := &e.DNS[len(e.DNS)-1]
				last.Addresses = append(last.Addresses, word())
			}
		}
		all = append(all, e)
	}
	p := pack(all)
	if got := slices.Collect(p.all()); !reflect.DeepEqual(got, all) || p.number != len(all) {
		for i := range all {
			if i >= len(got) || !reflect.DeepEqual(got[i], all[i]) {
				t.Fatalf("endpoint %d is unpacked as %+v; want %+v", i, got[i:min(i+1, len(got))], all[i])
			}
		}
	}
	for e := range p.all() { // a loop may end early
		if !reflect.DeepEqual(e, all[0]) {
			t.Errorf("the first endpoint is %+v; want %+v", e, all[0])
		}
		break
	}
	if len(p.parents) != maxParents {
		t.Errorf("%d parents; want the limit of %d, or the test does not reach it", len(p.parents), maxParents)
	}
}

// The size is that of the compressed differences. A small file needs little.
func TestPackedSize(t *testing.T) {
	var all []privateendpoint.Endpoint
	for i := range 10_000 {
		group := fmt.Sprintf("/subscriptions/0a1b2c3d-1111-2222-3333-444455556666/resourceGroups/rg-%d/providers/", i%40)
		id := fmt.Sprintf("%sMicrosoft.Network/privateEndpoints/pe-%05d", group, i)
		all = append(all, privateendpoint.Endpoint{
			ID: id, Resource: id, Line: i, File: "/exports/endpoints.json", Connected: true, Status: "Approved", Provisioning: "Succeeded",
			Target: fmt.Sprintf("%sMicrosoft.Storage/storageAccounts/account%05d", group, i), VNet: group + "Microsoft.Network/virtualNetworks/hub",
			DNS: []privateendpoint.DNSConfig{{FQDN: fmt.Sprintf("account%05d.blob.core.windows.net", i), Addresses: []string{fmt.Sprintf("10.20.%d.%d", i>>8, i&255)}}},
		})
	}
	size := func(p packed) (n int) {
		for _, piece := range p.pieces.closed {
			n += cap(piece)
		}
		return n + cap(p.pieces.open)
	}
	if n := size(pack(all)); n > 12*len(all) {
		t.Errorf("%d bytes for %d endpoints; want at most 12 each", n, len(all))
	}
	if n := size(pack(all[:1])); n > 1024 {
		t.Errorf("%d bytes for one endpoint; want at most 1024", n)
	}
}
