package integration

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Azure's documentation recommends nslookup to check a vault's names. nslookup
// queries A and then AAAA, without EDNS.
func TestNslookup(t *testing.T) {
	t.Parallel()
	nslookup := need(t, "nslookup", "bind9-dnsutils")
	s, _ := serve(t, corefile())
	const target = "wepod01ecs114x.privatelink.blob.core.windows.net"
	for _, tt := range []struct {
		name, qname string
		found       bool
		want        string
	}{
		{"vault name", fc1, true, "Name: " + fc1 + " Address: 10.20.0.4"},
		{"vault's storage account", blob, true, blob + " canonical name = " + target + ". Name: " + target + " Address: 10.20.0.12"},
		{"missing vault name", "none.privatelink.we.backup.windowsazure.com", false, "** server can't find none.privatelink.we.backup.windowsazure.com: NXDOMAIN"},
	} {
		for _, over := range []string{"-novc", "-vc"} { // -vc is TCP
			out, err := exec.Command(nslookup, "-port="+s.env["PORT"], over, tt.qname, "127.0.0.1").CombinedOutput()
			_, text, _ := strings.Cut(string(out), "#"+s.env["PORT"]) // after the line with the server's address
			text = strings.TrimPrefix(strings.Join(strings.Fields(text), " "), "Non-authoritative answer: ")
			if (err == nil) != tt.found || text != tt.want {
				t.Errorf("%s: nslookup %s %s: %v\n got %s\nwant %s", tt.name, over, tt.qname, err, text, tt.want)
			}
		}
	}
	note(t, "Machines", "nslookup", "UDP", "private addresses")
	note(t, "Machines", "nslookup", "TCP", "private addresses")
}

// Resolve-DnsName of Windows queries AAAA and A without EDNS, from one port and at the
// same time, in either order. The nslookup of Windows first queries the server's own
// name.
func TestStubResolverOfWindows(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile("local"))
	conn, err := net.Dial("udp", s.addr(""))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(processTimeout)) //nolint:errcheck // the next read fails
	stub := &dns.Conn{Conn: conn}
	const noAAAA = "NOERROR ra: CNAME " + privateBlob + ". / SOA " + blobZone + "."
	const aliased = "NOERROR ra: CNAME " + privateBlob + "., A 10.20.0.12"
	for _, tt := range []struct {
		name, qname, aaaa, a string
	}{
		{"vault name", fc1, "NOERROR aa ra: / SOA privatelink.we.backup.windowsazure.com.", fc1Served},
		{"alias", blob, noAAAA, aliased},
		{"name with a search suffix", fc1 + ".corp.example", "NXDOMAIN ra: / SOA corp.example.", "NXDOMAIN ra: / SOA corp.example."},
		{"host name in upper case", strings.ToUpper(blob), noAAAA, aliased},
	} {
		want := map[uint16]string{dns.TypeAAAA: tt.aaaa, dns.TypeA: tt.a}
		for _, qtype := range []uint16{dns.TypeAAAA, dns.TypeA} {
			if err := stub.WriteMsg(question(tt.qname, qtype)); err != nil {
				t.Fatal(err)
			}
		}
		for range want {
			m, err := stub.ReadMsg()
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if got := summary(m); got != want[m.Question[0].Qtype] || m.IsEdns0() != nil {
				t.Errorf("%s, %s\n got %s, OPT %v\nwant %s, none", tt.name, dns.TypeToString[m.Question[0].Qtype], got, m.IsEdns0(), want[m.Question[0].Qtype])
			}
		}
	}
	if got := summary(exchange(t, "udp", s.addr(""), question("1.0.0.127.in-addr.arpa", dns.TypePTR))); got != "NOERROR: PTR localhost." {
		t.Errorf("the server's own name = %s; want localhost", got)
	}
	for _, name := range []string{fc1, blob} {
		if n := upstream.Asked(name); n != 0 {
			t.Errorf("upstream received %d queries for %s; want 0", n, name)
		}
	}
}
