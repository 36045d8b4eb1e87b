package lru

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
)

var (
	errNoReply  = errors.New("the next plugin returned no reply")
	errFallback = errors.New("a fallback resolver has answered")
)

// queryNext sends the question to the next plugin as a query of its own, because EDNS
// is hop by hop (RFC 6891, 6.1.1). It retries over TCP if the response is truncated, and
// without EDNS if the upstream rejects EDNS. These are three queries at most (RFC 9520,
// 3.1). AD is always set: it requests the AD bit without the signatures (RFC 6840, 5.7),
// and entry.message clears that bit for clients that did not request it. So AD is not
// part of the key.
//
// Plugin upstream retries itself, so it gets one query.
func (l *LRU) queryNext(ctx context.Context, k key, fl *flight) (*dns.Msg, error) {
	r := &dns.Msg{
		MsgHdr:   dns.MsgHdr{RecursionDesired: true, AuthenticatedData: true, CheckingDisabled: k.cd},
		Question: []dns.Question{{Name: k.name, Qtype: k.qtype, Qclass: k.qclass}},
	}
	r.SetEdns0(upstreamUDPSize, k.do)
	if l.exchanger {
		return l.exchange(ctx, r, overUDP, fl)
	}
	r.Id = dns.Id()
	m, err := l.exchange(ctx, r, overUDP, fl)
	if err == nil && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) { // RFC 6891, 6.2.2
		r.Extra, r.AuthenticatedData = nil, false
		m, err = l.exchange(ctx, r, overUDP, fl)
	}
	if err == nil && m.Truncated {
		m, err = l.exchange(ctx, r, overTCP, fl)
	}
	return m, err
}

func (l *LRU) exchange(ctx context.Context, r *dns.Msg, client net.Addr, fl *flight) (*dns.Msg, error) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < exchangeTimeout {
		return nil, errNoReply // plugin forward would not stop at the deadline
	}
	w := &capture{client: client}
	if l.exchanger {
		ctx = exchange.With(ctx, &fl.query)
	} else {
		r = r.Copy() // it is used again
	}
	rcode, err := plugin.NextOrFailure(l.Name(), l.Next, ctx, w, r)
	switch {
	case w.m != nil && fl.query.Fallback:
		return w.m, nil
	case w.m != nil:
		l.flights.outage.answered(time.Now())
		return w.m, nil
	case err == nil && rcode != dns.RcodeSuccess && rcode != dns.RcodeServerFailure: // REFUSED without a message
		return new(dns.Msg).SetRcode(r, rcode), nil
	case err == nil:
		err = errNoReply
	}
	return nil, err
}

// Plugin forward uses the protocol of its client's address. The client is this plugin.
var (
	overUDP = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	overTCP = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
)

// A capture is the response writer for the next plugin. It keeps the message.
type capture struct {
	client net.Addr
	m      *dns.Msg
}

// WriteMsg implements dns.ResponseWriter.
func (w *capture) WriteMsg(m *dns.Msg) error {
	w.m = m
	return nil
}

// Write implements dns.ResponseWriter.
func (w *capture) Write(wire []byte) (int, error) {
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return 0, err
	}
	return len(wire), w.WriteMsg(m)
}

func (w *capture) LocalAddr() net.Addr  { return w.client }
func (w *capture) RemoteAddr() net.Addr { return w.client }
func (*capture) Close() error           { return nil }
func (*capture) TsigStatus() error      { return nil }
func (*capture) TsigTimersOnly(bool)    {}
func (*capture) Hijack()                {}
