package privatelink

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// maxHops bounds the CNAME chain that is followed, and with it a loop.
const maxHops = 16

// A splicer receives the reply of the next plugin. It reads the snapshot when the
// reply arrives, not when the query was sent, so that a record that was added in
// between is used.
type splicer struct {
	dns.ResponseWriter
	p        *Privatelink
	r        *dns.Msg
	answerer exchange.Answerer
}

// WriteMsg implements dns.ResponseWriter. It does not modify m, because a cache may
// hold it.
func (s *splicer) WriteMsg(m *dns.Msg) error {
	zones := s.p.zones.Snapshot()
	out, end := s.p.splice(zones, s.r, m)
	if end.lacking != "" && s.p.zones.Await(strings.ToLower(end.lacking), exchange.ClientOf(s)) {
		zones = s.p.zones.Snapshot()
		out, end = s.p.splice(zones, s.r, m)
	}
	if out != nil {
		s.recordNameError(end)
		countSplice(s, end.zone, out)
		return s.ResponseWriter.WriteMsg(out)
	}
	if !s.passOn(m, end) {
		return s.ResponseWriter.WriteMsg(s.withhold())
	}
	out, dropped := withoutOurs(zones, s.r, m)
	countPassedOn(end.zone, m, dropped)
	return s.ResponseWriter.WriteMsg(out)
}

// Write implements dns.ResponseWriter. A reply in wire format is spliced as well.
func (s *splicer) Write(wire []byte) (int, error) {
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return 0, fmt.Errorf("unpack reply of the next plugin: %w", err)
	}
	return len(wire), s.WriteMsg(m)
}

// An end is where a CNAME chain leads: the zone that decides it, or the last zone that
// lacks a name of the chain, with that name. A Backup zone without records is nil, and so
// is that of the public name of an endpoint that is not served. A zone that decides has
// the name if it is NXDOMAIN.
type end struct {
	zone    *zone.Zone
	lacking string
}

// splice returns the reply to r if the chain in m, followed from the question,
// reaches a name that the zones decide: the chain up to that name, then the
// zone's data. The other records of m are dropped. It returns nil if the chain
// ends elsewhere, is a loop, or is longer than maxHops. A failure has no chain.
func (p *Privatelink) splice(zones *zone.Snapshot, r, m *dns.Msg) (*dns.Msg, end) {
	name, hops := r.Question[0].Name, 0
	found := zones.Lookup(strings.ToLower(name))
	var through end
	for found.Result == zone.OutOfZone {
		switch lower := strings.ToLower(name); {
		case zones.Lacks(lower):
			through = end{found.Zone, name}
		case through.lacking == "" && p.zones.Unserved(lower): // Azure has no chain for it yet, or no longer
			through.lacking = name
		}
		link := cname(m.Answer, name)
		if link == nil || hops == maxHops || r.Question[0].Qtype == dns.TypeCNAME || isFailure(m) {
			return nil, through
		}
		hops++
		name = link.Target
		found = zones.Lookup(strings.ToLower(name))
	}
	out := p.reply(r)
	out.Authoritative = hops == 0 && found.Result == zone.Success // a sync has brought the name
	out.Answer = chain(out.Answer, m.Answer, r.Question[0].Name, hops)
	p.answer(out, r, name, found)
	through = end{zone: found.Zone}
	if found.Result == zone.NameError {
		through.lacking = name
	}
	return &out.Msg, through
}

func isFailure(m *dns.Msg) bool { return m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError }

// chain appends the first hops links of the chain from name. The owner of the
// first link has the case of name, because a cache may have the link from a query
// in another case.
func chain(rrs, answer []dns.RR, name string, hops int) []dns.RR {
	for i := range hops {
		link := cname(answer, name)
		if i == 0 && link.Hdr.Name != name {
			first := *link
			first.Hdr.Name = name
			link = &first
		}
		rrs = append(rrs, link)
		name = link.Target
	}
	return rrs
}

// cname returns the CNAME record of name. The order of the records does not matter.
func cname(answer []dns.RR, name string) *dns.CNAME {
	for _, rr := range answer {
		if c, ok := rr.(*dns.CNAME); ok && strings.EqualFold(c.Hdr.Name, name) {
			return c
		}
	}
	return nil
}

// withoutOurs returns m without records of names that the zones decide: whatever
// the question was, upstream must not answer for them. It returns m itself if
// there are none. A zone's SOA record in the authority section is not counted as
// dropped, because any negative answer has one.
func withoutOurs(zones *zone.Snapshot, r, m *dns.Msg) (out *dns.Msg, dropped int) {
	ours := func(rr dns.RR) bool { return decides(zones, rr) }
	if !slices.ContainsFunc(m.Answer, ours) && !slices.ContainsFunc(m.Ns, ours) && !slices.ContainsFunc(m.Extra, ours) {
		return m, 0
	}
	out = new(dns.Msg)
	*out = *m
	out.AuthenticatedData = false // the reply that was validated had other records
	out.Ns = foreignAuthority(zones, m.Ns)
	out.Extra = slices.DeleteFunc(slices.Clone(m.Extra), ours)
	foreign := slices.DeleteFunc(slices.Clone(m.Answer), ours)
	dropped = len(m.Answer) - len(foreign)
	if dropped > 0 {
		out.Answer = reachable(foreign, r.Question[0].Name)
	}
	return out, dropped + len(m.Extra) - len(out.Extra)
}

// decides reports whether the zones decide the name of the record, or the name
// that the record has address hints for (RFC 9460, 7.3).
func decides(zones *zone.Snapshot, rr dns.RR) bool {
	if zones.Lookup(strings.ToLower(rr.Header().Name)).Result != zone.OutOfZone {
		return true
	}
	switch rr := rr.(type) {
	case *dns.SVCB:
		return zones.Lookup(strings.ToLower(rr.Target)).Result != zone.OutOfZone
	case *dns.HTTPS:
		return zones.Lookup(strings.ToLower(rr.Target)).Result != zone.OutOfZone
	}
	return false
}

// foreignAuthority drops the records of the zones' names from an authority section.
// The SOA record of a zone, in a negative answer for a name that the zone lacks,
// is replaced with the local one: a forwarder rejects a negative answer without
// an SOA record.
func foreignAuthority(zones *zone.Snapshot, authority []dns.RR) (kept []dns.RR) {
	for _, rr := range authority {
		if !decides(zones, rr) {
			kept = append(kept, rr)
			continue
		}
		found := zones.Lookup(strings.ToLower(rr.Header().Name))
		if rr.Header().Rrtype == dns.TypeSOA && found.Result == zone.Success {
			kept = append(kept, soa(found.Zone))
		}
	}
	return kept
}

// reachable returns the records on the chain from name. Records after a local one
// are no longer reachable from the question. They are dropped, because some stub
// resolvers would still use them.
//
// The chain is followed for maxHops links, because the work for each is linear in
// the size of a response that may be hostile.
func reachable(answer []dns.RR, name string) (kept []dns.RR) {
	var seen []string
	for range maxHops + 1 {
		seen = append(seen, strings.ToLower(name))
		for _, rr := range answer {
			if strings.EqualFold(rr.Header().Name, name) {
				kept = append(kept, rr)
			}
		}
		link := cname(answer, name)
		if link == nil || slices.Contains(seen, strings.ToLower(link.Target)) {
			return kept
		}
		name = link.Target
	}
	return kept
}
