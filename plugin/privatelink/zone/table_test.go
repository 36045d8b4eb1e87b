package zone

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

func TestOwnerOf(t *testing.T) {
	for _, tc := range []struct {
		name, fqdn  string
		zone, owner dnsname.Name // empty if out of zone
		endpoint    bool
	}{
		{"name in the zone", "acct.privatelink.blob.core.windows.net", blob, "acct." + blob, false},
		{"privatelink is inserted", "acct.blob.core.windows.net", blob, "acct." + blob, false},
		{"upper case, trailing dot", "ACCT.Queue.core.windows.net.", queue, "acct." + queue, false},
		{"DNS zone endpoint of blob", "acct.z24.blob.storage.azure.net", blob, "acct." + blob, true},
		{"DNS zone endpoint of queue", "acct.z1.queue.storage.azure.net", queue, "acct." + queue, true},
		{"DNS zone endpoint of a zone that is not listed", "acct.z1.file.storage.azure.net", "", "", false},
		{"vault", "1-ab-pod01-fc1.privatelink.we.backup.windowsazure.com", backupInW, "1-ab-pod01-fc1." + backupInW, false},
		{"vault without privatelink", "1-ab-pod01-fc1.we.backup.windowsazure.com", backupInW, "1-ab-pod01-fc1." + backupInW, false},
		{"vault of two labels", "1.fc1.privatelink.we.backup.windowsazure.com", backupInW, "1.fc1." + backupInW, false},
		{"label privatelink in a Backup zone", "privatelink.privatelink.we.backup.windowsazure.com", backupInW, "privatelink." + backupInW, false},
		{"label that ends in privatelink", "aprivatelink.we.backup.windowsazure.com", backupInW, "aprivatelink." + backupInW, false},
		{"Key Vault", "kv.vault.azure.net", vault, "kv." + vault, false},
		{"Key Vault, other public name", "kv.vaultcore.azure.net", vault, "kv." + vault, false},
		{"registry of two labels", "acr.westeurope.data.azurecr.io", registry, "acr.westeurope.data." + registry, false},
		{"the longest public suffix decides", "acr.weu.azurecr.io", inRegion, "acr." + inRegion, false},
		{"a public suffix below a public suffix is a name", "weu.azurecr.io", registry, "weu." + registry, false},
		{"the name of a zone below a public suffix", "privatelink.weu.azurecr.io", "", "", false},
		{"Site Recovery: geo before privatelink", "1-asr-pod01-id1-.we.privatelink.siterecovery.windowsazure.com", recovery, "1-asr-pod01-id1-.we." + recovery, false},
		{"Site Recovery without privatelink", "1-asr-pod01-id1-.we.siterecovery.windowsazure.com", recovery, "1-asr-pod01-id1-.we." + recovery, false},
		{"unlisted service", "x.database.windows.net", "", "", false},
		{"zone itself", "privatelink.blob.core.windows.net", "", "", false},
		{"public suffix itself", "blob.core.windows.net", "", "", false},
		{"Backup zone itself", "privatelink.we.backup.windowsazure.com", "", "", false},
		{"geo code alone", "we.backup.windowsazure.com", "", "", false},
		{"privatelink is not a geo code", "x.privatelink.backup.windowsazure.com", "", "", false},
		{"no label of a DNS zone", "acct.blob.storage.azure.net", "", "", false},
		{"DNS zone without a number", "acct.zx.blob.storage.azure.net", "", "", false},
		{"DNS zone without an account", "z24.blob.storage.azure.net", "", "", false},
		{"two labels before the DNS zone", "a.b.z24.blob.storage.azure.net", "", "", false},
		{"label that ends like a zone", "xblob.core.windows.net", "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fqdn, err := dnsname.Parse(tc.fqdn)
			if err != nil {
				t.Fatal(err)
			}
			want := Owner{Zone: tc.zone, Name: tc.owner}
			if tc.endpoint {
				want.DNSZoneEndpoint = fqdn
			}
			got, err := newSet().OwnerOf(fqdn)
			if errors.Is(err, ErrOutOfZone) != (tc.zone == "") || err == nil && got != want {
				t.Errorf("OwnerOf(%q) = %v, %v; want %v", fqdn, got, err, want)
			}
		})
	}
}

