package syncer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// merged is the union of the lists of all sources.
type merged struct {
	builder *zone.Builder
	sources []findings // by list
}

// findings are the facts that a merge finds about one source.
type findings struct {
	first     map[dnsname.Name]*source.Entry // of each record of this source
	origin    uint32                         // of the first entry, see zone.Provenance
	outside   outsiders
	conflicts int
	skipped   map[source.Reason]int
	texts     map[string]Finding // by their text, which the log has
}

// A weight orders the findings of a source in the log, which is bounded: the lower
// ones first.
type weight int

// The weights. Names that should be served and are not come first, and those of
// Azure Backup before the others.
const (
	backup weight = iota
	unserved
	conflicting
	doubtful
	unwanted // probably on purpose
)

func weightOf(s source.Skip) weight {
	switch {
	case s.Reason == source.OtherVNet:
		return unwanted
	case strings.Contains(casefold.Lower(s.Target), "/microsoft.recoveryservices/"):
		return backup
	}
	return unserved
}

// merge unites the lists. If several have a name, the first one wins; within one
// list, all addresses of a name are united. It has no side effects. use, if not
// nil, is called for each entry that is served.
func merge(set *zone.Set, known []dnsname.Name, lists []*source.List, use func(owner dnsname.Name, e source.Entry)) merged {
	m, origin := merged{builder: zone.NewBuilder(set, known)}, uint32(1)
	for _, list := range lists {
		found := findings{first: map[dnsname.Name]*source.Entry{}, skipped: map[source.Reason]int{}, texts: map[string]Finding{}, origin: origin}
		if list != nil {
			found.merge(m.builder, set, list, use)
			origin += uint32(len(list.Entries)) //nolint:gosec // G115: far fewer entries
		}
		m.sources = append(m.sources, found)
	}
	return m
}

func (f *findings) merge(b *zone.Builder, set *zone.Set, list *source.List, use func(owner dnsname.Name, e source.Entry)) {
	f.skipAll(list.Skipped)
	for i := range list.Entries {
		e := &list.Entries[i]
		owner, err := b.OwnerOf(e.FQDN)
		switch {
		case errors.Is(err, zone.ErrOutOfZone):
			f.outside = append(f.outside, e)
		case err != nil:
			f.skip(source.Skip{Endpoint: e.Endpoint.String(), Target: e.Target.String(), Reason: source.BadName, Detail: "with privatelink, " + err.Error()})
		case f.first[owner.Name] == nil && len(b.Addrs(owner)) > 0:
			f.shadowed(b, owner, e)
		default:
			f.serve(b, owner, list, i)
			if use != nil {
				use(owner.Name, *e)
			}
		}
	}
	for i := range list.Conflicts {
		f.contradiction(b, &list.Conflicts[i])
	}
	f.reportOutside(set)
}

// serve adds entry i of the list to the zones.
func (f *findings) serve(b *zone.Builder, owner zone.Owner, list *source.List, i int) {
	e, first := &list.Entries[i], f.first[owner.Name]
	r := b.Add(owner, e.Addrs)
	if first == nil {
		f.first[r.Name] = e
		from := zone.Provenance{Origin: f.origin + uint32(i)} //nolint:gosec // G115: far fewer entries
		if i < len(list.Since) {
			from.Seconds = list.Since[i]
		}
		b.SetProvenance(owner, from)
	} else if first.Endpoint != e.Endpoint && !source.ZoneRepeats(first, e) {
		f.conflict("%s is in two endpoints, the addresses of both are served: %s and %s", owner.Name, first.Endpoint, e.Endpoint)
	}
	f.warn(owner.Name, e)
}

// reportOutside adds one finding for all entries that are in no zone, and one for each
// zone that others misspell: nobody leaves those out on purpose.
func (f *findings) reportOutside(set *zone.Set) {
	if len(f.outside) == 0 {
		return
	}
	f.skipped[source.OutsideZones] = len(f.outside)
	misspelt, others := f.outside.split(set)
	for meant, all := range misspelt {
		f.add(unserved, Finding{Kind: Misspelt, Text: all.finding(", do you mean " + meant + "?"), Skip: all.skip()})
	}
	if len(others) > 0 {
		f.add(unwanted, Finding{Kind: Skipped, Text: others.finding(others.advice(set)), Skip: others.skip()})
	}
}

