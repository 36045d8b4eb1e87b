// Package cookies implements a CoreDNS plugin that sends clients DNS cookies (RFC 7873).
// A client that returns its cookie has the address that it sends from. The server cookies
// are the interoperable ones of RFC 9018, so that several instances can share a secret.
package cookies

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/transport"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
)

// Cookies is the plugin's handler. It is behind plugin acl, whose refusals have no cookie,
// and before every plugin that answers.
type Cookies struct {
	Next plugin.Handler

	secrets *secrets
	limit   *limit
}

// Name implements plugin.Handler.
func (*Cookies) Name() string { return "cookies" }

// ServeDNS implements plugin.Handler.
func (c *Cookies) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	now, addr := time.Now(), exchange.ClientOf(w)
	cookie, sent := cookieOf(r)
	reply, k := c.evaluate(cookie, sent, addr, now)
	queries[k].Inc()
	cw := &writer{w, reply, sent && k != malformed}
	switch {
	case k == malformed:
		return dns.RcodeSuccess, cw.WriteMsg(signed(new(dns.Msg).SetRcode(r, dns.RcodeFormatError), w, r))
	case k != valid && forgeable(ctx, w) && !c.limit.allow(addr, now):
		limited.Inc()
		return dns.RcodeSuccess, cw.WriteMsg(signed(turnedAway(r, sent), w, r))
	case !sent:
		return plugin.NextOrFailure(c.Name(), c.Next, ctx, w, r)
	}
	rcode, err := plugin.NextOrFailure(c.Name(), c.Next, ctx, cw, r)
	if !plugin.ClientWrite(rcode) { // the server's reply would have no cookie
		err = errors.Join(err, cw.WriteMsg(new(dns.Msg).SetRcode(r, rcode)))
		rcode = dns.RcodeSuccess
	}
	return rcode, err
}

// forgeable reports whether the query came over plain UDP. QUIC has verified the address of
// its clients.
func forgeable(ctx context.Context, w dns.ResponseWriter) bool {
	server, ok := ctx.Value(dnsserver.Key{}).(*dnsserver.Server)
	return w.RemoteAddr().Network() == "udp" && (!ok || strings.HasPrefix(server.Addr, transport.DNS+"://"))
}

// signed adds a TSIG record to the reply to a query that has a verified one, because plugin
// tsig does not see the reply (RFC 8945, 5.4).
func signed(m *dns.Msg, w dns.ResponseWriter, r *dns.Msg) *dns.Msg {
	if t := r.IsTsig(); t != nil && w.TsigStatus() == nil {
		m.SetTsig(t.Hdr.Name, t.Algorithm, t.Fudge, time.Now().Unix())
	}
	return m
}

// evaluate returns the cookie for the reply, and the kind of the client's cookie.
func (c *Cookies) evaluate(cookie []byte, sent bool, addr netip.Addr, now time.Time) ([cookieSize]byte, kind) {
	if !sent {
		return [cookieSize]byte{}, none
	}
	return c.secrets.answer(cookie, addr, now)
}

// turnedAway is the reply to a query beyond the limit. A client with a cookie repeats it
// with the new one, and every other client uses TCP.
func turnedAway(r *dns.Msg, sent bool) *dns.Msg {
	if sent {
		return new(dns.Msg).SetRcode(r, dns.RcodeBadCookie)
	}
	m := new(dns.Msg).SetReply(r)
	m.Truncated = true
	return m
}

// endOf returns the end of the additional section, before the TSIG record, which is the
// last one (RFC 8945, 5.1).
func endOf(m *dns.Msg) int {
	if m.IsTsig() != nil {
		return len(m.Extra) - 1
	}
	return len(m.Extra)
}

// cookieOf returns the client's cookie. Others after the first one are ignored (RFC 7873,
// 5.2).
func cookieOf(r *dns.Msg) (cookie []byte, sent bool) {
	o := r.IsEdns0()
	if o == nil {
		return nil, false
	}
	at := slices.IndexFunc(o.Option, isCookie)
	if at < 0 {
		return nil, false
	}
	if option, ok := o.Option[at].(*dns.EDNS0_COOKIE); ok {
		cookie, _ = hex.DecodeString(option.Cookie) // the server has made the digits
	}
	return cookie, true
}

func isCookie(o dns.EDNS0) bool { return o.Option() == dns.EDNS0COOKIE }

// A writer adds the cookie to the reply.
type writer struct {
	dns.ResponseWriter
	cookie [cookieSize]byte
	sent   bool
}

// WriteMsg implements dns.ResponseWriter.
func (w *writer) WriteMsg(m *dns.Msg) error {
	if !w.sent {
		return w.ResponseWriter.WriteMsg(m)
	}
	o := m.IsEdns0()
	if o == nil {
		o = &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
		m.Extra = slices.Insert(m.Extra, endOf(m), dns.RR(o))
	}
	o.Option = append(slices.DeleteFunc(o.Option, isCookie), &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(w.cookie[:])})
	return w.ResponseWriter.WriteMsg(m)
}