// The label privatelink makes some names too long for DNS.
func TestOwnerOfTooLong(t *testing.T) {
	labels := strings.Repeat("a", 63) + "." + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "."
	for _, tc := range []struct{ fqdn, err string }{
		{labels + "blob.core.windows.net", ""},
		{labels + strings.Repeat("d", 38) + ".blob.core.windows.net", `"` + (labels + strings.Repeat("d", 38))[:80] + `"…: a domain name has at most 253 characters, this one has 264`},
	} {
		fqdn, err := dnsname.Parse(tc.fqdn)
		if err != nil {
			t.Fatal(err)
		}
		_, err = newSet().OwnerOf(fqdn)
		if (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("OwnerOf(%q) error = %v; want %s", fqdn, err, tc.err)
		}
	}
}

// Zones whose suffixes are below each other.
func TestOwnerOfAmongNeighbors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		cloud  cloud.Cloud
		zones  []dnsname.Name
		fqdn   dnsname.Name
		wanted dnsname.Name // owner; empty if out of zone
	}{
		{"a zone above Backup: vault", cloud.Public, []dnsname.Name{"privatelink.windowsazure.com."}, "x.we.backup.windowsazure.com.", "x." + backupInW},
		{"a zone above Backup: geo alone", cloud.Public, []dnsname.Name{"privatelink.windowsazure.com."}, "we.backup.windowsazure.com.", "we.backup.privatelink.windowsazure.com."},
		{"a zone above Backup: its suffix", cloud.Public, []dnsname.Name{"privatelink.windowsazure.com."}, "backup.windowsazure.com.", "backup.privatelink.windowsazure.com."},
		{"a zone above Backup: the name of a Backup zone", cloud.Public, []dnsname.Name{"privatelink.windowsazure.com."}, backupInW, ""},
		{"a zone below a Backup suffix", cloud.Public, []dnsname.Name{"privatelink.a.we.backup.windowsazure.com."}, "x.a.we.backup.windowsazure.com.", "x.privatelink.a.we.backup.windowsazure.com."},
		{"a zone below a Backup suffix: sibling", cloud.Public, []dnsname.Name{"privatelink.a.we.backup.windowsazure.com."}, "x.b.we.backup.windowsazure.com.", "x.b." + backupInW},
		{"a zone in a DNS zone", cloud.Public, []dnsname.Name{blob, "privatelink.z7.blob.storage.azure.net."}, "x.z7.blob.storage.azure.net.", "x.privatelink.z7.blob.storage.azure.net."},
		{"a zone in a DNS zone: other DNS zones", cloud.Public, []dnsname.Name{blob, "privatelink.z7.blob.storage.azure.net."}, "x.z8.blob.storage.azure.net.", "x." + blob},
		{"a zone below the public suffix of a zone", cloud.Public, []dnsname.Name{"privatelink.core.windows.net.", blob}, "x.blob.core.windows.net.", "x." + blob},
		{"a name of the shorter public suffix", cloud.Public, []dnsname.Name{"privatelink.core.windows.net.", blob}, "x.file.core.windows.net.", "x.file.privatelink.core.windows.net."},
		{"China's Key Vault", cloud.China, []dnsname.Name{"privatelink.vaultcore.azure.cn."}, "kv.vault.azure.cn.", "kv.privatelink.vaultcore.azure.cn."},
		{"China's Backup", cloud.China, nil, "x.bjb.backup.windowsazure.cn.", "x.privatelink.bjb.backup.windowsazure.cn."},
		{"US Government's Backup", cloud.USGov, nil, "x.privatelink.ugv.backup.windowsazure.us.", "x.privatelink.ugv.backup.windowsazure.us."},
		{"US Government has no DNS zone endpoints", cloud.USGov, []dnsname.Name{"privatelink.blob.core.usgovcloudapi.net."}, "x.z7.blob.storage.azure.net.", ""},
		{"Backup of a different cloud", cloud.USGov, nil, "x.we.backup.windowsazure.com.", ""},
		{"no cloud", cloud.Cloud{}, []dnsname.Name{blob}, "x.we.backup.windowsazure.com.", ""},
	} {
		set := &Set{Cloud: tc.cloud, Zones: tc.zones}
		if got, err := set.OwnerOf(tc.fqdn); got.Name != tc.wanted || errors.Is(err, ErrOutOfZone) != (tc.wanted == "") {
			t.Errorf("%s: OwnerOf(%q) = %v, %v; want %q", tc.name, tc.fqdn, got, err, tc.wanted)
		}
	}
}

