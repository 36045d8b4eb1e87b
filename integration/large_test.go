package integration

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// addressRange returns n consecutive addresses of 10.0.0.0/8.
func addressRange(n int) (all []string) {
	addr := netip.MustParseAddr("10.64.0.1")
	for range n {
		all = append(all, addr.String())
		addr = addr.Next()
	}
	return all
}

// serveLarge starts the binary with accounts that have thousands of addresses.
func serveLarge(t testing.TB, corefile string) *server {
	t.Helper()
	foreign := "huge.corp.example. 60 CNAME thousand.blob.core.windows.net.\n"
	for _, addr := range addressRange(1000) {
		foreign += "foreign.corp.example. 60 A " + addr + "\n"
	}
	s := prepare(t, corefile)
	s.env["UPSTREAM"] = fakedns.New(t, public+foreign).Addr
	s.write("vault.json", export(
		"thousand.blob.core.windows.net "+strings.Join(addressRange(1000), " "),
		"most.blob.core.windows.net "+strings.Join(addressRange(4090), " "),
		"toomany.blob.core.windows.net "+strings.Join(addressRange(5000), " ")))
	return s.start()
}

// addressesOf returns the sorted A records of the answer. It fails the test if an
// address occurs more than once.
func addressesOf(t testing.TB, m *dns.Msg) (all []string) {
	t.Helper()
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			all = append(all, a.A.String())
		}
	}
	slices.SortFunc(all, func(a, b string) int { return netip.MustParseAddr(a).Compare(netip.MustParseAddr(b)) })
	if n := len(all); n != len(slices.Compact(slices.Clone(all))) {
		t.Errorf("%s: an address occurs more than once", m.Question[0].Name)
	}
	return all
}

// An answer that does not fit into a datagram is truncated to a valid message that
// fits. It is complete over TCP (RFC 1035, 4.2.1; RFC 6891, 6.2.5).
func TestThousandAddresses(t *testing.T) {
	t.Parallel()
	for kind, corefile := range map[string]string{"plain": corefile(), "with lru": cached()} {
		s := serveLarge(t, corefile)
		for _, name := range []string{"thousand.privatelink.blob.core.windows.net", "thousand.blob.core.windows.net", "huge.corp.example", "foreign.corp.example"} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				for _, size := range []int{-1, 0, 100, 512, 1232, 4096} { // -1 means no EDNS
					isTruncated(t, s.addr(""), name, size)
				}
				m := exchange(t, "tcp", s.addr(""), question(name, dns.TypeA))
				if got := addressesOf(t, m); m.Truncated || !slices.Equal(got, addressRange(1000)) {
					t.Errorf("TC %v, %d addresses over TCP; want all 1000", m.Truncated, len(got))
				}
				if got := thousand(dig(t, s.addr(""), name, "+noedns")); got != allThousand { // dig retries over TCP
					t.Errorf("dig %s: %s; want %s", name, got, allThousand)
				}
				note(t, "1,000 addresses", "dig", "UDP, then TCP", allThousand)
				note(t, "1,000 addresses", "dig", "TCP", allThousand)
			})
		}
	}
}

// isTruncated queries 1,000 addresses over UDP and checks that the reply has TC and
// fits into size.
func isTruncated(t testing.TB, addr, name string, size int) {
	t.Helper()
	q := question(name, dns.TypeA)
	if size >= 0 {
		q.SetEdns0(uint16(size), false)
	}
	m := exchange(t, "udp", addr, q)
	m.Compress = true
	if most := max(size, dns.MinMsgSize); m.Rcode != dns.RcodeSuccess || !m.Truncated || m.Len() > most {
		t.Errorf("size %d: %s, TC %v, %d octets; want NOERROR, TC, at most %d", size, dns.RcodeToString[m.Rcode], m.Truncated, m.Len(), most)
	}
	addressesOf(t, m)
}

const allThousand = "1,000 of 1,000"

// thousand reports how many of 1,000 addresses dig received.
func thousand(r reply) string {
	n := 0
	for _, rr := range r.answer {
		if rr.rrtype == "A" {
			n++
		}
	}
	switch {
	case r.status != "NOERROR":
		return r.status
	case n == 1000:
		return allThousand
	}
	return fmt.Sprintf("%d of 1,000", n)
}

