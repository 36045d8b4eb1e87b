package syncer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// maxZones bounds the zones of one line.
const maxZones = 5

// outsiders are the entries of a source that are in none of the zones. All of them
// are one finding, because a subscription may be full of endpoints of services that
// this server is not for.
type outsiders []*source.Entry

// maxMeant bounds the zones that are compared with those of Microsoft's table.
const maxMeant = 100

// split returns the entries of which Microsoft's table has a similar zone, by that zone,
// and the others.
func (o outsiders) split(set *zone.Set) (misspelt map[string]outsiders, others outsiders) {
	misspelt, meant := map[string]outsiders{}, map[string]string{}
	for _, e := range o {
		zone := set.HintFor(e.FQDN).Zone
		best, known := meant[zone]
		if !known && len(meant) < maxMeant {
			best = set.Meant(zone)
			meant[zone] = best
		}
		if best == "" {
			others = append(others, e)
			continue
		}
		misspelt[best] = append(misspelt[best], e)
	}
	return misspelt, others
}

// finding returns the line for the log. It ends with the advice.
func (o outsiders) finding(advice string) string {
	first := o[0]
	if len(o) == 1 {
		return fmt.Sprintf("skipped %s: %s is in none of the zones%s", first.Title(), first.FQDN, advice)
	}
	endpoints := map[string]bool{}
	for _, e := range o {
		endpoints[casefold.Lower(e.Endpoint.String())] = true
	}
	of := "of one endpoint"
	if len(endpoints) > 1 {
		of = fmt.Sprintf("of %d endpoints", len(endpoints))
	}
	return fmt.Sprintf("skipped %d names %s, which are in none of the zones, such as %s%s", len(o), of, first.FQDN, advice)
}

// advice names the missing part of the Corefile: the zones to add, the one with the most
// names first, or the cloud to set.
func (o outsiders) advice(set *zone.Set) string {
	zones, clouds := map[string]int{}, map[string]int{}
	for _, e := range o {
		hint := set.HintFor(e.FQDN)
		if hint.Zone != "" {
			zones[hint.Zone]++
		}
		if hint.Cloud != "" {
			clouds[hint.Cloud]++
		}
	}
	var all []string
	for _, name := range byCount(clouds) {
		all = append(all, fmt.Sprintf("set cloud %s, because these are names of that cloud", name))
	}
	if names := byCount(zones); len(names) > 0 {
		more, or := "", ""
		if n := len(names) - maxZones; n > 0 {
			names, more, or = names[:maxZones], fmt.Sprintf(" and %d more zones", n), ", or the word all"
		}
		all = append(all, "to serve them, add "+strings.Join(names, " ")+more+" to the zones of privatelink"+or)
	}
	if len(all) == 0 {
		return ""
	}
	return ": " + strings.Join(all, "; ")
}

// skip is that of the first entry.
func (o outsiders) skip() source.Skip {
	return source.Skip{Endpoint: o[0].Endpoint.String(), Target: o[0].Target.String(), Reason: source.OutsideZones}
}

func byCount(counts map[string]int) (names []string) {
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	return names
}
