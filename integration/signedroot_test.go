package integration

import (
	"crypto"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A signedRoot serves a signed root zone with an insecure delegation of every top-level
// domain. The handler below serves all other names.
type signedRoot struct {
	addr string
	ds   *dns.DS

	t     testing.TB
	key   *dns.DNSKEY
	sign  crypto.Signer
	below dns.Handler
}

func newSignedRoot(t testing.TB, below dns.Handler) *signedRoot {
	t.Helper()
	s := &signedRoot{t: t, below: below}
	s.key = &dns.DNSKEY{Hdr: rootHeader(dns.TypeDNSKEY), Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256}
	private, err := s.key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	s.sign, s.ds = private.(crypto.Signer), s.key.ToDS(dns.SHA256)
	s.addr = handle(t, "127.0.0.1", s)
	return s
}

func rootHeader(rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: ".", Rrtype: rrtype, Class: dns.ClassINET, Ttl: 60}
}

// ServeDNS implements dns.Handler.
func (s *signedRoot) ServeDNS(w dns.ResponseWriter, r *dns.Msg) {
	q := r.Question[0]
	isTop := dns.CountLabel(q.Name) == 1 && q.Qtype == dns.TypeDS
	if q.Name != "." && !isTop {
		s.below.ServeDNS(w, r)
		return
	}
	m := new(dns.Msg).SetReply(r)
	m.RecursionAvailable = true
	m.SetEdns0(1232, true)
	soa := &dns.SOA{Hdr: rootHeader(dns.TypeSOA), Ns: "ns.", Mbox: "root.", Serial: 1, Refresh: 3600, Retry: 300, Expire: 86400, Minttl: 60}
	ns := &dns.NS{Hdr: rootHeader(dns.TypeNS), Ns: "ns.example."}
	switch {
	case q.Qtype == dns.TypeDNSKEY:
		m.Answer = s.signed(s.key)
	case q.Qtype == dns.TypeSOA:
		m.Answer = s.signed(soa)
	case q.Qtype == dns.TypeNS:
		m.Answer = s.signed(ns)
	default:
		m.Ns = append(s.signed(soa), s.signed(noDS(q.Name))...)
	}
	w.WriteMsg(m) //nolint:errcheck // the client may have gone
}

// noDS returns the NSEC record of an insecure delegation. Its next name is the first
// possible one, so that it does not deny any top-level domain.
func noDS(name string) *dns.NSEC {
	types := []uint16{dns.TypeNS, dns.TypeRRSIG, dns.TypeNSEC}
	if name == "." {
		types = []uint16{dns.TypeNS, dns.TypeSOA, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeDNSKEY}
	}
	header := rootHeader(dns.TypeNSEC)
	header.Name = name
	return &dns.NSEC{Hdr: header, NextDomain: `\000.` + strings.TrimPrefix(name, "."), TypeBitMap: types}
}

// signed returns the record and its signature.
func (s *signedRoot) signed(record dns.RR) []dns.RR {
	now := time.Now()
	sig := &dns.RRSIG{Algorithm: s.key.Algorithm, KeyTag: s.key.KeyTag(), SignerName: ".",
		Inception: uint32(now.Add(-time.Hour).Unix()), Expiration: uint32(now.Add(time.Hour).Unix())}
	if err := sig.Sign(s.sign, []dns.RR{record}); err != nil {
		s.t.Error(err)
	}
	return []dns.RR{record, sig}
}