// A message has at most 65,535 octets. A larger answer is truncated even over TCP,
// so that the client still receives addresses.
func TestTooManyAddresses(t *testing.T) {
	t.Parallel()
	s := serveLarge(t, corefile())
	for _, tt := range []struct {
		name, network string
		size          uint16
		want          string
	}{
		{"most.privatelink.blob.core.windows.net", "tcp", 0, "NOERROR, TC false, 4090 addresses"},
		{"most.blob.core.windows.net", "tcp", 0, "NOERROR, TC false, 4090 addresses"},
		{"most.privatelink.blob.core.windows.net", "tcp", 4096, "NOERROR, TC false, 4090 addresses"},
		{"toomany.privatelink.blob.core.windows.net", "tcp", 0, "NOERROR, TC true, 4092 addresses"},
		{"toomany.blob.core.windows.net", "tcp", 0, "NOERROR, TC true, 4090 addresses"},
		{"toomany.blob.core.windows.net", "tcp", 1232, "NOERROR, TC true, 4090 addresses"},
		{"toomany.blob.core.windows.net", "udp", 1232, "NOERROR, TC true, 71 addresses"},
		{"toomany.blob.core.windows.net", "udp", 65535, "SERVFAIL, TC false, 0 addresses"}, // a datagram over IPv4 carries 65,507 octets
	} {
		t.Run(fmt.Sprintf("%s/%s %d", tt.name, tt.network, tt.size), func(t *testing.T) {
			q := question(tt.name, dns.TypeA)
			if tt.size > 0 {
				q.SetEdns0(tt.size, false)
			}
			m := exchange(t, tt.network, s.addr(""), q)
			if got := fmt.Sprintf("%s, TC %v, %d addresses", dns.RcodeToString[m.Rcode], m.Truncated, len(addressesOf(t, m))); got != tt.want {
				t.Errorf("%s; want %s", got, tt.want)
			}
		})
	}
}

// Forwarders retry over TCP. BIND caches at most 100 records of one name and type
// and otherwise returns SERVFAIL, unless max-records-per-type is 0.
func TestThousandAddressesThroughForwarders(t *testing.T) {
	t.Parallel()
	s := serveLarge(t, corefile())
	for _, tt := range []struct{ peer, program, pkg, debug, conf, want string }{
		{"BIND 9, forwarding", "named", "bind9", "-g", fmt.Sprintf(forwardingBIND, ""), "SERVFAIL"},
		{"BIND 9, forwarding, `max-records-per-type 0`", "named", "bind9", "-g", fmt.Sprintf(forwardingBIND, "max-records-per-type 0;"), allThousand},
		{"Unbound, forwarding", "unbound", "unbound", "-d", forwardingUnbound, allThousand},
	} {
		t.Run(tt.peer, func(t *testing.T) {
			program := need(t, tt.program, tt.pkg)
			d, port := &server{t: t, dir: t.TempDir()}, freePort(t)
			d.write("conf", strings.NewReplacer("DIR", d.dir, "LISTEN", port, "UPSTREAM", s.env["PORT"]).Replace(tt.conf))
			p := launch(t, "127.0.0.1:"+port, exec.Command(program, tt.debug, "-c", filepath.Join(d.dir, "conf")))
			if p.ended() {
				t.Skipf("%s may not read its configuration in %s, or is too old for it:\n%s", program, d.dir, p.out.String())
			}
			for _, name := range []string{"thousand.blob.core.windows.net", "huge.corp.example"} {
				for transport, over := range map[string]string{"UDP, then TCP": "+notcp", "TCP": "+tcp"} {
					if got := thousand(dig(t, "127.0.0.1:"+port, name, over)); got != tt.want {
						t.Errorf("dig %s %s: %s; want %s", name, over, got, tt.want)
					}
					note(t, "1,000 addresses", tt.peer, transport, tt.want)
				}
			}
		})
	}
}

const (
	forwardingBIND = `
options {
    directory "DIR";
    listen-on port LISTEN { 127.0.0.1; };
    listen-on-v6 { none; };
    pid-file none;
    session-keyfile none;
    recursion yes;
    forward only;
    forwarders { 127.0.0.1 port UPSTREAM; };
    dnssec-validation no;
    max-cache-size 32m;
    %s
};
controls { };
`
	forwardingUnbound = `
server:
    directory: "DIR"
    interface: 127.0.0.1
    port: LISTEN
    do-daemonize: no
    use-syslog: no
    username: ""
    chroot: ""
    pidfile: ""
    do-not-query-localhost: no
    module-config: "iterator"
    num-threads: 1
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@UPSTREAM
`
)
