package main

import (
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

// startUpstream starts a server with an A record for every name.
func startUpstream() (netip.AddrPort, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	listener, err := net.Listen("tcp", conn.LocalAddr().String())
	if err != nil {
		return netip.AddrPort{}, err
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		m.RecursionAvailable = true
		if r.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 86400}, A: net.IPv4(192, 0, 2, 1)}}
		}
		if opt := r.IsEdns0(); opt != nil {
			m.SetEdns0(1232, opt.Do())
		}
		_ = w.WriteMsg(m) // the client retries
	})
	for _, server := range []*dns.Server{{PacketConn: conn, Handler: handler}, {Listener: listener, Handler: handler}} {
		go server.ActivateAndServe() //nolint:errcheck // the program ends it
	}
	return conn.LocalAddr().(*net.UDPAddr).AddrPort(), nil
}
