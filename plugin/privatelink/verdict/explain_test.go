package verdict

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

const (
	group   = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/"
	storage = group + "Microsoft.Storage/storageAccounts/"
	vault   = group + "Microsoft.RecoveryServices/vaults/"
)

// endpoint is a private endpoint in the virtual network hub. Its names are
// "NAME ADDRESS".
func endpoint(id, target, status, groups string, names ...string) privateendpoint.Endpoint {
	e := privateendpoint.Endpoint{Connected: true, Status: status, Target: target, Groups: groups, VNet: "/vnet/hub"}
	e.ID = group + "Microsoft.Network/privateEndpoints/" + id
	for _, text := range names {
		name, addr, _ := strings.Cut(text, " ")
		e.DNS = append(e.DNS, privateendpoint.DNSConfig{FQDN: name, Addresses: []string{addr}})
	}
	return e
}

func inVNet(e privateendpoint.Endpoint, name string) privateendpoint.Endpoint {
	e.VNet = "/vnet/" + name
	return e
}

func provisioning(e privateendpoint.Endpoint, state string) privateendpoint.Endpoint {
	e.Provisioning = state
	return e
}

// world has an endpoint for each cause.
var world = []privateendpoint.Endpoint{
	endpoint("pe-one", storage+"one", "Approved", "", "one.blob.core.windows.net 10.0.0.1", "sub.one.queue.core.windows.net 10.0.0.3"),
	endpoint("pe-vault", vault+"rsv", "Approved", "", "v1-ab-pod01-fc1.privatelink.we.backup.windowsazure.com 10.0.0.2"),
	endpoint("pe-ml", group+"x/y/ml", "Approved", "", "*.guid.inference.privatelink.api.azureml.ms 10.0.0.4"),
	endpoint("pe-pending", storage+"Pending", "Pending", "blob queue_secondary"),
	endpoint("pe-rejected", storage+"rejected", "Rejected", "blob"),
	provisioning(endpoint("pe-making", storage+"making", "Approved", "blob"), "Updating"),
	endpoint("pe-grouped", storage+"grouped", "Approved", "blob"),
	inVNet(endpoint("pe-spoke", storage+"spoke", "Approved", "", "spoke.blob.core.windows.net 10.0.0.9"), "spoke"),
	endpoint("pe-file", storage+"files", "Approved", "", "files.file.core.windows.net 10.0.0.5"),
	endpoint("pe-kv", group+"Microsoft.KeyVault/vaults/kv", "Pending", "vault"),
	endpoint("pe-bad", storage+"bad", "Approved", "", "bad.blob.core.windows.net 10.0.0.300"),
	endpoint("pe-new", vault+"rsv-new", "Pending", "AzureBackup"),
}

var strictSet = &zone.Set{
	Cloud: cloud.Public, TTL: 60,
	Zones: []dnsname.Name{"privatelink.blob.core.windows.net.", "privatelink.queue.core.windows.net.", "privatelink.api.azureml.ms."},
}

// newBook returns the book of the lists, as the syncer makes it.
func newBook(complete bool, lists ...List) *Book {
	b, n := zone.NewBuilder(strictSet, nil), uint32(1)
	for j := range lists {
		l := &lists[j]
		if l.List == nil {
			continue
		}
		for i, e := range l.Entries {
			owner, err := b.OwnerOf(e.FQDN)
			if err != nil {
				l.Outside = append(l.Outside, &l.Entries[i])
				continue
			}
			first := len(b.Addrs(owner)) == 0 // no earlier list has it
			b.Add(owner, e.Addrs)
			if first {
				b.SetProvenance(owner, zone.Provenance{Origin: n + uint32(i)})
			}
		}
		n += uint32(len(l.Entries))
	}
	s := b.Snapshot(complete, func(*zone.Zone) uint32 { return 1 })
	s.Date(&zone.Snapshot{}, time.Unix(1_800_000_000, 0))
	return &Book{Zones: strictSet, Snapshot: s, Lists: lists}
}

func worldList() List {
	return List{List: source.Unite([][]privateendpoint.Endpoint{world}, []string{"hub"}), Source: "files"}
}

// summary is the verdict as "KIND STEP ANSWER ENDPOINT".
func summary(v Verdict) string {
	text := fmt.Sprintf("%s %d %s %s", v.Kind, v.Step, v.Answer, v.Endpoint[strings.LastIndexByte(v.Endpoint, '/')+1:])
	if v.Possible {
		text += " possible"
	}
	return text
}

