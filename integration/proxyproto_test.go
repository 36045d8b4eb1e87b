package integration

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// behindProxy accepts PROXY headers from 127.0.0.1 only. It allows clients in
// 10.0.0.0/8 and fd00::/8, and the proxy itself.
const behindProxy = `
(common) {
    bind 127.0.0.1
    errors
    proxyproto {
        allow 127.0.0.1/32
    }
    acl {
        allow net 10.0.0.0/8 fd00::/8 127.0.0.1/32
        block
    }
    privatelink {
        geo we
        files {$DIR}/*.json
    }
    forward . {$UPSTREAM}
}
.:{$PORT} {
    import common
}
tls://.:{$PORT_TLS} {
    tls {$DIR}/cert.pem {$DIR}/key.pem
    import common
}
`

func serveBehindProxy(t testing.TB, corefile string) *server {
	t.Helper()
	s := prepare(t, corefile)
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("vault.json", export(vault...))
	cert, key, _ := certificate(t)
	s.write("cert.pem", cert)
	s.write("key.pem", key)
	return s.start()
}

const (
	refused = "REFUSED: EDE 15 (Blocked)"
	seen    = "client's address seen"
)

func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	needSecondAddress(t)
	s := serveBehindProxy(t, behindProxy)
	for _, tt := range []struct{ name, network, from, header, want string }{
		{"v1, allowed client", "tcp", "127.0.0.1", "PROXY TCP4 10.1.2.3 10.20.0.53 40000 53\r\n", fc1Served},
		{"v1, blocked client", "tcp", "127.0.0.1", "PROXY TCP4 192.0.2.1 10.20.0.53 40000 53\r\n", refused},
		{"v1, allowed IPv6 client", "tcp", "127.0.0.1", "PROXY TCP6 fd00::7 fd00::53 40000 53\r\n", fc1Served},
		{"v1, blocked IPv6 client", "tcp", "127.0.0.1", "PROXY TCP6 2001:db8::7 fd00::53 40000 53\r\n", refused},
		{"v1, no client address, as in a health check", "tcp", "127.0.0.1", "PROXY UNKNOWN\r\n", fc1Served},
		{"v1, malformed header", "tcp", "127.0.0.1", "PROXY TCP4 ten.one.two.three\r\n", "closed"},
		{"v2, allowed client", "tcp", "127.0.0.1", proxyV2(commandProxy, 1, "10.1.2.3"), fc1Served},
		{"v2, blocked client", "tcp", "127.0.0.1", proxyV2(commandProxy, 1, "192.0.2.1"), refused},
		{"v2, allowed IPv6 client", "tcp", "127.0.0.1", proxyV2(commandProxy, 1, "fd00::7"), fc1Served},
		{"v2, blocked IPv6 client", "tcp", "127.0.0.1", proxyV2(commandProxy, 1, "2001:db8::7"), refused},
		{"v2, no client address, as in a health check", "tcp", "127.0.0.1", proxyV2(commandLocal, 0, ""), fc1Served},
		{"no header", "tcp", "127.0.0.1", "", fc1Served},
		{"no header, from an untrusted address", "tcp", "127.0.0.2", "", refused},
		{"v1, from an untrusted address", "tcp", "127.0.0.2", "PROXY TCP4 10.1.2.3 10.20.0.53 40000 53\r\n", refused},
		{"v2, from an untrusted address", "tcp", "127.0.0.2", proxyV2(commandProxy, 1, "10.1.2.3"), refused},

		{"v2, allowed client", "udp", "127.0.0.1", proxyV2(commandProxy, 2, "10.1.2.3"), fc1Served},
		{"v2, blocked client", "udp", "127.0.0.1", proxyV2(commandProxy, 2, "192.0.2.1"), refused},
		{"v2, blocked IPv6 client", "udp", "127.0.0.1", proxyV2(commandProxy, 2, "2001:db8::7"), refused},
		{"v2, from an untrusted address", "udp", "127.0.0.2", proxyV2(commandProxy, 2, "10.1.2.3"), refused},
		{"no header", "udp", "127.0.0.1", "", fc1Served},
		{"no header, from an untrusted address", "udp", "127.0.0.2", "", refused},
	} {
		t.Run(tt.name+"/"+tt.network, func(t *testing.T) {
			if got := askBehindProxy(t, s.addr(""), tt.network, tt.from, tt.header); got != tt.want {
				t.Errorf("header %q from %s: %s; want %s", tt.header, tt.from, got, tt.want)
			}
		})
	}
}

// With each address in bind, the reply to a datagram leaves from the address that was
// asked. CoreDNS cannot do that on a wildcard listener behind proxyproto.
func TestProxyProtocolSource(t *testing.T) {
	t.Parallel()
	needSecondAddress(t)
	s := serveBehindProxy(t, strings.ReplaceAll(behindProxy, "bind 127.0.0.1", "bind 127.0.0.1 127.0.0.2"))
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		for _, header := range []string{"", proxyV2(commandProxy, 2, "10.1.2.3")} {
			addr := net.JoinHostPort(host, s.env["PORT"])
			if got := askBehindProxy(t, addr, "udp", "127.0.0.1", header); got != fc1Served { // its socket is connected
				t.Errorf("%s with header %q: %s; want %s", addr, header, got, fc1Served)
			}
		}
	}
}

