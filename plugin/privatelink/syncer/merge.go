package syncer

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

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
	conflicts int
	skipped   map[source.Reason]int
	texts     map[string]Finding // by their text, which the log has
}

// merge unites the lists. If several have a name, the first one wins; within one
// list, all addresses of a name are united. It has no side effects. use, if not
// nil, is called for each entry that is served.
func merge(set *zone.Set, known []dnsname.Name, lists []*source.List, use func(owner dnsname.Name, e source.Entry)) merged {
	m := merged{builder: zone.NewBuilder(set, known)}
	for _, list := range lists {
		found := findings{first: map[dnsname.Name]*source.Entry{}, skipped: map[source.Reason]int{}, texts: map[string]Finding{}}
		if list != nil {
			found.merge(m.builder, list, use)
		}
		m.sources = append(m.sources, found)
	}
	return m
}

func (f *findings) merge(b *zone.Builder, list *source.List, use func(owner dnsname.Name, e source.Entry)) {
	for _, skip := range list.Skipped {
		f.skip(skip)
	}
	for i := range list.Entries {
		e := &list.Entries[i]
		owner, err := b.OwnerOf(e.FQDN)
		if err != nil {
			f.skip(unplaced(e, err))
			continue
		}
		first := f.first[owner.Name]
		if first == nil && len(b.Addrs(owner)) > 0 {
			f.shadowed(b, owner, e)
			continue
		}
		if first == nil {
			f.first[owner.Name] = e
		} else if first.Endpoint != e.Endpoint {
			f.conflict("%s is in two endpoints, the addresses of both are served: %s and %s", owner.Name, first.Endpoint, e.Endpoint)
		}
		b.Add(owner, e.Addrs)
		f.warn(owner.Name, e)
		if use != nil {
			use(owner.Name, *e)
		}
	}
	for i := range list.Conflicts {
		f.contradiction(b, &list.Conflicts[i])
	}
}

// sortedTexts returns the findings as lines for the log.
func (f *findings) sortedTexts() []string { return slices.Sorted(maps.Keys(f.texts)) }

func unplaced(e *source.Entry, err error) source.Skip {
	if errors.Is(err, zone.ErrOutOfZone) {
		return source.Skip{Endpoint: e.Endpoint, Target: e.Target, Reason: source.OutsideZones, Detail: fmt.Sprintf("%s %v", e.FQDN, err)}
	}
	return source.Skip{Endpoint: e.Endpoint, Target: e.Target, Reason: source.BadName, Detail: "with privatelink, " + err.Error()}
}

func (f *findings) skip(s source.Skip) {
	f.skipped[s.Reason]++
	f.texts[s.String()] = Finding{Kind: Skipped, Text: s.String(), Skip: s}
}

func (f *findings) add(kind Kind, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	f.texts[text] = Finding{Kind: kind, Text: text}
}

func (f *findings) conflict(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if _, known := f.texts[text]; !known {
		f.conflicts++
	}
	f.texts[text] = Finding{Kind: Contradictory, Text: text}
}

// contradiction reports a name for which one endpoint has different addresses, if
// this source has the name.
func (f *findings) contradiction(b *zone.Builder, c *source.Conflict) {
	if owner, err := b.OwnerOf(c.FQDN); err == nil && f.first[owner.Name] != nil {
		f.conflict("%s has different addresses in two descriptions of one endpoint, all of them are served: %s of %s: remove the older file", owner.Name, c.Detail, source.Title(c.Endpoint, c.Target))
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

// carrierGrade is shared address space (RFC 6598), which some use as private.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// transferable is BIND's max-records-per-type.
const transferable = 100

func (f *findings) warn(name dnsname.Name, e *source.Entry) {
	for _, addr := range e.Addrs {
		if !addr.IsPrivate() && !carrierGrade.Contains(addr) {
			f.add(PublicAddress, "%s has the address %s, which is not in a private range; it is served: check the private endpoint %s", name, addr, source.Title(e.Endpoint, e.Target))
		}
	}
	if len(e.Addrs) > transferable {
		f.add(ManyAddresses, "%s has %d addresses: BIND, as a secondary or a forwarder, refuses more than %d for one name", name, len(e.Addrs), transferable)
	}
}
