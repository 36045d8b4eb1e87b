package fakedns

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/miekg/dns"
)

// A Raw server sends octets.
type Raw struct {
	// UDP gets a query and sends what it likes, also later; nil is silence.
	UDP func(query []byte, send func([]byte))
	// TCP gets each connection, which it has to close; nil answers as Good does.
	TCP func(conn net.Conn)
}

// Listen starts a raw server and returns its address. It ends with the test.
func (r Raw) Listen(t testing.TB) string {
	t.Helper()
	for range 10 {
		udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err != nil {
			udp.Close()
			continue
		}
		t.Cleanup(func() {
			udp.Close()
			tcp.Close()
		})
		go r.serveUDP(udp)
		go r.serveTCP(tcp)
		return udp.LocalAddr().String()
	}
	t.Fatal("fakedns: no port is free over UDP and TCP")
	return ""
}

func (r Raw) serveUDP(conn *net.UDPConn) {
	for {
		buf := make([]byte, 1500)
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if r.UDP != nil {
			go r.UDP(buf[:n], func(b []byte) { conn.WriteToUDPAddrPort(b, from) }) //nolint:errcheck // the client has gone
		}
	}
}

func (r Raw) serveTCP(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if r.TCP != nil {
			go r.TCP(conn)
		} else {
			go Messages(conn, Good)
		}
	}
}

// Messages answers the queries of a connection in their order until it ends.
func Messages(conn net.Conn, answer func(query []byte) []byte) {
	defer conn.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, b); err != nil {
			return
		}
		if response := answer(b); response != nil {
			if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(response))), response...)); err != nil {
				return
			}
		}
	}
}

// Good returns a response with the address 192.0.2.1.
func Good(query []byte) []byte { return With(query, func(*dns.Msg) {}) }

// Cut returns a response with the TC bit, and a part of the records.
func Cut(query []byte) []byte { return With(query, func(m *dns.Msg) { m.Truncated = true }) }

// With returns a response that is changed.
func With(query []byte, change func(m *dns.Msg)) []byte {
	r := new(dns.Msg)
	if r.Unpack(query) != nil || len(r.Question) != 1 {
		return nil
	}
	m := new(dns.Msg).SetReply(r)
	m.RecursionAvailable = true
	m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1)}}
	if opt := r.IsEdns0(); opt != nil {
		m.SetEdns0(1232, opt.Do())
	}
	change(m)
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}