// askBehindProxy sends a PROXY header and a query for a vault name.
func askBehindProxy(t *testing.T, addr, network, from, header string) string {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	if network == "udp" {
		dialer.LocalAddr = &net.UDPAddr{IP: net.ParseIP(from)}
	}
	conn, err := dialer.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(processTimeout)) //nolint:errcheck // the next read fails
	wire, err := question(fc1, dns.TypeA).SetEdns0(1232, false).Pack()
	if err != nil {
		t.Fatal(err)
	}
	if network == "tcp" {
		wire = append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	}
	if _, err := conn.Write(append([]byte(header), wire...)); err != nil {
		t.Fatal(err)
	}
	m, err := (&dns.Conn{Conn: conn}).ReadMsg()
	if errors.Is(err, io.EOF) {
		return "closed"
	}
	if err != nil {
		t.Fatal(err)
	}
	return summary(m)
}

// Commands of PROXY protocol version 2.
const commandLocal, commandProxy = 0, 1

// proxyV2 returns a header of version 2 without options. The transport is 1 for TCP
// and 2 for UDP, or 0 for none.
func proxyV2(command, transport byte, source string) string {
	header := []byte("\r\n\r\n\x00\r\nQUIT\n\x00\x00\x00\x00")
	header[12] = 2<<4 | command
	if transport == 0 {
		return string(header)
	}
	addr, family := netip.MustParseAddr(source), byte(1)
	if addr.Is6() {
		family = 2
	}
	header[13] = family<<4 | transport
	addrs := append(addr.AsSlice(), addr.AsSlice()...) // the server ignores the destination
	addrs = binary.BigEndian.AppendUint16(addrs, 40000)
	addrs = binary.BigEndian.AppendUint16(addrs, 53)
	binary.BigEndian.PutUint16(header[14:], uint16(len(addrs)))
	return string(append(header, addrs...))
}

// needSecondAddress skips a test that also queries from 127.0.0.2.
func needSecondAddress(t testing.TB) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("no second loopback address to query from: %v", err)
	}
	c.Close()
}

func TestKdigProxy(t *testing.T) {
	t.Parallel()
	need(t, "kdig", "knot-dnsutils")
	s := serveBehindProxy(t, behindProxy)
	for transport, over := range map[string]string{"UDP": "+notcp", "TCP": "+tcp"} {
		for _, tt := range []struct{ client, want string }{
			{"10.1.2.3#40000-10.20.0.53#53", fc1Served},
			{"192.0.2.1#40000-10.20.0.53#53", "REFUSED:"},
			{"fd00::7#40000-fd00::53#53", fc1Served},
			{"2001:db8::7#40000-fd00::53#53", "REFUSED:"},
		} {
			if got := kdig(t, s.addr(""), fc1, over, "+proxy="+tt.client); got != tt.want {
				t.Errorf("kdig %s +proxy=%s: %s; want %s", over, tt.client, got, tt.want)
			}
		}
		note(t, "Machines", "kdig, PROXY v2", transport, seen)
	}
}

const haproxyConf = `
defaults
    mode tcp
    timeout connect 10s
    timeout client 30s
    timeout server 30s
listen v1
    bind 127.0.0.1:%[1]s
    server dns %[4]s send-proxy
listen v2
    bind 127.0.0.1:%[2]s
    server dns %[4]s send-proxy-v2
listen dot
    bind 127.0.0.1:%[3]s
    server dns %[5]s send-proxy-v2
`

// A client that queries HAProxy from 127.0.0.2 is refused, although HAProxy itself
// connects from 127.0.0.1.
func TestHAProxy(t *testing.T) {
	t.Parallel()
	needSecondAddress(t)
	haproxy := need(t, "haproxy", "haproxy")
	s := serveBehindProxy(t, behindProxy)
	v1, v2, dot := freePort(t), freePort(t), freePort(t)
	s.write("haproxy.cfg", fmt.Sprintf(haproxyConf, v1, v2, dot, s.addr(""), s.addr("_TLS")))
	p := spawn(t, exec.Command(haproxy, "-db", "-f", filepath.Join(s.dir, "haproxy.cfg"))) // -db: no daemon
	t.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGUSR1) //nolint:errcheck // it has ended
		select {                              // SIGUSR1 ends HAProxy with exit status 0, SIGTERM does not
		case <-p.done:
			p.stopped = p.err == nil
		case <-time.After(processTimeout):
		}
	})
	eventually(t, "start of HAProxy", func() bool {
		return p.ended() || holderOf(p.cmd.Process.Pid, "127.0.0.1:"+dot) != others && connects("127.0.0.1:"+dot)
	})
	for name, port := range map[string]string{"PROXY v1": v1, "PROXY v2": v2} {
		for from, want := range map[string]string{"127.0.0.1": fc1Served, "127.0.0.2": refused} {
			if got := dig(t, "127.0.0.1:"+port, fc1, "A", "+tcp", "-b", from).String(); got != want {
				t.Errorf("%s, client %s: %s; want %s", name, from, got, want)
			}
		}
		note(t, "Machines", "HAProxy, "+name, "TCP", seen)
	}
	need(t, "kdig", "knot-dnsutils")
	for from, want := range map[string]string{"127.0.0.1": fc1Served, "127.0.0.2": "REFUSED:"} {
		if got := kdig(t, "127.0.0.1:"+dot, fc1, "+tls", "-b", from); got != want {
			t.Errorf("PROXY v2 before TLS, client %s: %s; want %s", from, got, want)
		}
	}
	note(t, "Machines", "HAProxy, PROXY v2", "DoT", seen)
}

func connects(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		conn.Close()
	}
	return err == nil
}
