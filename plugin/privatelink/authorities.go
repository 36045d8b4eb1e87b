package privatelink

import (
	"context"
	"slices"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/file"
	"github.com/coredns/coredns/plugin/secondary"
	"github.com/miekg/dns"
)

// authorities are plugins file and secondary of the same server block, in the
// order of the directives. A NOTIFY, or a query without RD, may be for one of
// their zones. It goes to them directly and nowhere else: the plugin chain would
// pass a request for any other name on to the cache and the upstream.
type authorities []func(next plugin.Handler) file.File

// authoritiesOf returns the authorities of a server block. It is to be called when
// the server's handlers are known, which is at the start.
func authoritiesOf(server *dnsserver.Config) (all authorities) {
	if f, ok := server.Handler("file").(file.File); ok {
		all = append(all, func(next plugin.Handler) file.File {
			f := f
			f.Next = next
			return f
		})
	}
	if s, ok := server.Handler("secondary").(*secondary.Secondary); ok {
		// The zones of a catalog change while queries read them. ZoneLookupFunc has
		// the lock for that; a copy of the Zones would not.
		all = append(all, func(next plugin.Handler) file.File {
			return file.File{Next: next, Xfer: s.Xfer, ZoneLookupFunc: s.ZoneLookupFunc, TransferInFunc: s.TransferInFunc, Fall: s.Fall}
		})
	}
	return all
}

// ServeDNS answers a request that is for an authoritative server only, and rejects
// one for a zone that no authority has. A fallthrough of a zone ends here as well.
func (a authorities) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	next := plugin.Handler(plugin.HandlerFunc(notAuthoritative))
	for _, authority := range slices.Backward(a) {
		next = authority(next)
	}
	return next.ServeDNS(ctx, w, r)
}

// stubZone is for the operator of a resolver that sends its queries without RD.
const stubZone = "RD is not set: forward to this server, do not configure a stub zone"

// notAuthoritative rejects a request for a foreign name. The cause of a query
// without RD is nearly always a resolver that has a stub zone for a public zone
// where it should have a forward zone (RFC 8914, 4.21).
func notAuthoritative(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if r.Opcode != dns.OpcodeQuery {
		return dns.RcodeNotImplemented, nil
	}
	m := new(dns.Msg).SetRcode(r, dns.RcodeRefused)
	explain(m, r, dns.ExtendedErrorCodeNotAuthoritative)
	if opt := m.IsEdns0(); opt != nil {
		opt.Option[len(opt.Option)-1].(*dns.EDNS0_EDE).ExtraText = stubZone
	}
	return dns.RcodeSuccess, w.WriteMsg(m) // with REFUSED, the server would write another reply
}
