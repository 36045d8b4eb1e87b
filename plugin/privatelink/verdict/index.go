package verdict

import (
	"iter"
	"maps"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// An index finds the names that a source has and that are not served, by their public
// form. Its size is that of the endpoints that are not served.
type index struct {
	withheld map[dnsname.Name]withheld
	outside  map[dnsname.Name]outsider
	vault    *withheld // an endpoint of a Recovery Services vault whose names are unknown
}

// A withheld is a skip with the list that has it.
type withheld struct {
	source.Skip
	list *List
}

// An outsider is an entry outside of the zones with the list that has it.
type outsider struct {
	*source.Entry
	list *List
}

// notServed returns the index. The first call builds it.
func (b *Book) notServed() *index {
	b.once.Do(func() {
		b.index = index{withheld: map[dnsname.Name]withheld{}, outside: map[dnsname.Name]outsider{}}
		for i := range b.Lists {
			if l := &b.Lists[i]; l.List != nil {
				b.index.addSkips(b.Zones.Cloud, l)
				b.index.addOutsiders(l)
			}
		}
	})
	return &b.index
}

// Withheld yields the public forms of the names that a source has and that are not served.
func (b *Book) Withheld() iter.Seq[dnsname.Name] { return maps.Keys(b.notServed().withheld) }

func (x *index) addOutsiders(l *List) {
	for _, e := range l.Outside {
		name := zone.Canonical(e.FQDN)
		if _, taken := x.outside[name]; !taken {
			x.outside[name] = outsider{e, l}
		}
	}
}

func (x *index) addSkips(c cloud.Cloud, l *List) {
	valid := map[source.Skip]bool{} // a source may drop a skip and leave the names
	for _, skip := range l.Skipped {
		valid[skip] = true
		if name, err := dnsname.ParseOwner(before(skip.Detail)); err == nil && skip.Reason == source.BadAddress {
			x.add(name, withheld{skip, l})
		}
	}
	for i := range l.Withheld {
		w := &l.Withheld[i]
		if !valid[w.Skip] {
			continue
		}
		for _, name := range w.Names {
			x.add(name, withheld{w.Skip, l})
		}
		for _, name := range namesOf(c, w) {
			x.add(name, withheld{w.Skip, l})
		}
		if len(w.Names) == 0 && isVault(w.Target) && (x.vault == nil || rank(w.Reason) < rank(x.vault.Reason)) {
			x.vault = &withheld{w.Skip, l}
		}
	}
}

// before returns the text before the first colon: the detail of a bad address begins
// with its name.
func before(detail string) string {
	name, _, _ := strings.Cut(detail, ":")
	return name
}

// add keeps the reason that an administrator most likely wants to change.
func (x *index) add(name dnsname.Name, w withheld) {
	name = zone.Canonical(name)
	if have, taken := x.withheld[name]; !taken || rank(w.Reason) < rank(have.Reason) {
		x.withheld[name] = w
	}
}

// rank orders the reasons of several endpoints with one name: OtherVNet is last,
// because it is on purpose.
func rank(r source.Reason) int {
	if r == source.OtherVNet {
		return 1
	}
	return 0
}

func isVault(target string) bool {
	return strings.Contains(casefold.Lower(target), "/microsoft.recoveryservices/vaults/")
}

// services has the public zone of the one name of a resource, by the ID of its group.
var services = map[string]string{
	"vault": "vault.azure.net.", "sqlserver": "database.windows.net.", "registry": "azurecr.io.", "sites": "azurewebsites.net.",
	"configurationstores": "azconfig.io.", "namespace": "servicebus.windows.net.", "searchservice": "search.windows.net.",
}

// namesOf returns the public names that follow from the target of an endpoint and from
// its groups. The names of a vault of Azure Backup do not follow from its resource ID.
func namesOf(c cloud.Cloud, w *source.Withheld) (names []dnsname.Name) {
	name := casefold.Lower(w.Target[strings.LastIndexByte(w.Target, '/')+1:])
	if name == "" {
		return nil
	}
	for _, group := range strings.Fields(casefold.Lower(w.Groups)) {
		account, service := name, group
		if primary, ok := strings.CutSuffix(group, "_secondary"); ok {
			account, service = name+"-secondary", primary
		}
		parent := services[service]
		if strings.Contains(casefold.Lower(w.Target), "/storageaccounts/") {
			parent = service + strings.TrimPrefix(string(c.Blob), "blob")
		}
		if one, err := dnsname.Parse(account + "." + parent); err == nil && parent != "" {
			names = append(names, one)
		}
	}
	return names
}