// The remedy for a name of a Backup zone that does not exist yet has the geo code.
func TestExplainGeo(t *testing.T) {
	b := newBook(true)
	for name, want := range map[string]bool{"v1-ab-pod01-fc1.privatelink.ne.backup.windowsazure.com.": true, "x.privatelink.blob.core.windows.net.": false} {
		v := b.Explain(dnsname.Name(name))
		if got := strings.HasSuffix(v.Remedy, "; with geo ne in the Corefile, its zone exists before the first record"); got != want {
			t.Errorf("%s: %s; want geo %v", name, v.Remedy, want)
		}
	}
}

func TestExplain(t *testing.T) {
	b := newBook(true, List{Source: "empty"}, worldList())
	b.Removed = func(owner dnsname.Name) (Removal, bool) {
		gone := Removal{At: time.Unix(1_800_000_500, 0), Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.8")}, Entry: source.Entry{Endpoint: source.IDOf("/pe-gone")}}
		return gone, owner == "gone.privatelink.blob.core.windows.net." || owner == "rejected.privatelink.blob.core.windows.net."
	}
	for _, tt := range []struct{ name, in, want string }{
		{"the name of a record", "one.privatelink.blob.core.windows.net.", "served 1 private pe-one"},
		{"its public name", "one.blob.core.windows.net.", "served 3 private pe-one"},
		{"a DNS zone endpoint that no source has", "one.z12.blob.storage.azure.net.", "chain_only 4 upstream pe-one"},
		{"a name of a vault", "v1-ab-pod01-fc1.we.backup.windowsazure.com.", "served 3 private pe-vault"},
		{"a name below a wildcard", "x.guid.inference.privatelink.api.azureml.ms.", "served 1 private pe-ml"},
		{"an endpoint that is not approved", "pending.blob.core.windows.net.", "not_approved 4 upstream pe-pending"},
		{"its name in the zone", "pending.privatelink.blob.core.windows.net.", "not_approved 4 upstream pe-pending"},
		{"its DNS zone endpoint", "pending.z1.blob.storage.azure.net.", "not_approved 4 upstream pe-pending"},
		{"its secondary", "pending-secondary.queue.core.windows.net.", "not_approved 4 upstream pe-pending"},
		{"a service that it is not for", "pending.queue.core.windows.net.", "never_seen 4 upstream "},
		{"an endpoint that was rejected", "rejected.blob.core.windows.net.", "not_approved 4 upstream pe-rejected"},
		{"an endpoint that Azure is making", "making.blob.core.windows.net.", "provisioning 4 upstream pe-making"},
		{"an endpoint without DNS configuration", "grouped.blob.core.windows.net.", "no_dns_configuration 4 upstream pe-grouped"},
		{"an endpoint in another virtual network", "spoke.blob.core.windows.net.", "other_vnet 4 upstream pe-spoke"},
		{"an invalid address", "bad.blob.core.windows.net.", "invalid 4 upstream pe-bad"},
		{"an endpoint outside of the zones", "files.file.core.windows.net.", "outside_zones 4 upstream pe-file"},
		{"the same, in its zone", "files.privatelink.file.core.windows.net.", "outside_zones 4 upstream pe-file"},
		{"a pending endpoint outside of the zones", "kv.vault.azure.net.", "not_approved 4 upstream pe-kv"},
		{"a zone that nobody has", "x.database.windows.net.", "outside_zones 4 upstream "},
		{"a removed name", "gone.blob.core.windows.net.", "removed 4 upstream pe-gone"},
		{"another tenant's account", "other.blob.core.windows.net.", "never_seen 4 upstream "},
		{"a name of a vault, while an endpoint is pending", "v2-ab-pod01-fc1.privatelink.we.backup.windowsazure.com.", "not_approved 2 nxdomain pe-new possible"},
		{"an account of Backup, while an endpoint is pending", "abcdepod01ecs9.blob.core.windows.net.", "not_approved 4 upstream pe-new possible"},
		{"a name of the Internet", "www.example.com.", "never_seen 4 upstream "},
		{"the name of a zone", "privatelink.blob.core.windows.net.", "never_seen 1 nodata "},
		{"a suffix of public names", "blob.core.windows.net.", "never_seen 4 upstream "},
		{"a name between two names", "one.privatelink.queue.core.windows.net.", "never_seen 1 nodata "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := b.Explain(dnsname.Name(tt.in))
			if got := summary(v); got != tt.want {
				t.Errorf("Explain(%s) = %s (%s); want %s", tt.in, got, v.Text, tt.want)
			}
			if v.Served != (v.Kind == Served) || !v.Served && v.Text == "" || v.Known() != (v.Endpoint != "" && !v.Possible) {
				t.Errorf("Explain(%s) = %+v", tt.in, v)
			}
		})
	}
}
