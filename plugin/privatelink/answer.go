package privatelink

import (
	"net/netip"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

const (
	// negativeTTL is the TTL and the MINIMUM of the zones' SOA records, in seconds.
	// It is short because Windows caches a negative answer for that time, and the
	// names of a vault's storage accounts appear minutes after its first backup.
	negativeTTL = 10

	// nameServer is the server in the SOA and NS records. BIND rejects a zone
	// without an NS record, and a zone whose server is in it but has no address
	// there. Names below invalid. never resolve (RFC 6761).
	nameServer = "ns.privatelink-dns.invalid."
	mailbox    = "nobody.invalid."
	nsTTL      = 3600

	// soaRefresh bounds the effect of a lost NOTIFY, and costs one query a minute
	// (five minutes in BIND, unless min-refresh-time allows less). soaExpire is four
	// weeks, as in Azure's private zones, so that a secondary continues to serve
	// while the primary is down.
	soaRefresh, soaRetry, soaExpire = 60, 30, 2419200
)

// A message is a reply with room for the records of nearly all answers. Their
// slices need no allocation of their own.
type message struct {
	dns.Msg
	answer    [3]dns.RR
	authority [1]dns.RR
}

// reply returns an empty reply to r.
func (p *Privatelink) reply(r *dns.Msg) *message {
	m := &message{Msg: dns.Msg{
		MsgHdr: dns.MsgHdr{
			Id: r.Id, Response: true, Opcode: r.Opcode, CheckingDisabled: r.CheckingDisabled,
			RecursionDesired: r.RecursionDesired,
			// Stub resolvers and forwarders log or reject replies without RA.
			RecursionAvailable: p.Next != nil,
		},
		Question: r.Question,
	}}
	m.Answer, m.Ns = m.answer[:0], m.authority[:0]
	return m
}

// answer appends the answer for a name that the zones decide to m. The first
// record has the owner in the case of the query. The RCODE, and an SOA record in
// the authority section, distinguish the negative answers.
func (p *Privatelink) answer(m *message, r *dns.Msg, owner string, found zone.Answer) {
	qtype := r.Question[0].Qtype
	switch found.Result {
	case zone.NotReady:
		m.Answer, m.Rcode = nil, dns.RcodeServerFailure
		explain(&m.Msg, r, dns.ExtendedErrorCodeNotReady)
		return
	case zone.NameError:
		m.Rcode = dns.RcodeNameError
		if found.Zone.Contains(casefold.Lower(owner)) {
			m.Ns = append(m.Ns, soa(found.Zone))
		}
		return
	case zone.Reverse:
		m.reverse(owner, found, qtype)
		return
	case zone.Alias:
		target := found.Target(owner)
		m.Answer = append(m.Answer, &dns.CNAME{Hdr: header(owner, dns.TypeCNAME, found.Zone.TTL), Target: target})
		if qtype == dns.TypeCNAME || qtype == dns.TypeANY {
			return
		}
		owner = target
	}
	before := len(m.Answer)
	if found.Record == nil {
		m.Answer = appendApex(m.Answer, found.Zone, owner, qtype)
	} else {
		m.Answer = appendAddrs(m.Answer, found.Zone.TTL, found.Record, owner, qtype)
	}
	if len(m.Answer) == before {
		m.Ns = append(m.Ns, soa(found.Zone))
	}
}

// appendAddrs appends new records with the addresses of the type. They are not
// shared, because the server may modify the message that it writes.
func appendAddrs(rrs []dns.RR, ttl uint32, r *zone.Record, owner string, qtype uint16) []dns.RR {
	for _, addr := range r.Addrs {
		rrtype := dns.TypeA
		if addr.Is6() {
			rrtype = dns.TypeAAAA
		}
		if qtype == rrtype || qtype == dns.TypeANY {
			rrs = append(rrs, addressRecord(header(owner, rrtype, ttl), addr))
		}
	}
	return rrs
}

// addressRecord puts the record and its address into one allocation.
func addressRecord(h dns.RR_Header, addr netip.Addr) dns.RR {
	if addr.Is4() {
		rr := &struct {
			dns.A
			ip [4]byte
		}{A: dns.A{Hdr: h}, ip: addr.As4()}
		rr.A.A = rr.ip[:]
		return &rr.A
	}
	rr := &struct {
		dns.AAAA
		ip [16]byte
	}{AAAA: dns.AAAA{Hdr: h}, ip: addr.As16()}
	rr.AAAA.AAAA = rr.ip[:]
	return &rr.AAAA
}

func appendApex(rrs []dns.RR, z *zone.Zone, owner string, qtype uint16) []dns.RR {
	if qtype == dns.TypeSOA || qtype == dns.TypeANY {
		apex := soa(z)
		apex.Hdr.Name = owner
		rrs = append(rrs, apex)
	}
	if qtype == dns.TypeNS || qtype == dns.TypeANY {
		rrs = append(rrs, ns(owner))
	}
	return rrs
}

// soa returns the zone's SOA record.
func soa(z *zone.Zone) *dns.SOA {
	return &dns.SOA{
		Hdr: header(string(z.Name), dns.TypeSOA, negativeTTL),
		Ns:  nameServer, Mbox: mailbox,
		Serial: z.Serial, Refresh: soaRefresh, Retry: soaRetry, Expire: soaExpire, Minttl: negativeTTL,
	}
}

func ns(owner string) *dns.NS {
	return &dns.NS{Hdr: header(owner, dns.TypeNS, nsTTL), Ns: nameServer}
}

func header(owner string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

// explain adds an extended DNS error (RFC 8914) for a client that speaks EDNS.
func explain(m, r *dns.Msg, code uint16) {
	asked := r.IsEdns0()
	if asked == nil {
		return
	}
	m.SetEdns0(asked.UDPSize(), asked.Do())
	opt := m.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: code})
}
