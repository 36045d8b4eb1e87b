package lifecycle

import (
	"io"
	"net"
	"net/netip"
	"testing"
)

// An address in use by another socket is found, exactly: a socket on one address
// does not keep a server from the wildcard address.
func TestTaken(t *testing.T) {
	for _, tc := range []struct {
		name, network, listen, host string
		want                        bool
	}{
		{"same IPv4 address", "udp", "127.0.0.1", "127.0.0.1", true},
		{"same IPv6 address", "udp", "::1", "::1", true},
		{"another address", "udp", "127.0.0.2", "127.0.0.1", false},
		{"wildcard", "udp", "", "", true},
		{"one address beside the wildcard", "udp", "127.0.0.1", "", false},
		{"TCP", "tcp", "127.0.0.1", "127.0.0.1", true},
		{"TCP, another address", "tcp", "127.0.0.2", "127.0.0.1", false},
		{"TCP, wildcard", "tcp", "", "", true},
	} {
		conn, local := listen(t, tc.network, tc.listen)
		_, port, err := net.SplitHostPort(local)
		if err != nil {
			t.Fatal(err)
		}
		a := address{tc.network, tc.host, port}
		if got := taken(a); got != tc.want {
			t.Errorf("%s: taken(%v) = %v; want %v", tc.name, a, got, tc.want)
		}
		conn.Close()
		if taken(a) {
			t.Errorf("%s, closed: taken", tc.name)
		}
	}
}

// An address of a plugin is written as the plugin reads it.
func TestCheckTCP(t *testing.T) {
	conn, local := listen(t, "tcp", "127.0.0.1")
	defer conn.Close()
	all, wildcard := listen(t, "tcp", "")
	defer all.Close()
	_, port, _ := net.SplitHostPort(local)
	_, wildcardPort, _ := net.SplitHostPort(wildcard)
	for text, want := range map[string]bool{
		local: true, "localhost:" + port: true, "127.0.0.2:" + port: false, ":" + wildcardPort: true, "[::]:" + wildcardPort: true, ":0": false, "hub": false,
	} {
		if err := CheckTCP(text); (err != nil) != want {
			t.Errorf("%s: %v; want an error: %t", text, err, want)
		}
	}
}

// listen listens on a free port. The test ends it.
func listen(t *testing.T, network, host string) (conn io.Closer, local string) {
	t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		return c, c.LocalAddr().String()
	}
	c, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	return c, c.Addr().String()
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