// sortedTexts returns the findings as lines for the log, the most important first.
func (f *findings) sortedTexts() []string {
	return slices.SortedFunc(maps.Keys(f.texts), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.texts[a].weight, f.texts[b].weight), strings.Compare(a, b))
	})
}

// skipAll adds the skips of a list. Those that vnet excludes on purpose are one
// finding.
func (f *findings) skipAll(all []source.Skip) {
	vnets := map[string]int{}
	for _, s := range all {
		if s.Reason == source.OtherVNet {
			vnets[s.Detail]++
		}
	}
	for _, s := range all {
		if n := vnets[s.Detail]; s.Reason == source.OtherVNet && n > 1 {
			f.skipped[s.Reason]++
			text := fmt.Sprintf("skipped %d endpoints, such as %s: %s", n, firstOf(all, s.Detail), strings.Replace(s.Detail, "it is in", "each is in", 1))
			f.add(unwanted, Finding{Kind: Skipped, Text: text, Skip: s})
			continue
		}
		f.skip(s)
	}
}

func firstOf(all []source.Skip, detail string) string {
	i := slices.IndexFunc(all, func(s source.Skip) bool { return s.Detail == detail })
	return source.Title(all[i].Endpoint, all[i].Target)
}

func (f *findings) skip(s source.Skip) {
	f.skipped[s.Reason]++
	f.add(weightOf(s), Finding{Kind: Skipped, Text: s.String(), Skip: s})
}

func (f *findings) add(w weight, one Finding) {
	one.weight = w
	f.texts[one.Text] = one
}

// conflict adds a conflict of a name, which is the first argument of the format.
func (f *findings) conflict(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	name, _ := args[0].(dnsname.Name)
	if _, known := f.texts[text]; !known {
		f.conflicts++
	}
	f.add(conflicting, Finding{Kind: Contradictory, Text: text, Name: name})
}

// contradiction reports a name for which one endpoint has different addresses, if
// this source has the name.
func (f *findings) contradiction(b *zone.Builder, c *source.Conflict) {
	if owner, err := b.OwnerOf(c.FQDN); err == nil && f.first[owner.Name] != nil {
		f.conflict("%s has different addresses in two descriptions of one endpoint, all of them are served: "+
			"%s of %s: remove the older file", owner.Name, c.Detail, source.Title(c.Endpoint, c.Target))
	}
}

// shadowed handles a name that an earlier source has. That source's addresses
// stay.
func (f *findings) shadowed(b *zone.Builder, owner zone.Owner, e *source.Entry) {
	b.Add(owner, nil) // the form of the name may be a new alias
	if addrs := b.Addrs(owner); slices.ContainsFunc(e.Addrs, func(a netip.Addr) bool { return !slices.Contains(addrs, a) }) {
		f.conflict("%s has other addresses in an earlier source, which are served instead of %v from %s", owner.Name, e.Addrs, e.Endpoint)
	}
}

// transferable is BIND's max-records-per-type.
const transferable = 100

func (f *findings) warn(name dnsname.Name, e *source.Entry) {
	for _, addr := range e.Addrs {
		if !source.IsPrivate(addr) {
			f.doubt(PublicAddress, "%s has the address %s, which is not in a private range; it is served: "+
				"check the private endpoint %s", name, addr, e.Title())
		}
	}
	if len(e.Addrs) > transferable {
		f.doubt(ManyAddresses, "%s has %d addresses: BIND, as a secondary or a forwarder, refuses more than %d for one name", name, len(e.Addrs), transferable)
	}
}

func (f *findings) doubt(kind Kind, format string, args ...any) {
	f.add(doubtful, Finding{Kind: kind, Text: fmt.Sprintf(format, args...)})
}
