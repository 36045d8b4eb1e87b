package privatelink

import (
	"context"
	"slices"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// refuse returns the RCODE to reject r with, or RcodeSuccess if r is to be answered
// here, by an authority, or passed on.
func (p *Privatelink) refuse(r *dns.Msg, found zone.Answer) int {
	q, foreign := r.Question[0], found.Result == zone.OutOfZone
	switch {
	case twoOPT(r.Extra):
		return dns.RcodeFormatError
	case r.Opcode == dns.OpcodeNotify && q.Qclass == dns.ClassINET && foreign:
		return dns.RcodeSuccess
	case r.Opcode != dns.OpcodeQuery, q.Qclass == dns.ClassANY:
		return dns.RcodeNotImplemented
	case q.Qclass != dns.ClassINET:
		return dns.RcodeRefused
	case q.Qtype == dns.TypeAXFR, q.Qtype == dns.TypeIXFR: // plugin transfer comes first
		return dns.RcodeRefused
	}
	return dns.RcodeSuccess
}

// pass hands a request for a foreign name on. Without RD it never reaches the cache,
// which must not reveal the queries of other clients.
func (p *Privatelink) pass(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	s := &splicer{w, p, r, exchange.Answerer{Context: ctx}}
	switch {
	case r.Opcode != dns.OpcodeQuery, !r.RecursionDesired:
		return p.authorities.ServeDNS(ctx, s, r)
	case p.Next == nil:
		return dns.RcodeRefused, nil
	}
	return plugin.NextOrFailure(p.Name(), p.Next, &s.answerer, s, r)
}

// twoOPT reports whether there is more than one OPT record, which is an error
// (RFC 6891, 6.1.1).
func twoOPT(rrs []dns.RR) bool {
	isOPT := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT }
	first := slices.IndexFunc(rrs, isOPT)
	return first >= 0 && slices.ContainsFunc(rrs[first+1:], isOPT)
}
