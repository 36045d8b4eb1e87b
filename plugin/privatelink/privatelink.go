// Package privatelink implements a CoreDNS plugin that serves the DNS names of
// Azure private endpoints. It is authoritative for the privatelink zones, answers
// the matching public names with a CNAME into them, and rewrites upstream
// responses whose CNAME chain reaches either.
package privatelink

import (
	"context"
	"strings"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// Privatelink is the plugin's handler. A query is resolved in this order:
//
//  1. The name is in a zone and exists: its records, or NODATA. AA=1.
//  2. The name is in a strict zone and does not exist: NXDOMAIN. AA=1.
//  3. The name is an alias of a record: a CNAME to it, then as in 1. AA=0.
//  4. All other queries go to the next plugin. If the CNAME chain of its reply
//     reaches a name that 1 to 3 decide, local data replaces the rest.
//     A name that a zone lacks in 2 or 4 starts a sync, which the query waits for.
//  5. Until the sources are loaded, a name that they may decide is SERVFAIL. Two
//     minutes after the start, other tenants' names in fallthrough zones go on to 4.
//
// Only queries of class IN that have the RD flag are forwarded. A NOTIFY, or a query
// without RD, is for a zone of plugin file or secondary, or it is refused here.
type Privatelink struct {
	Next plugin.Handler

	zones       *syncer.Syncer
	notifier    *notifier
	protect     map[ledger.Grade]bool // names without a public answer
	authorities authorities
}

// Name implements plugin.Handler.
func (*Privatelink) Name() string { return "privatelink" }

// Ready implements ready.Readiness. It stays true once every source has been loaded.
func (p *Privatelink) Ready() bool { return p.zones.Ready() }

// ServeDNS implements plugin.Handler.
func (p *Privatelink) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	clearReserved(r)
	q := r.Question[0]
	found := p.zones.Snapshot().Lookup(strings.ToLower(q.Name))

	if rcode := p.refuse(r, found); rcode != dns.RcodeSuccess {
		countRefused(found)
		return rcode, nil
	}
	if found.Result == zone.NameError {
		found = p.missing(w, strings.ToLower(q.Name), found)
	}
	if found.Result == zone.OutOfZone {
		return p.pass(ctx, w, r)
	}
	m := p.reply(r)
	m.Authoritative = found.Result == zone.Success || found.Result == zone.NameError
	p.answer(m, r, q.Name, found)
	countAnswer(w, found, &m.Msg)
	if err := w.WriteMsg(&m.Msg); err != nil { // nothing was sent, for example because the reply exceeds a datagram
		return dns.RcodeServerFailure, err
	}
	return dns.RcodeSuccess, nil
}
