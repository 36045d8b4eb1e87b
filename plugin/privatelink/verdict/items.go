package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// An Item is an endpoint, or a name of it, that is not served. Items that are probably
// not served on purpose are one for many.
type Item struct {
	Title     string       `json:"item"`
	Kind      Kind         `json:"kind"`
	Text      string       `json:"reason"`
	Remedy    string       `json:"remedy,omitempty"`
	Since     time.Time    `json:"since,omitzero"` // when this process found it first
	Name      dnsname.Name `json:"name,omitempty"` // the first one, if names are known
	Endpoint  string       `json:"endpoint,omitempty"`
	Target    string       `json:"target,omitempty"`
	Source    string       `json:"source"`
	OnPurpose bool         `json:"on_purpose,omitempty"` // another virtual network, or another service
}

// items returns everything that is not served, the most important first.
func (s *surveyor) items() (all []Item) {
	known := map[Item]bool{}
	for i := range s.Lists {
		l := &s.Lists[i]
		if l.List == nil {
			continue
		}
		for _, item := range append(s.skipped(l), s.outside(l)...) {
			key := item
			key.Since = time.Time{}
			if !known[key] {
				known[key] = true
				all = append(all, item)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Item) int {
		return cmp.Or(weight(&a)-weight(&b), strings.Compare(a.Title, b.Title))
	})
	return all
}

// weight orders the items: vaults, other resources, and those that are not served on
// purpose.
func weight(i *Item) int {
	switch {
	case i.OnPurpose:
		return 2
	case isVault(i.Target):
		return 0
	}
	return 1
}

// skipped returns the endpoints of a list that are skipped. Those in other virtual
// networks are one item for each network.
func (s *surveyor) skipped(l *List) (all []Item) {
	networks := map[string]int{} // the index of the item
	count := map[string]int{}
	for _, skip := range l.Skipped {
		item := Item{
			Title: source.Title(skip.Endpoint, skip.Target), Kind: cmp.Or(kindOf[skip.Reason], Invalid), Text: TextOf(skip), Remedy: RemedyOf(skip),
			Endpoint: skip.Endpoint, Target: skip.Target, Source: l.Source, Since: s.Found[skip],
		}
		if skip.Reason == source.OtherVNet {
			item.OnPurpose = true
			count[skip.Detail]++
			if i, ok := networks[skip.Detail]; ok {
				all[i].Title = fmt.Sprintf("%d endpoints, such as %s", count[skip.Detail], source.Title(all[i].Endpoint, all[i].Target))
				all[i].Text = strings.Replace(TextOf(skip), "it is in", "each is in", 1)
				continue
			}
			networks[skip.Detail] = len(all)
		}
		all = append(all, item)
	}
	return all
}

// maxOutside bounds the items of names outside of the zones.
const maxOutside = 20

// outside returns an item for each zone that names of the list need.
func (s *surveyor) outside(l *List) (all []Item) {
	byRemedy, count := map[string]int{}, map[string]int{}
	for i := range l.Entries {
		e := &l.Entries[i]
		if s.Snapshot.Suffix(e.FQDN) != "" {
			continue
		}
		remedy := strings.TrimPrefix(s.Zones.HintFor(e.FQDN).String(), ": ")
		count[remedy]++
		if i, ok := byRemedy[remedy]; ok {
			all[i].Title = fmt.Sprintf("%d names, such as %s", count[remedy], all[i].Name)
			continue
		}
		if len(all) == maxOutside {
			continue
		}
		byRemedy[remedy] = len(all)
		all = append(all, Item{
			Title: e.FQDN.String(), Kind: OutsideZones, Text: "in none of the zones",
			Remedy: cmp.Or(strings.TrimLeft(s.Zones.Advice(e.FQDN), ":, "), RemedyOf(source.Skip{Reason: source.OutsideZones})),
			Name:   e.FQDN, Source: l.Source, OnPurpose: true,
		})
	}
	return all
}
