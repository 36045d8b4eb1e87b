package azure

import (
	"slices"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// Rereads are the budgets of requests for zone groups of endpoints whose text has not
// changed since the last one.
type rereads struct {
	nameless budget // of endpoints without a zone group: those of other people's services never have one
	named    budget // of endpoints of several subscriptions
}

const (
	// namelessAgain is the shortest time after which an endpoint without a zone group
	// is read again. Azure changes the endpoint when it attaches one.
	namelessAgain = 10 * time.Minute

	// namelessEvery and namedEvery are the times for one read: 120 and 240 an hour.
	namelessEvery = 30 * time.Second
	namedEvery    = 15 * time.Second
)

// due returns the members whose zone groups are to be read: those that are new, have
// changed or failed, or lack a name that they had; those with names, because a zone group
// may change without its endpoint; and in turn a few of those without.
func (s *Source) due(all []*member, now time.Time) (due []*member) {
	if s.reread.nameless.every == 0 {
		s.reread = rereads{budget{namelessEvery, 20, now}, budget{namedEvery, 40, now}}
	}
	var nameless, named []*member
	for _, m := range all {
		mark := s.mark(m.id)
		switch {
		case m.asked.IsZero() || m.err != nil || m.lacks || mark != 0 && mark != m.mark:
			due = append(due, m)
		case m.hasNames() && !s.several():
			due = append(due, m)
		case m.hasNames():
			named = append(named, m)
		case now.Sub(m.asked) >= namelessAgain:
			nameless = append(nameless, m)
		}
	}
	due = append(due, s.reread.named.oldest(named, now)...)
	return append(due, s.reread.nameless.oldest(nameless, now)...)
}

// oldest returns as many members as the budget has, those first that were read the
// longest time ago.
func (b *budget) oldest(all []*member, now time.Time) []*member {
	slices.SortStableFunc(all, func(a, b *member) int { return a.asked.Compare(b.asked) })
	n := min(len(all), b.left(now))
	b.spend(n, now)
	return all[:n]
}

// hasNames reports whether the endpoint's zone groups have names.
func (m *member) hasNames() bool {
	return m.listing != nil && slices.ContainsFunc(m.listing.resources, func(r privateendpoint.Endpoint) bool { return len(r.DNS) > 0 })
}

// mark returns the mark of an endpoint's text, or 0 if no page has it.
func (s *Source) mark(id string) uint64 {
	for _, l := range s.endpointListings() {
		if mark := l.mark(id); mark != 0 {
			return mark
		}
	}
	return 0
}
