package privatelink

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// TestOwnersAreFound loads names into thousands of random zone sets, which have
// real zones and zones of few labels. It asserts that OwnerOf and Lookup follow
// the same rule.
func TestOwnersAreFound(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 5)) //nolint:gosec // G404: a test
	accepted, owned := 0, 0
	for range 4000 {
		w := world{random: random, cloud: []cloud.Cloud{cloud.Public, cloud.Public, cloud.USGov, cloud.China}[random.IntN(4)]}
		corefile := w.corefile()
		cfg, err := parse(caddy.NewTestController("dns", corefile), "")
		if err != nil {
			continue
		}
		accepted++
		noTwoClaims(t, &cfg.zones)
		names := w.names(cfg.zones.Zones)
		owned += ownersAreFound(t, &cfg.zones, names)
		if t.Failed() {
			t.Fatalf("the first failure is in\n%s", corefile)
		}
	}
	if accepted < 1000 || owned < 15_000 {
		t.Errorf("%d sets are accepted and %d names have an owner; want 1000 and 15000", accepted, owned)
	}
}

// noTwoClaims asserts that no two zones of an accepted set claim the same suffix.
func noTwoClaims(t *testing.T, set *zone.Set) {
	t.Helper()
	for i, name := range set.Zones {
		others := *set
		others.Zones = slices.Delete(slices.Clone(set.Zones), i, i+1)
		if err := others.Check(name); err != nil {
			t.Errorf("accepted: %v", err)
		}
	}
}

// ownersAreFound asserts that Lookup finds each name with an owner under all of its
// aliases, and no name without an owner. It returns the number of names with an
// owner.
func ownersAreFound(t *testing.T, set *zone.Set, names []dnsname.Name) (owned int) {
	t.Helper()
	snapshot, rebuilt := load(t, set, names), load(t, set, names)
	aliases := snapshot.Aliases()
	for _, name := range names {
		m := snapshot.Lookup(string(name))
		if same := rebuilt.Lookup(string(name)); m.Result != same.Result || owner(m) != owner(same) {
			t.Errorf("Lookup(%q) = %v; after a rebuild %v", name, m, same)
		}
		p, err := set.OwnerOf(name)
		if now, nowErr := snapshot.OwnerOf(name); now != p || fmt.Sprint(nowErr) != fmt.Sprint(err) {
			t.Errorf("OwnerOf(%q) = %v, %v; in the snapshot %v, %v", name, p, err, now, nowErr)
		}
		if err != nil {
			outOfZone(t, snapshot, name, err)
			continue
		}
		owned++
		found(t, snapshot, name, p)
		for _, alias := range aliases[snapshot.Lookup(string(p.Name)).Record] {
			if m := snapshot.Lookup(string(alias)); m.Result != zone.Alias || owner(m) != p.Name {
				t.Errorf("%q: Lookup(%q) = %v; want an alias of %q", name, alias, m, p.Name)
			}
		}
		if rest, ok := strings.CutPrefix(string(name), "*."); ok {
			synthesized(t, snapshot, "q."+rest, p)
		}
	}
	return owned
}

// load returns a snapshot of the names that have an owner.
func load(t *testing.T, set *zone.Set, names []dnsname.Name) *zone.Snapshot {
	t.Helper()
	b := zone.NewBuilder(set, nil)
	for _, name := range names {
		if p, err := b.OwnerOf(name); err == nil {
			b.Add(p, []netip.Addr{netip.MustParseAddr("10.0.0.1")})
		}
	}
	return b.Snapshot(true, func(*zone.Zone) uint32 { return 1 })
}

// found asserts that the record of the owner has the name and its owner name.
func found(t *testing.T, s *zone.Snapshot, name dnsname.Name, p zone.Owner) {
	t.Helper()
	if m := s.Lookup(string(name)); m.Result != zone.Success && m.Result != zone.Alias || owner(m) != p.Name {
		t.Errorf("Lookup(%q) = %v; want the record of %v", name, m, p)
	}
	if m := s.Lookup(string(p.Name)); m.Result != zone.Success || m.Zone.Name != p.Zone || owner(m) != p.Name {
		t.Errorf("%q: Lookup(%q) = %v; want it in %s", name, p.Name, m, p.Zone)
	}
}

