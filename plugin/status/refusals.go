package status

import (
	"context"
	"net"
	"net/netip"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/clients"
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
	if seen.refused || rcode == dns.RcodeRefused {
		clients.Count(addressOf(w.RemoteAddr()), clients.Refused)
	}
	return rcode, err
}

// An observer notes whether the reply is a refusal.
type observer struct {
	dns.ResponseWriter
	refused bool
}

// WriteMsg implements dns.ResponseWriter.
func (o *observer) WriteMsg(m *dns.Msg) error {
	o.refused = o.refused || m.Rcode == dns.RcodeRefused
	return o.ResponseWriter.WriteMsg(m)
}

func addressOf(addr net.Addr) netip.Addr {
	switch addr := addr.(type) {
	case *net.UDPAddr:
		return addr.AddrPort().Addr()
	case *net.TCPAddr:
		return addr.AddrPort().Addr()
	}
	return netip.Addr{}
}
