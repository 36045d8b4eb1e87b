package status

import (
	"context"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/clients"
	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
)

// A refusals handler counts refused queries by the network of the client. It is before
// plugin acl in the chain. Plugin fastpath leaves refused queries to the chain.
type refusals struct{ next plugin.Handler }

// Name implements plugin.Handler.
func (*refusals) Name() string { return "status" }

// ServeDNS implements plugin.Handler.
func (h *refusals) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	seen := &observer{ResponseWriter: w}
	rcode, err := plugin.NextOrFailure(h.Name(), h.next, ctx, seen, r)
	seen.note(rcode) // the server sends the refusal of a handler that wrote none
	return rcode, err
}

// An observer counts a refusal once. It counts before the reply is sent, so that the page
// has every refusal that a client has received.
type observer struct {
	dns.ResponseWriter
	counted bool
}

// WriteMsg implements dns.ResponseWriter.
func (o *observer) WriteMsg(m *dns.Msg) error {
	o.note(m.Rcode)
	return o.ResponseWriter.WriteMsg(m)
}

func (o *observer) note(rcode int) {
	if rcode != dns.RcodeRefused || o.counted {
		return
	}
	o.counted = true
	clients.Count(exchange.ClientOf(o), clients.Refused)
}
