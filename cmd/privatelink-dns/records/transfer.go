package records

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

var errRefused = errors.New("refused")

// messageTimeout is how long a message of a transfer may take.
const messageTimeout = 10 * time.Second

// transfer returns the zone's records without the SOA that ends the transfer
// (RFC 5936), or errRefused.
func (s *server) transfer(ctx context.Context, zone dnsname.Name) ([]dns.RR, error) {
	tcp, err := (&net.Dialer{Timeout: messageTimeout}).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, err
	}
	defer tcp.Close()
	defer context.AfterFunc(ctx, func() { tcp.Close() })()
	s.client, _, _ = net.SplitHostPort(tcp.LocalAddr().String())
	conn := &dns.Conn{Conn: tcp}
	question := new(dns.Msg).SetAxfr(string(zone))
	if err := conn.WriteMsg(question); err != nil {
		return nil, err
	}
	var rrs []dns.RR
	for {
		m, err := next(conn, question.Id)
		if err != nil {
			return rrs, fmt.Errorf("transfer: %w", err)
		}
		rrs = append(rrs, m.Answer...)
		if err := checkTransfer(rrs, m); err != nil {
			return nil, err
		}
		if last := len(rrs) - 1; last > 0 && rrs[last].Header().Rrtype == dns.TypeSOA {
			return rrs[:last], nil
		}
	}
}

func next(conn *dns.Conn, id uint16) (*dns.Msg, error) {
	if err := conn.SetDeadline(time.Now().Add(messageTimeout)); err != nil {
		return nil, err
	}
	m, err := conn.ReadMsg()
	if err == nil && m.Id != id {
		err = dns.ErrId
	}
	return m, err
}

// checkTransfer checks the records so far and the newest message.
func checkTransfer(rrs []dns.RR, m *dns.Msg) error {
	switch {
	case m.Rcode == dns.RcodeRefused, m.Rcode == dns.RcodeNotAuth, m.Rcode == dns.RcodeNotImplemented:
		return errRefused
	case m.Rcode == dns.RcodeServerFailure:
		return fmt.Errorf("transfer: %s: not every source of the server is loaded yet, its log says which", status(m))
	case m.Rcode != dns.RcodeSuccess:
		return fmt.Errorf("transfer: %s", status(m))
	case len(m.Answer) == 0 || rrs[0].Header().Rrtype != dns.TypeSOA:
		return errors.New("transfer: it does not begin with an SOA record, or has an empty message")
	}
	return nil
}

// addrOf returns the address of an A or AAAA record, else the zero value.
func addrOf(rr dns.RR) netip.Addr {
	var ip net.IP
	switch rr := rr.(type) {
	case *dns.A:
		ip = rr.A
	case *dns.AAAA:
		ip = rr.AAAA
	}
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}
