package syncer

import (
	"maps"
	"slices"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
)

const (
	guarded        = 10 // names: the loss of a smaller source is never sudden
	agreeing       = 2  // complete lists, an interval apart, that must lack a name
	agreeingSudden = 3  // the same for a name of a sudden loss
)

// A guard decides which names of a source may go. Every list passes through it,
// because each protection that covered one path of several had a way around it.
//
//   - An incomplete list adds and changes names. It removes none: a name that it
//     lacks may be in the part that is missing.
//   - The names of an unread endpoint stay.
//   - A name goes when two complete lists, an interval apart, have lacked it: it may
//     be moving from one file to another, or its file may be half written.
//   - If more than half of ten or more names are missing, the likely cause is a
//     permission that was taken away or a filter that is too narrow. Each name then
//     stays until three complete lists have lacked it, and is reported.
//
// Additions and changes always apply at once. The alternative, to refuse a list
// with a sudden loss as a whole, would refuse the new names in it.
//
// Time counts, not the number of lists: a reload, or two server blocks with one
// source, must not make three lists out of one. The zero value has served nothing.
type guard struct {
	interval time.Duration // between two fetches

	served *source.List // the list to serve; nil before the first one
	loaded bool         // a list was complete once, now or in the run before a restart

	latest *source.List // the list that served was made from
	kept   int          // entries of served that latest lacks

	missing map[dnsname.Name]*absence  // names that are served although complete lists lack them
	gone    map[dnsname.Name]time.Time // names removed within the last two intervals
}

// An absence is how long a name has been missing.
type absence struct {
	since  time.Time
	lists  int  // complete lists that lack it
	sudden bool // it was among a sudden loss
}

// restore begins with the last good list of a state file. It reports false if a
// complete list was faster.
func (g *guard) restore(last state.Source) bool {
	if g.loaded {
		return false
	}
	list := &source.List{Entries: last.Entries, Parts: last.Parts, Complete: true}
	if g.served != nil {
		list = join(g.served, missingFrom(namesOf(g.served.Entries), list.Entries))
		list.Parts = union(last.Parts, g.served.Parts)
	}
	g.served, g.loaded, g.latest = list, true, nil
	return true
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
	g.latest, g.kept, g.served = list, len(kept), next
}

// keep returns the served entries that stay although the list lacks them.
func (g *guard) keep(list *source.List, now time.Time) (kept []source.Entry) {
	if g.served == nil {
		return nil
	}
	names := namesOf(list.Entries)
	maps.DeleteFunc(g.missing, func(name dnsname.Name, _ *absence) bool { return names[name] })
	lost := missingFrom(names, g.served.Entries)
	if !list.Complete {
		return lost
	}
	unread := unreadOf(list)
	kept = slices.DeleteFunc(lost, func(e source.Entry) bool { return unread[casefold.Lower(e.Endpoint)] })
	held := g.hold(namesOf(kept), names, now)
	kept = slices.DeleteFunc(kept, func(e source.Entry) bool { return !held[e.FQDN] })
	for _, e := range g.served.Entries {
		if len(unread) > 0 && unread[casefold.Lower(e.Endpoint)] {
			kept = append(kept, e)
		}
	}
	return kept
}

// held returns the number of names of a sudden loss that are still served.
func (g *guard) held() (n int) {
	for _, a := range g.missing {
		if a.sudden {
			n++
		}
	}
	return n
}

// hold returns the lost names that stay. All others are gone from now on.
func (g *guard) hold(lost, names map[dnsname.Name]bool, now time.Time) map[dnsname.Name]bool {
	if len(lost) == 0 {
		return nil
	}
	maps.DeleteFunc(g.gone, func(name dnsname.Name, at time.Time) bool {
		return names[name] || now.Sub(at) > 2*g.interval
	})
	before := len(namesOf(g.served.Entries)) + len(g.gone)
	sudden := before >= guarded && 2*(len(lost)+len(g.gone)) > before
	held := map[dnsname.Name]bool{}
	for name := range lost {
		if !g.agreed(name, sudden, now) {
			held[name] = true
			continue
		}
		delete(g.missing, name)
		if g.gone == nil {
			g.gone = map[dnsname.Name]time.Time{}
		}
		g.gone[name] = now
	}
	return held
}

// agreed counts one more complete list that lacks the name, and reports whether
// they are enough and far enough apart.
func (g *guard) agreed(name dnsname.Name, sudden bool, now time.Time) bool {
	a := g.missing[name]
	if a == nil {
		a = &absence{since: now}
		if g.missing == nil {
			g.missing = map[dnsname.Name]*absence{}
		}
		g.missing[name] = a
	}
	a.lists++
	a.sudden = a.sudden || sudden
	enough := agreeing
	if a.sudden {
		enough = agreeingSudden
	}
	// Two fetches are a tenth less than an interval apart at least.
	return a.lists >= enough && now.Sub(a.since) >= time.Duration(enough-1)*g.interval*9/10
}

// join returns the list with more entries behind its own.
func join(list *source.List, more []source.Entry) *source.List {
	all := *list
	if len(more) > 0 {
		all.Entries = slices.Concat(list.Entries, more)
	}
	return &all
}

func namesOf(entries []source.Entry) map[dnsname.Name]bool {
	names := make(map[dnsname.Name]bool, len(entries))
	for _, e := range entries {
		names[e.FQDN] = true
	}
	return names
}

// missingFrom returns the entries whose names are not among names.
func missingFrom(names map[dnsname.Name]bool, entries []source.Entry) (missing []source.Entry) {
	for _, e := range entries {
		if !names[e.FQDN] {
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
		delete(unread, casefold.Lower(e.Endpoint))
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
