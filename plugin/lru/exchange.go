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
	errNoReply  = errors.New("the next plugin gives no reply")
	errFallback = errors.New("a fallback resolver has answered")
)

// ask puts the question to the next plugin, as a query of our own: nothing of a
// client's EDNS goes upstream (RFC 6891, 6.1.1: hop by hop). What does not fit is
// fetched over TCP, and who does not know EDNS is asked without. That is three
// queries at most (RFC 9520, 3.1). AD is always set, whoever asks: it requests the
// AD bit without the signatures (RFC 6840, 5.7), and message hides that bit from
// clients that did not ask for it. So AD is not part of the key.
//
// Plugin upstream does all that itself.
func (l *LRU) ask(ctx context.Context, k key, one *flight) (*dns.Msg, error) {
	r := &dns.Msg{
		MsgHdr:   dns.MsgHdr{RecursionDesired: true, AuthenticatedData: true, CheckingDisabled: k.cd},
		Question: []dns.Question{{Name: k.name, Qtype: k.qtype, Qclass: k.qclass}},
	}
	r.SetEdns0(upstreamSize, k.do)
	if l.exchanger {
		return l.exchange(ctx, r, overUDP, one)
	}
	r.Id = dns.Id()
	m, err := l.exchange(ctx, r, overUDP, one)
	if err == nil && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) { // RFC 6891, 6.2.2
		r.Extra, r.AuthenticatedData = nil, false
		m, err = l.exchange(ctx, r, overUDP, one)
	}
	if err == nil && m.Truncated {
		m, err = l.exchange(ctx, r, overTCP, one)
	}
	return m, err
}

func (l *LRU) exchange(ctx context.Context, r *dns.Msg, client net.Addr, one *flight) (*dns.Msg, error) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < exchangeTime {
		return nil, errNoReply // plugin forward would not stop at the deadline
	}
	w := &capture{client: client}
	if l.exchanger {
		ctx = exchange.With(ctx, &one.query)
	} else {
		r = r.Copy() // it is used again
	}
	rcode, err := plugin.NextOrFailure(l.Name(), l.Next, ctx, w, r)
	switch {
	case w.m != nil && one.query.Fallback:
		return w.m, nil
	case w.m != nil:
		l.flights.answered(time.Now())
		return w.m, nil
	case err == nil && rcode != dns.RcodeSuccess && rcode != dns.RcodeServerFailure: // REFUSED without a message
		return new(dns.Msg).SetRcode(r, rcode), nil
	case err == nil:
		err = errNoReply
	}
	return nil, err
}

// Plugin forward asks over the protocol of its client, which is us.
var (
	overUDP = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	overTCP = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
)

// A capture is the client that the next plugin sees.
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
