package integration

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// stubZone is the reply to a query without RD for a foreign name.
const stubZone = "REFUSED: EDE 20 (Not Authoritative): (RD is not set: forward to this server, do not configure a stub zone)"

func TestRefusals(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile())
	ask(t, s.addr(""), []row{
		{"CH for a local name", "wepod01ecs114x.privatelink.blob.core.windows.net CH A", "REFUSED:"},
		{"CH for a foreign name", "www.corp.example CH TXT", "REFUSED:"},
		{"HS for a local name", "wepod01ecs114x.privatelink.blob.core.windows.net HS A", "REFUSED:"},
		{"RD=0 for a foreign name", "www.corp.example A +norec", stubZone},
		{"RD=0 for another tenant's name", "someoneelse.blob.core.windows.net A +norec", stubZone},
		{"IXFR without transfer", "privatelink.blob.core.windows.net IXFR=1", "REFUSED:"},
	})
	if n := upstream.Asked("www.corp.example"); n != 0 {
		t.Errorf("upstream received %d queries; want 0", n)
	}
}

// NOTIFY and UPDATE are rejected and not forwarded, because records change in Azure
// only.
func TestOtherOpcodes(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile())
	for _, tt := range []struct {
		name string
		zone string
		make func(m *dns.Msg, zone string) *dns.Msg
	}{
		{"NOTIFY for a local zone", "privatelink.blob.core.windows.net.", (*dns.Msg).SetNotify},
		{"NOTIFY for a foreign zone", "corp.example.", (*dns.Msg).SetNotify},
		{"UPDATE of a local zone", "privatelink.blob.core.windows.net.", (*dns.Msg).SetUpdate},
		{"UPDATE of a foreign zone", "corp.example.", (*dns.Msg).SetUpdate},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tt.name+"/"+network, func(t *testing.T) {
				m, _, err := (&dns.Client{Net: network}).Exchange(tt.make(new(dns.Msg), tt.zone), s.addr(""))
				if err != nil {
					t.Fatal(err)
				}
				if m.Rcode != dns.RcodeRefused && m.Rcode != dns.RcodeNotImplemented {
					t.Errorf("%s = %s; want REFUSED or NOTIMP", tt.name, dns.RcodeToString[m.Rcode])
				}
				if n := upstream.Asked(tt.zone); n != 0 {
					t.Errorf("upstream received %d of these requests; want 0", n)
				}
			})
		}
	}
}

func TestTransferIsOffByDefault(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	for _, zone := range []string{"privatelink.blob.core.windows.net", "blob.core.windows.net", "corp.example"} {
		if got := digText(t, s.addr(""), zone, "AXFR"); !strings.Contains(got, "; Transfer failed.") {
			t.Errorf("dig %s AXFR = %s; want a refusal", zone, got)
		}
	}
}

func TestTransfer(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile("transfer {", "    to *", "}"))
	got := transfer(t, s.addr(""), "privatelink.blob.core.windows.net")
	want := []string{
		"privatelink.blob.core.windows.net. SOA", "privatelink.blob.core.windows.net. NS",
		"deep.below.privatelink.blob.core.windows.net. A 10.20.0.17",
		"wepod01dual1x.privatelink.blob.core.windows.net. A 10.20.0.15",
		"wepod01dual1x.privatelink.blob.core.windows.net. A 10.20.0.16",
		"wepod01dual1x.privatelink.blob.core.windows.net. AAAA fd00:20::15",
		"wepod01ecs114x.privatelink.blob.core.windows.net. A 10.20.0.12",
		"wepod01prot121x.privatelink.blob.core.windows.net. A 10.20.0.14",
		"privatelink.blob.core.windows.net. SOA",
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
			t.Fatalf("transfer\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	if out := digText(t, s.addr(""), "corp.example", "AXFR"); !strings.Contains(out, "; Transfer failed.") {
		t.Errorf("transfer of a foreign zone = %s; want a refusal", out)
	}
}

// transfer returns the records of an AXFR, each as owner, type and data.
func transfer(t testing.TB, addr, zone string) (records []string) {
	t.Helper()
	for line := range strings.Lines(digText(t, addr, zone, "AXFR", "+noall", "+answer")) {
		if f := strings.Fields(line); len(f) >= 5 && !strings.HasPrefix(line, ";") {
			records = append(records, f[0]+" "+strings.Join(f[3:], " "))
		}
	}
	return records
}

// A blocked client is refused by acl before any other plugin answers. In CoreDNS's own
// order, any and local precede acl and answer it.
func TestBlockedClientIsRefused(t *testing.T) {
	t.Parallel()
	if c, err := net.ListenPacket("udp", "127.0.0.2:0"); err != nil {
		t.Skipf("no second loopback address to query from: %v", err)
	} else {
		c.Close()
	}
	s, upstream := serve(t, corefile("any", "local", "transfer {", "    to *", "}", "acl {", "    block net 127.0.0.2/32", "}"))
	ask(t, s.addr(""), []row{
		{"vault name", "4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com A", "REFUSED: EDE 15 (Blocked)"},
		{"public name", "wepod01ecs114x.blob.core.windows.net A", "REFUSED: EDE 15 (Blocked)"},
		{"foreign name", "www.corp.example A", "REFUSED: EDE 15 (Blocked)"},
		{"any", "www.corp.example ANY", "REFUSED: EDE 15 (Blocked)"},
		{"localhost", "localhost A", "REFUSED: EDE 15 (Blocked)"},
		{"reverse of localhost", "1.0.0.127.in-addr.arpa PTR", "REFUSED: EDE 15 (Blocked)"},
	}, "-b", "127.0.0.2")
	if n := upstream.Asked("www.corp.example"); n != 0 {
		t.Errorf("upstream received %d queries from a blocked client; want 0", n)
	}
	if out := digText(t, s.addr(""), "privatelink.blob.core.windows.net", "AXFR", "-b", "127.0.0.2"); !strings.Contains(out, "; Transfer failed.") {
		t.Errorf("transfer to a blocked client = %s; want a refusal", out)
	}
	ask(t, s.addr(""), []row{
		{"allowed: vault name", "4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com A", "NOERROR aa ra: A 10.20.0.4"},
		{"allowed: foreign name", "www.corp.example A", "NOERROR ra: A 198.51.100.80, A 198.51.100.81"},
		{"allowed: any", "www.corp.example ANY", `NOERROR: HINFO "ANY obsoleted" "See RFC 8482"`},
		{"allowed: localhost", "localhost A", "NOERROR: A 127.0.0.1"},
	})
}