// Both zones of Key Vault claim this public name, and the first one has it.
func TestClaimsDoNotDependOnMapOrder(t *testing.T) {
	set := &Set{Cloud: cloud.Public, Zones: []dnsname.Name{vault, "privatelink.vault.azure.net."}}
	for range 40 {
		b := NewBuilder(set, nil)
		add(t, b, set, "kv.vault.azure.net.", "10.0.0.1")
		if got := b.Snapshot(true, at(1)).Lookup("kv.vault.azure.net."); got.Result != Alias || got.Zone.Name != vault {
			t.Fatalf("Lookup = %v; want an alias in %s", got, vault)
		}
	}
}

func TestCheck(t *testing.T) {
	const keyVault, backup = "privatelink.vault.azure.net.", "privatelink.backup.windowsazure.com."
	const vaultCN, keyVaultCN = "privatelink.vaultcore.azure.cn.", "privatelink.vault.azure.cn."
	for _, tc := range []struct {
		name                                string
		cloud                               cloud.Cloud
		have, zone, other, suffix, unneeded dnsname.Name // no suffix: no error
	}{
		{"no neighbor", cloud.Public, blob, queue, "", "", ""},
		{"the same zone", cloud.Public, blob, blob, "", "", ""},
		{"Backup zone", cloud.Public, blob, backupInW, "", "", ""},
		{"public suffix below a public suffix", cloud.Public, registry, inRegion, "", "", ""},
		{"above the Backup suffix", cloud.Public, blob, "privatelink.windowsazure.com.", "", "", ""},
		{"in a DNS zone", cloud.Public, blob, "privatelink.z7.blob.storage.azure.net.", "", "", ""},
		{"DNS zone endpoints of a zone that is not listed", cloud.Public, blob, "privatelink.queue.storage.azure.net.", "", "", ""},
		{"Backup suffix of a different cloud", cloud.USGov, blob, backup, "", "", ""},
		{"Key Vault twice", cloud.Public, vault, keyVault, vault, "vault.azure.net.", keyVault},
		{"Key Vault twice, in reverse order", cloud.Public, keyVault, vault, keyVault, "vault.azure.net.", keyVault},
		{"China's Key Vault twice", cloud.China, vaultCN, keyVaultCN, vaultCN, "vault.azure.cn.", keyVaultCN},
		{"DNS zone endpoints", cloud.Public, blob, "privatelink.blob.storage.azure.net.", blob, "blob.storage.azure.net.", "privatelink.blob.storage.azure.net."},
		{"Backup suffix", cloud.Public, blob, backup, "privatelink.GEO.backup.windowsazure.com.", "backup.windowsazure.com.", backup},
		{"a zone that is a public suffix", cloud.Public, "privatelink." + blob, blob, "privatelink." + blob, blob, "privatelink." + blob},
	} {
		set, got, want := &Set{Cloud: tc.cloud, Zones: []dnsname.Name{tc.have}}, "", ""
		if err := set.Check(tc.zone); err != nil {
			got = err.Error()
		}
		if tc.suffix != "" {
			needed := tc.zone
			if tc.unneeded == needed {
				needed = tc.other
			}
			want = fmt.Sprintf("%s and %s both claim the names below %s: remove %s, Azure has these names in %s",
				tc.zone, tc.other, tc.suffix, tc.unneeded, needed)
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, want)
		}
	}
}

