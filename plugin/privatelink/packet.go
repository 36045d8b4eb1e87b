package privatelink

import (
	"encoding/binary"
	"strings"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// This file is ServeDNS for packets. It has the order of ServeDNS, and leaves
// everything to it that is not answered from the snapshot or from the memory of
// the next plugin.

// FastPath implements fastpath.Plugin.
func (p *Privatelink) FastPath(next fastpath.Responder) fastpath.Responder {
	return &responder{p, next}
}

type responder struct {
	*Privatelink
	next fastpath.Responder
}

// Prefetch implements fastpath.Prefetcher.
func (p *responder) Prefetch(names []string) { p.zones.Snapshot().Prefetch(names) }

// Respond implements fastpath.Responder. A missing name that may start a sync is left
// to ServeDNS.
func (p *responder) Respond(q *fastpath.Query) bool {
	zones := p.zones.Snapshot()
	found := zones.Lookup(q.Name)
	switch found.Result {
	case zone.OutOfZone:
		return p.next != nil && p.next.Respond(q) && p.passes(zones, q, found.Zone)
	case zone.NotReady, zone.Reverse: // rare
		return false
	case zone.NameError:
		if !found.Zone.Contains(q.Name) || p.zones.Wanted(q.Name, q.Now()) {
			return false
		}
	}
	q.Begin(fastpath.Header{
		Rcode: rcodeOf(found), RecursionAvailable: p.Next != nil,
		Authoritative: found.Result == zone.Success || found.Result == zone.NameError,
	})
	kind, result := metrics.Direct, metrics.Success
	if found.Result == zone.Alias {
		kind = metrics.Alias
	}
	if !appendAnswer(q, found) {
		result = metrics.NoData
	}
	if found.Result == zone.NameError {
		if !p.countLacking(q, q.Name, ledger.NXDomain) {
			return false
		}
		result = metrics.NXDomain
	}
	q.Count(metrics.AnswersOf(found.Zone.Name.String()).Counter(kind, result))
	if q.Fits() { // the chain counts the others
		found.Count(q.Client, q.Now())
	}
	return true
}

func rcodeOf(found zone.Answer) uint8 {
	if found.Result == zone.NameError {
		return dns.RcodeNameError
	}
	return dns.RcodeSuccess
}

// appendAnswer appends what answer does. It reports whether that is no negative
// answer, which an SOA record distinguishes.
func appendAnswer(q *fastpath.Query, found zone.Answer) bool {
	owner := q.Asked()
	if found.Result == zone.NameError {
		appendSOA(q, owner, found.Zone)
		return false
	}
	if found.Result == zone.Alias {
		owner = q.CNAME(owner, found.Zone.TTL, found.Target(q.Name))
		if q.Type == dns.TypeCNAME {
			return true
		}
	}
	if found.Record == nil && appendApexTo(q, owner, found.Zone) || found.Record != nil && appendAddrsTo(q, owner, found) {
		return true
	}
	appendSOA(q, owner, found.Zone)
	return false
}

func appendAddrsTo(q *fastpath.Query, owner fastpath.Ref, found zone.Answer) (some bool) {
	for _, addr := range found.Record.Addrs {
		switch {
		case q.Type == dns.TypeA && addr.Is4():
			octets := addr.As4()
			q.Address(owner, dns.TypeA, found.Zone.TTL, octets[:])
		case q.Type == dns.TypeAAAA && addr.Is6():
			octets := addr.As16()
			q.Address(owner, dns.TypeAAAA, found.Zone.TTL, octets[:])
		default:
			continue
		}
		some = true
	}
	return some
}

func appendApexTo(q *fastpath.Query, owner fastpath.Ref, z *zone.Zone) bool {
	switch q.Type {
	case dns.TypeSOA:
		q.Answer(owner, dns.TypeSOA, negativeTTL, soaData(q, z))
	case dns.TypeNS:
		q.Answer(owner, dns.TypeNS, nsTTL, nameServerWire)
	default:
		return false
	}
	return true
}

func appendSOA(q *fastpath.Query, last fastpath.Ref, z *zone.Zone) {
	q.Authority(q.Suffix(last, string(z.Name)), dns.TypeSOA, negativeTTL, soaData(q, z))
}

var (
	nameServerWire = fastpath.AppendName(nil, nameServer)
	soaNames       = fastpath.AppendName(nameServerWire[:len(nameServerWire):len(nameServerWire)], mailbox)
)

// soaData returns the data of the zone's SOA record. It is valid until the next
// call for the query.
func soaData(q *fastpath.Query, z *zone.Zone) []byte {
	b := append(q.Scratch(), soaNames...)
	for _, n := range [...]uint32{z.Serial, soaRefresh, soaRetry, soaExpire, negativeTTL} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// passes reports whether splicer would pass the reply of the next plugin as it is:
// the zones decide no name that it mentions. The zone is the one that lacks the
// name of the question, or nil.
func (p *responder) passes(zones *zone.Snapshot, q *fastpath.Query, through *zone.Zone) bool {
	addresses, hints, name := false, false, q.Name
	if through != nil && p.zones.Wanted(name, q.Now()) || through == nil && p.inNoZone(zones, name) {
		return false
	}
	records := q.Records()
	for records.Next() {
		if records.Owner != "" && zones.Lookup(records.Owner).Result != zone.OutOfZone {
			return false
		}
		if records.Target != "" {
			found := zones.Lookup(records.Target)
			if found.Result != zone.OutOfZone || found.Zone == nil && p.inNoZone(zones, records.Target) {
				return false
			}
			if records.Type == dns.TypeCNAME && found.Zone != nil {
				through, name = found.Zone, q.Keep(records.Target)
				if p.zones.Wanted(name, q.Now()) {
					return false
				}
			}
		}
		addresses = addresses || records.Type == dns.TypeA || records.Type == dns.TypeAAAA
		hints = hints || records.Type == dns.TypeSVCB || records.Type == dns.TypeHTTPS
	}
	if through != nil && (addresses || hints) {
		if hints || p.protect != nil || !p.countLacking(q, name, ledger.Public) {
			return false
		}
		q.Count(metrics.AnswersOf(through.Name.String()).Public())
	}
	return records.Whole()
}

// inNoZone reports whether ServeDNS has to examine a name that no zone has: it is in a
// Backup zone without records, or an endpoint that is not served has it.
func (p *responder) inNoZone(zones *zone.Snapshot, name string) bool {
	return p.zones.Unserved(name) || strings.Contains(name, "."+cloud.Prefix) && zones.Lacks(name)
}

// countLacking counts an answer for a name that the zones lack, which is complete. It
// returns false if ServeDNS has to record the name first, or to make a shorter answer. A flood of new names is counted only.
func (p *responder) countLacking(q *fastpath.Query, name string, kind ledger.Kind) bool {
	if !q.Fits() {
		return false
	}
	grade, ok := lacking.Count(ledger.Answer{Name: name, Kind: kind, Client: q.Client, At: q.Now()})
	if !ok && (p.zones.Zones.BackupForm(name) || !lacking.Full(q.Now())) {
		return false
	}
	if !ok {
		grade = ledger.Other
		lacking.Miss()
	}
	q.Count(metrics.Lacking(uint8(grade), uint8(kind)))
	countPublic(q.Client, kind)
	return true
}