// synthesized asserts that a name below a wildcard has its record.
func synthesized(t *testing.T, s *zone.Snapshot, name string, wildcard zone.Owner) {
	t.Helper()
	m, target := s.Lookup(name), name
	if m.Result == zone.Alias {
		target = m.Target(name)
	}
	if again := s.Lookup(target); owner(m) != wildcard.Name || again.Result != zone.Success || again.Record != m.Record {
		t.Errorf("Lookup(%q) = %v, Lookup(%q) = %v; want the record of %v", name, m, target, again, wildcard)
	}
}

// outOfZone asserts that a name without an owner has no record.
func outOfZone(t *testing.T, s *zone.Snapshot, name dnsname.Name, err error) {
	t.Helper()
	m := s.Lookup(string(name))
	apex := m.Result == zone.Success && m.Record == nil && m.Zone.Name == name
	if !errors.Is(err, zone.ErrOutOfZone) || m.Result != zone.OutOfZone && !apex {
		t.Errorf("Lookup(%q) = %v; it has no owner: %v", name, m, err)
	}
}

func owner(m zone.Answer) dnsname.Name {
	if m.Record == nil {
		return ""
	}
	return m.Record.Name
}

// A world makes Corefiles and names that are likely to collide.
type world struct {
	random *rand.Rand
	cloud  cloud.Cloud
}

var (
	realSuffixes = []string{
		"file.core.windows.net", "table.core.windows.net", "core.windows.net", "windows.net", "vaultcore.azure.net", "vault.azure.net", "azure.net",
		"vaultcore.azure.cn", "vault.azure.cn", "azurecr.io", "weu.azurecr.io", "data.azurecr.io", "siterecovery.windowsazure.com", "windowsazure.com",
		"backup.windowsazure.com", "we.backup.windowsazure.com", "a.we.backup.windowsazure.com", "backup.windowsazure.us", "ugv.backup.windowsazure.us",
		"backup.windowsazure.cn", "windowsazure.cn", "blob.storage.azure.net", "file.storage.azure.net", "storage.azure.net",
		"web.core.windows.net", "web.storage.azure.net", "kusto.windows.net",
		"westeurope.kusto.windows.net", "azurestaticapps.net", "3.azurestaticapps.net", "purview.azure.com", "web.purview.azure.com", "purviewstudio.azure.com",
		"azure.com", "management.azure.com", "privatelink-global.wvd.microsoft.com", "wvd.microsoft.com", "rdweb.wvd.microsoft.com", "z7.blob.storage.azure.net",
		"database.windows.net", "abc.database.windows.net", "privatelink.azurecr.io", "blob.core.usgovcloudapi.net",
	}
	realLabels = []string{"a", "b", "z7", "z", "we", "eus", "privatelink", "blob", "file", "backup", "x.y", "data"}
)

func (w *world) one(of []string) string { return of[w.random.IntN(len(of))] }

// suffix returns the name of a zone without its first label.
func (w *world) suffix() string {
	if w.random.IntN(3) > 0 {
		return w.one(realSuffixes)
	}
	labels := make([]string, 2+w.random.IntN(3))
	for i := range labels {
		labels[i] = w.one([]string{"a", "b", "privatelink"})
	}
	return strings.Join(labels, ".")
}

func (w *world) corefile() string {
	var zones []string
	for range w.random.IntN(5) {
		zones = append(zones, cloud.Prefix+w.suffix())
	}
	if w.random.IntN(100) == 0 {
		zones = []string{allZones, cloud.Prefix + w.suffix()}
	}
	geo := ""
	if w.random.IntN(2) > 0 {
		geo = map[string]string{"public": "geo we\n", "usgov": "geo ugv\n", "china": "geo bjb\n"}[w.cloud.Name]
	}
	return fmt.Sprintf("privatelink %s {\n%scloud %s\nfiles /a\n}", strings.Join(zones, " "), geo, w.cloud.Name)
}

// names returns names that a source may have, including the names of the zones.
func (w *world) names(zones []dnsname.Name) (names []dnsname.Name) {
	suffixes := append(slices.Clone(realSuffixes), string(w.cloud.Blob), string(w.cloud.Queue), string(w.cloud.Backup))
	for _, name := range zones {
		suffixes = append(suffixes, string(name), strings.TrimPrefix(string(name), cloud.Prefix))
	}
	for range 60 {
		text := w.one(suffixes)
		for range w.random.IntN(4) {
			text = w.one(realLabels) + "." + text
		}
		if w.random.IntN(8) == 0 {
			text = "*." + text
		}
		if name, err := dnsname.ParseOwner(text); err == nil {
			names = append(names, name)
		}
	}
	return names
}