func TestAliases(t *testing.T) {
	set := newSet()
	b := NewBuilder(set, nil)
	for _, name := range []dnsname.Name{
		"a.blob.core.windows.net.", "a.z7.blob.storage.azure.net.", "a.z12.blob.storage.azure.net.", "kv.vault.azure.net.",
		"weu.azurecr.io.", "x.weu.privatelink.azurecr.io.", "v.we.backup.windowsazure.com.",
	} {
		add(t, b, set, name, "10.0.0.1")
	}
	s := b.Snapshot(true, at(1))
	for _, tc := range []struct{ name, owner, want string }{
		{"public name, DNS zone endpoints by name", "a." + string(blob), "[a.blob.core.windows.net a.z12.blob.storage.azure.net a.z7.blob.storage.azure.net]"},
		{"Key Vault has two", "kv." + string(vault), "[kv.vault.azure.net kv.vaultcore.azure.net]"},
		{"Backup", "v." + string(backupInW), "[v.we.backup.windowsazure.com]"},
		{"the public name is claimed by a longer suffix", "x.weu." + string(registry), "[]"},
		{"the name is the public suffix of a zone", "weu." + string(registry), "[weu.azurecr.io]"},
	} {
		if got := fmt.Sprint(s.Aliases()[s.Lookup(tc.owner).Record]); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.name, got, tc.want)
		}
	}
}

func TestForwardAndSuffix(t *testing.T) {
	set := newSet()
	set.Zones = append(set.Zones, "privatelink.eus.backup.windowsazure.com.")
	s := NewBuilder(set, nil).Snapshot(true, at(1))
	for _, tc := range []struct{ name, fqdn, forward, suffix dnsname.Name }{
		{"vault", "1." + backupInW, "backup.windowsazure.com.", "backup.windowsazure.com."},
		{"vault of a listed zone", "1.privatelink.eus.backup.windowsazure.com.", "backup.windowsazure.com.", "privatelink.eus.backup.windowsazure.com."},
		{"vault without privatelink", "1.eus.backup.windowsazure.com.", "backup.windowsazure.com.", "eus.backup.windowsazure.com."},
		{"account", "a." + blob, "blob.core.windows.net.", blob},
		{"public name", "a.b.blob.core.windows.net.", "blob.core.windows.net.", "blob.core.windows.net."},
		{"DNS zone endpoint", "a.z17.blob.storage.azure.net.", "blob.storage.azure.net.", "blob.storage.azure.net."},
		{"Key Vault", "k.vault.azure.net.", "vault.azure.net.", "vault.azure.net."},
		{"Key Vault, second suffix", "k.vaultcore.azure.net.", "vaultcore.azure.net.", "vaultcore.azure.net."},
		{"Key Vault, record", "k." + vault, "vault.azure.net.", vault},
		{"outside", "www.example.", "", ""},
	} {
		if got := set.Forward(tc.fqdn); got != tc.forward {
			t.Errorf("%s: Forward(%q) = %q; want %q", tc.name, tc.fqdn, got, tc.forward)
		}
		if got := s.Suffix(tc.fqdn); got != tc.suffix {
			t.Errorf("%s: Suffix(%q) = %q; want %q", tc.name, tc.fqdn, got, tc.suffix)
		}
	}
}

// Known zones stay; those that the Corefile does not list any more do not.
func TestKnownZones(t *testing.T) {
	set := &Set{Cloud: cloud.Public, Zones: []dnsname.Name{blob}}
	s := NewBuilder(set, []dnsname.Name{backupInW, queue, "privatelink.ugv.backup.windowsazure.us."}).Snapshot(true, at(1))
	if len(s.Zones) != 2 || s.Zones[blob] == nil || s.Zones[backupInW] == nil {
		t.Errorf("zones %v; want %s and %s", s.Zones, blob, backupInW)
	}
}
