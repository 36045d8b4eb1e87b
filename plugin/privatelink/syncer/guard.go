package syncer

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

const (
	sudden   = 10 // names: the loss of a smaller source is not reported
	agreeing = 3  // complete lists, an interval apart, that must lack a name
)

// A guard decides which names of a source may go. Every list passes through it,
// because each protection that covered one path of several had a way around it.
//
//   - An incomplete list adds and changes names. It removes none: a name that it
//     lacks may be in the part that is missing.
//   - The names of an unread endpoint stay, and so do those of a subscription or a
//     resource group whose endpoints could not be listed.
//   - A name goes when three complete lists, an interval apart, have lacked it. It
//     may be moving from one file or source to another, its file may be half
//     written, or a permission may have been taken away by mistake. If more than
//     half of ten or more names are missing, they are reported.
//
// Additions and changes always apply at once. The alternative, to refuse a list
// with a sudden loss as a whole, would refuse the new names in it.
//
// Time counts, not the number of lists: a reload, or two server blocks with one
// source, must not make three lists out of one. Names are compared without the label
// privatelink, because a source may change the form of a name.
//
// The zero value has served nothing.
type guard struct {
	interval time.Duration // between two fetches

	served *source.List // the list to serve; nil before the first one
	loaded bool         // a list was complete once, now or in the run before a restart

	latest *source.List // the list that served was made from
	kept   int          // entries of served that latest lacks

	missing map[dnsname.Name]*absence // names that are served although complete lists lack them
	lost    bool                      // they are more than half of ten or more names
}

// An absence is how long a name has been missing.
type absence struct {
	since time.Time
	lists int // complete lists that lack it
}

// restore adds the names of a state file that the served list lacks. The lists that
// follow decide whether they may go.
func (g *guard) restore(last state.Source) {
	list := &source.List{Entries: last.Entries, Since: last.Since, Parts: last.Parts, Complete: true}
	if g.served != nil {
		list = join(g.served, missingFrom(namesOf(g.served.Entries), list.Entries))
		list.Parts = union(last.Parts, g.served.Parts)
	}
	g.served, g.loaded, g.latest = list, g.loaded || !last.Partial, nil
}

// admit makes served the list to serve from now on.
func (g *guard) admit(list *source.List, now time.Time) {
	if list == nil || list == g.latest && g.kept == 0 {
		return
	}
	kept := g.keep(list, now)
	g.loaded = g.loaded || list.Complete
	if list == g.latest && len(kept) == g.kept {
		return // the same entries again: the same pointer, so that nothing is built
	}
	next := join(list, kept)
	if !list.Complete && g.served != nil {
		next.Parts = union(g.served.Parts, list.Parts)
	}
	if g.latest == nil && g.served != nil { // of a state file, which may not be published yet
		next.Since = sinceIn(g.served, next.Entries)
	}
	g.latest, g.kept, g.served = list, len(kept), next
}

// keep returns the served entries that stay although the list lacks them.
func (g *guard) keep(list *source.List, now time.Time) (kept []source.Entry) {
	if g.served == nil {
		return nil
	}
	names := namesOf(list.Entries)
	maps.DeleteFunc(g.missing, func(name dnsname.Name, _ *absence) bool { return names[name] })
	missing := missingFrom(names, g.served.Entries)
	if !list.Complete {
		return missing
	}
	unread := unreadOf(list)
	var read, unlisted []source.Entry
	for _, e := range missing {
		switch id := casefold.Lower(e.Endpoint.String()); {
		case unread[id]: // all its entries are kept, below
		case isWithin(id, list.Unread):
			unlisted = append(unlisted, e)
		default:
			read = append(read, e)
		}
	}
	held := g.hold(namesOf(read), now)
	kept = slices.DeleteFunc(read, func(e source.Entry) bool { return !held[zone.Canonical(e.FQDN)] })
	for _, e := range g.served.Entries {
		if len(unread) > 0 && unread[casefold.Lower(e.Endpoint.String())] {
			kept = append(kept, e)
		}
	}
	return append(kept, unlisted...)
}

// isWithin reports whether an endpoint is in one of the subscriptions or resource groups.
func isWithin(endpoint string, scopes []string) bool {
	return slices.ContainsFunc(scopes, func(scope string) bool { return strings.HasPrefix(endpoint, scope+"/") })
}

// held returns the number of names of a sudden loss that are still served.
func (g *guard) held() int {
	if !g.lost {
		return 0
	}
	return len(g.missing)
}

// hold returns the missing names that stay. All others are gone from now on.
func (g *guard) hold(missing map[dnsname.Name]bool, now time.Time) map[dnsname.Name]bool {
	held := map[dnsname.Name]bool{}
	for name := range missing {
		if g.agreed(name, now) {
			delete(g.missing, name)
		} else {
			held[name] = true
		}
	}
	served := len(namesOf(g.served.Entries))
	g.lost = len(held) > 0 && (g.lost || served >= sudden && 2*len(held) > served)
	return held
}

// agreed counts one more complete list that lacks the name. It reports whether they
// are enough and far enough apart.
func (g *guard) agreed(name dnsname.Name, now time.Time) bool {
	a := g.missing[name]
	if a == nil {
		a = &absence{since: now}
		if g.missing == nil {
			g.missing = map[dnsname.Name]*absence{}
		}
		g.missing[name] = a
	}
	a.lists++
	// Two fetches are at least nine tenths of an interval apart.
	return a.lists >= agreeing && now.Sub(a.since) >= (agreeing-1)*g.interval*9/10
}

// join returns the list with more entries behind its own.
func join(list *source.List, more []source.Entry) *source.List {
	all := *list
	if len(more) > 0 {
		all.Entries = slices.Concat(list.Entries, more)
	}
	return &all
}

// sinceIn returns since when the list has the entries, where it knows that.
func sinceIn(list *source.List, entries []source.Entry) []uint32 {
	known := map[dnsname.Name]uint32{}
	for i, since := range list.Since {
		known[zone.Canonical(list.Entries[i].FQDN)] = since
	}
	all := make([]uint32, len(entries))
	for i := range entries {
		all[i] = known[zone.Canonical(entries[i].FQDN)]
	}
	return all
}

// namesOf returns the canonical names of the entries.
func namesOf(entries []source.Entry) map[dnsname.Name]bool {
	names := make(map[dnsname.Name]bool, len(entries))
	for _, e := range entries {
		names[zone.Canonical(e.FQDN)] = true
	}
	return names
}

// missingFrom returns the entries whose names are not among names.
func missingFrom(names map[dnsname.Name]bool, entries []source.Entry) (missing []source.Entry) {
	for _, e := range entries {
		if !names[zone.Canonical(e.FQDN)] {
			missing = append(missing, e)
		}
	}
	return missing
}

// unreadOf returns the endpoints that the list could not read and has no entry of.
func unreadOf(list *source.List) map[string]bool {
	if len(list.Unread) == 0 {
		return nil
	}
	unread := map[string]bool{}
	for _, id := range list.Unread {
		unread[id] = true
	}
	for _, e := range list.Entries {
		delete(unread, casefold.Lower(e.Endpoint.String()))
	}
	return unread
}

func union(a, b map[string]int) map[string]int {
	if len(a) == 0 {
		return b
	}
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
