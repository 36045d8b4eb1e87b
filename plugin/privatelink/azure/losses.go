package azure

import (
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// agreeing is the number of reads that must lack a name. The guard of the syncer wants as
// many lists.
const agreeing = 3

// An absence is how long the zone groups of an endpoint have lacked a name.
type absence struct {
	since time.Time // the first read that lacked it
	reads int       // in a row; 0 if the last one had it
}

// note compares the answer with those before it. An endpoint that lacks a name is read in
// each sync until three answers, two intervals apart, have lacked it: otherwise the guard
// would count one answer three times.
func (m *member) note(interval time.Duration) {
	now := m.names()
	m.lacks = false
	for name, a := range m.had {
		if now[name] {
			continue
		}
		if a.reads++; a.reads == 1 {
			a.since = m.asked
		}
		if a.reads >= agreeing && m.asked.Sub(a.since) >= (agreeing-1)*interval*9/10 { // as the guard has it
			delete(m.had, name)
			continue
		}
		m.had[name], m.lacks = a, true
	}
	for name := range now {
		m.had[name] = absence{}
	}
}

// names returns the names with addresses, as nameOf writes them.
func (m *member) names() map[string]bool {
	all := map[string]bool{}
	if m.listing == nil {
		return all
	}
	for _, r := range m.listing.resources {
		for _, one := range r.DNS {
			if len(one.Addresses) > 0 {
				all[nameOf(one.FQDN)] = true
			}
		}
	}
	return all
}

// nameOf returns a name in lower case and without a final dot.
func nameOf(fqdn string) string { return strings.TrimSuffix(casefold.Lower(fqdn), ".") }

// RememberEntries adds the names of an earlier process's last list, because the first answer
// of this process may lack them. Do not call it during a Fetch.
func (s *Source) RememberEntries(entries []source.Entry) {
	s.earlier = map[string][]string{}
	for _, e := range entries {
		id := casefold.Lower(e.Endpoint.String())
		s.earlier[id] = append(s.earlier[id], nameOf(e.FQDN.String()))
	}
}

// recall adds names that an earlier process had. The endpoint is read for those that this
// process has not seen.
func (m *member) recall(names []string) {
	for _, name := range names {
		if _, ok := m.had[name]; !ok {
			m.had[name], m.lacks = absence{}, true
		}
	}
}
