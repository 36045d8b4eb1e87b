package lifecycle

import (
	"net"
	"net/netip"
	"testing"
)

// An address in use by another socket is found, exactly: a socket on one address
// does not keep a server from the wildcard address.
func TestTaken(t *testing.T) {
	for _, tc := range []struct {
		name, listen, host string
		want               bool
	}{
		{"same IPv4 address", "127.0.0.1", "127.0.0.1", true},
		{"same IPv6 address", "::1", "::1", true},
		{"another address", "127.0.0.2", "127.0.0.1", false},
		{"wildcard", "", "", true},
		{"one address beside the wildcard", "127.0.0.1", "", false},
	} {
		conn, err := net.ListenPacket("udp", net.JoinHostPort(tc.listen, "0"))
		if err != nil {
			t.Fatal(err)
		}
		_, port, err := net.SplitHostPort(conn.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		err = Taken(tc.host, port)
		if (err != nil) != tc.want {
			t.Errorf("%s: %v; want an error: %v", tc.name, err, tc.want)
		}
		conn.Close()
		if err := Taken(tc.host, port); err != nil {
			t.Errorf("%s, closed: %v", tc.name, err)
		}
	}
}

func TestIsAddress(t *testing.T) {
	if !littleEndian {
		t.Skip("the rows are of a little-endian machine")
	}
	for text, addr := range map[string]string{
		"0100007F:0035": "127.0.0.1", "00000000000000000000000001000000:0035": "::1", "0000000000000000FFFF00000100007F:0035": "127.0.0.1",
	} {
		if !isAddress([]byte(text), netip.MustParseAddr(addr), 53) || isAddress([]byte(text), netip.MustParseAddr("10.0.0.1"), 53) {
			t.Errorf("%s is %s", text, addr)
		}
	}
}
