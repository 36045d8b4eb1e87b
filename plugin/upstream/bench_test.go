package upstream

import (
	"net"
	"testing"

	"github.com/miekg/dns"
)

// BenchmarkExchange is one exchange over loopback, with the upstream in the process.
func BenchmarkExchange(b *testing.B) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			buf[2] |= 0x80
			_, _ = conn.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	cfg := defaults()
	cfg.from = "."
	cfg.servers = []endpoint{{addr: conn.LocalAddr().(*net.UDPAddr).AddrPort()}}
	u := newUpstream(cfg, newSystem(cfg))
	defer u.close()
	r := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	r.SetEdns0(1232, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u.ServeDNS(b.Context(), &writer{}, r); err != nil {
			b.Fatal(err)
		}
	}
}
