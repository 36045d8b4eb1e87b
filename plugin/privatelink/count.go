package privatelink

import (
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/clients"
	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// This file derives the counters from lookups and replies. Package zone and the
// code of the answers count nothing.

// createSeries creates the series of all zones, at zero: a rate over a series that
// begins with its first answer would lack that answer. Names in Backup zones
// that have no record yet are counted for the suffix of these zones.
func createSeries(zones *zone.Snapshot, backup dnsname.Name) {
	metrics.AnswersOf(backup.String())
	metrics.Lacking(0, 0)
	for name := range zones.Zones {
		metrics.AnswersOf(name.String())
	}
}

func countRefused(found zone.Answer) {
	if found.Zone != nil {
		count(found.Zone, metrics.Direct, metrics.Refused)
	}
}

func countAnswer(w dns.ResponseWriter, found zone.Answer, m *dns.Msg) {
	kind := metrics.Direct
	if found.Result == zone.Alias {
		kind = metrics.Alias
	}
	count(found.Zone, kind, resultOf(m))
	found.Count(exchange.ClientOf(w), time.Now())
	countClient(w, m)
}

func countSplice(w dns.ResponseWriter, z *zone.Zone, m *dns.Msg) {
	count(z, metrics.Splice, resultOf(m))
	countClient(w, m)
}

// countClient counts a private answer by the network of the client. Plugin fastpath counts
// those that it gives.
func countClient(w dns.ResponseWriter, m *dns.Msg) {
	if len(m.Answer) > 0 {
		clients.Count(exchange.ClientOf(w), clients.Private)
	}
}

// countPassedOn counts a reply that is passed on without its dropped records. If
// it has addresses and its chain leads through a zone, they are those of another
// tenant, or of an endpoint that no source has.
func countPassedOn(through *zone.Zone, m *dns.Msg, dropped int) {
	if dropped > 0 {
		metrics.Dropped.Add(float64(dropped))
	}
	if through != nil && slices.ContainsFunc(m.Answer, isAddress) {
		metrics.AnswersOf(through.Name.String()).CountPublic()
	}
}

func count(z *zone.Zone, kind metrics.Kind, result metrics.Result) {
	metrics.AnswersOf(z.Name.String()).Count(kind, result)
}

// resultOf returns the result of a reply that answer has completed.
func resultOf(m *dns.Msg) metrics.Result {
	switch {
	case m.Rcode == dns.RcodeServerFailure:
		return metrics.NotReady
	case m.Rcode == dns.RcodeNameError:
		return metrics.NXDomain
	case len(m.Ns) > 0:
		return metrics.NoData
	}
	return metrics.Success
}

// isAddress reports whether the record has an address, or hints of one (RFC 9460, 7.3).
func isAddress(rr dns.RR) bool {
	isHint := func(v dns.SVCBKeyValue) bool { return v.Key() == dns.SVCB_IPV4HINT || v.Key() == dns.SVCB_IPV6HINT }
	switch rr := rr.(type) {
	case *dns.A, *dns.AAAA:
		return true
	case *dns.SVCB:
		return slices.ContainsFunc(rr.Value, isHint)
	case *dns.HTTPS:
		return slices.ContainsFunc(rr.Value, isHint)
	}
	return false
}
