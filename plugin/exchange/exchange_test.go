package exchange

import (
	"net"
	"testing"

	"github.com/coredns/coredns/plugin/pkg/proxyproto"
	"github.com/coredns/coredns/plugin/test"
)

type writer struct {
	test.ResponseWriter
	addr net.Addr
}

func (w *writer) RemoteAddr() net.Addr { return w.addr }

// A proxied address may have any type.
func TestClientOf(t *testing.T) {
	client := func(ip string) net.Addr { return &net.UDPAddr{IP: net.ParseIP(ip), Port: 4000} }
	for _, tc := range []struct {
		name string
		addr net.Addr
		want string
	}{
		{"UDP", client("10.0.0.1"), "10.0.0.1"},
		{"TCP", &net.TCPAddr{IP: net.ParseIP("10.0.0.1"), Port: 4000}, "10.0.0.1"},
		{"IPv6", client("fd00::1"), "fd00::1"},
		{"IPv4 in IPv6", &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1).To16()}, "10.0.0.1"},
		{"proxied", proxyproto.NewAddr(client("10.0.0.99"), client("10.0.0.1"), nil), "10.0.0.1"},
		{"proxied, IPv6", proxyproto.NewAddr(client("10.0.0.99"), client("fd00::1"), nil), "fd00::1"},
		{"none", nil, "invalid IP"},
		{"not an IP address", &net.UnixAddr{Name: "/run/a.sock"}, "invalid IP"},
	} {
		if got := ClientOf(&writer{addr: tc.addr}); got.String() != tc.want {
			t.Errorf("%s: %s; want %s", tc.name, got, tc.want)
		}
	}
}
