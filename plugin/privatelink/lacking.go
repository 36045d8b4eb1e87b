package privatelink

import (
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/time/rate"

	"github.com/privatelink-dns/privatelink-dns/plugin/clients"
	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
	"github.com/privatelink-dns/privatelink-dns/plugin/printable"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// This file records the answers for names that the zones lack.

// lacking has the names of all server blocks. It outlives a reload.
var lacking ledger.Ledger

// record adds an answer for a name that the zones lack to the ledger. It returns the grade
// of the name.
func (p *Privatelink) record(a ledger.Answer) ledger.Grade {
	grade, counted := lacking.Count(a)
	if !counted {
		fact := p.fact(a.Name)
		if grade = fact.Grade; lacking.Record(a, fact) {
			logLacking(a, fact)
		}
	}
	metrics.Lacking(uint8(grade), uint8(a.Kind)).Inc()
	countPublic(a.Client, a.Kind)
	return grade
}

func countPublic(client netip.Addr, kind ledger.Kind) {
	if kind == ledger.Public {
		clients.Count(client, clients.Public)
	}
}

// fact grades a name that the zones lack.
func (p *Privatelink) fact(name string) ledger.Fact {
	v := p.zones.Explain(dnsname.Name(name))
	f := ledger.Fact{Grade: v.Grade(), Reason: v.Text}
	if f.Grade == ledger.Backup {
		f.Reason = "it has the form of a name of Azure Backup, and " + v.Text
	}
	return f
}

// lines bounds the log lines about names, because the clients choose the names. unlogged
// is the number of lines that were left out.
var (
	lines    = rate.NewLimiter(rate.Every(3*time.Second), 20)
	unlogged atomic.Int64
)

// logLacking logs a name of the first two grades once.
func logLacking(a ledger.Answer, f ledger.Fact) {
	if f.Grade == ledger.Other {
		return
	}
	if !lines.Allow() {
		unlogged.Add(1)
		return
	}
	if n := unlogged.Swap(0); n > 0 {
		log.Warningf("%d more names that the zones lack were queried", n)
	}
	name, reason := strings.TrimSuffix(a.Name, "."), printable.Text(f.Reason)
	switch a.Kind {
	case ledger.Public:
		log.Warningf("%s has got its public address, asked by %s: %s", name, a.Client, reason)
	case ledger.Withheld:
		log.Warningf("%s has got SERVFAIL in place of its public address, asked by %s: %s", name, a.Client, reason)
	case ledger.NXDomain:
		log.Warningf("%s does not exist, asked by %s: %s", name, a.Client, reason)
	}
}

// missing syncs the sources for a name that a strict zone lacks. It records the NXDOMAIN if
// the name does not exist afterwards.
func (p *Privatelink) missing(w dns.ResponseWriter, name string, found zone.Answer) zone.Answer {
	if p.zones.Await(name, exchange.ClientOf(w)) {
		found = p.zones.Snapshot().Lookup(name)
	}
	if found.Result == zone.NameError {
		p.record(ledger.Answer{Name: name, Kind: ledger.NXDomain, Client: exchange.ClientOf(w), At: time.Now()})
	}
	return found
}

// recordNameError records the NXDOMAIN of a name in a strict zone at the end of a chain.
func (s *splicer) recordNameError(at end) {
	if at.lacking != "" {
		s.p.record(ledger.Answer{
			Name: casefold.Lower(at.lacking), Kind: ledger.NXDomain, Client: exchange.ClientOf(s), Resolver: s.answerer.Address, At: time.Now(),
		})
	}
}

// passOn records a reply of the next plugin that is about to be passed on, and reports
// whether it may be. A reply with addresses may not if its name is protected: the chain
// leads through a zone by this name, or an endpoint that is not served has it.
func (s *splicer) passOn(m *dns.Msg, through end) bool {
	name, public := casefold.Lower(through.lacking), slices.ContainsFunc(m.Answer, isAddress)
	a := ledger.Answer{Name: name, Client: exchange.ClientOf(s), Resolver: s.answerer.Address, At: time.Now()}
	switch {
	case name == "":
		return true
	case public && s.p.protects(name):
		a.Kind = ledger.Withheld
	case public:
		a.Kind = ledger.Public
	case through.zone == nil && m.Rcode == dns.RcodeNameError: // a Backup zone without records
		a.Kind = ledger.NXDomain
	default:
		return true
	}
	s.p.record(a)
	return a.Kind != ledger.Withheld
}

// protects reports whether no public address may be passed on for the name.
func (p *Privatelink) protects(name string) bool {
	return p.protect != nil && p.protect[p.fact(name).Grade]
}

// withhold is the reply in place of a public address.
func (s *splicer) withhold() *dns.Msg {
	m := s.p.reply(s.r)
	m.Rcode = dns.RcodeServerFailure
	explain(&m.Msg, s.r, dns.ExtendedErrorCodeFiltered)
	return &m.Msg
}
