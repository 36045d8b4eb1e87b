package upstream

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// A socket that is used again has another port, and receives no datagrams and errors of
// its old port.
func TestRecycledSocketIsEmpty(t *testing.T) {
	for _, loopback := range []string{"127.0.0.1", "::1"} {
		server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(loopback)})
		if err != nil {
			t.Skip(err)
		}
		defer server.Close()
		to := server.LocalAddr().(*net.UDPAddr).AddrPort()
		var r recycler
		defer r.close()
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			t.Fatal(err)
		}
		s := r.wrap(conn, to).(*recycled)
		old := conn.LocalAddr().(*net.UDPAddr).AddrPort()
		for range 10 {
			if _, err := server.WriteToUDPAddrPort([]byte("late"), old); err != nil {
				t.Fatal(err)
			}
		}
		s.recycle()
		if _, err := server.WriteToUDPAddrPort([]byte("later"), old); err != nil {
			t.Fatal(err)
		}
		again := r.take(to)
		if again != socket(s) {
			t.Fatalf("%s: the socket is not used again", loopback)
		}
		if _, err := again.Write([]byte("query")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		_, from, err := server.ReadFromUDPAddrPort(buf)
		if err != nil || from.Port() == old.Port() {
			t.Errorf("%s: port %d as before, %v", loopback, from.Port(), err)
		}
		if _, err := server.WriteToUDPAddrPort([]byte("response"), from); err != nil {
			t.Fatal(err)
		}
		_ = again.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := again.Read(buf); err != nil || string(buf[:n]) != "response" {
			t.Errorf("%s: read %q, %v; want the response", loopback, buf[:n], err)
		}
		_ = again.Close()
	}
}

// The error of a query does not fail the next one.
func TestRecycledSocketHasNoError(t *testing.T) {
	closed, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	to := closed.LocalAddr().(*net.UDPAddr).AddrPort()
	_ = closed.Close()
	var r recycler
	defer r.close()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	s := r.wrap(conn, to).(*recycled)
	if _, err := s.Write([]byte("query")); err != nil { // it is refused
		t.Fatal(err)
	}
	s.recycle()
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	again := r.take(server.LocalAddr().(*net.UDPAddr).AddrPort())
	if again == nil {
		t.Fatal("no socket")
	}
	if _, err := again.Write([]byte("query")); err != nil {
		t.Errorf("write: %v", err)
	}
}

// At most maxIdle sockets are stored, and all are closed at the end.
func TestIdleSockets(t *testing.T) {
	to := netip.MustParseAddrPort("127.0.0.1:9")
	var r recycler
	var all []socket
	for range maxIdle + 5 {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.wrap(conn, to))
	}
	for _, s := range all[1:] {
		s.(*recycled).recycle()
	}
	if n := len(r.idle[0]); n != maxIdle {
		t.Errorf("%d idle sockets; want %d", n, maxIdle)
	}
	r.close()
	all[0].(*recycled).recycle()
	if n := len(r.idle[0]); n != 0 {
		t.Errorf("%d idle sockets after the end; want 0", n)
	}
}
