package integration

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A row is one dig query and its expected reply, formatted by [reply.String]. The
// question holds the name, the type and dig's options.
type row struct{ name, question, want string }

// ask runs each row over UDP and over TCP.
func ask(t *testing.T, addr string, rows []row, options ...string) {
	t.Helper()
	for _, tt := range rows {
		for _, over := range []string{"+notcp", "+tcp"} {
			t.Run(tt.name+"/"+over, func(t *testing.T) {
				args := append(append(strings.Fields(tt.question), over), options...)
				if got := dig(t, addr, args...).String(); got != tt.want {
					t.Errorf("dig %s\n got %s\nwant %s", strings.Join(args, " "), got, tt.want)
				}
			})
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	ask(t, s.addr(""), []row{
		{"vault name", "4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com A", "NOERROR aa ra: A 10.20.0.4"},
		{"vault name exported without privatelink", privateRec2 + " A", "NOERROR aa ra: A 10.20.0.7"},
		{"vault name queried without privatelink", rec2 + " A", "NOERROR ra: CNAME " + privateRec2 + "., A 10.20.0.7"},
		{"public blob name", "wepod01ecs114x.blob.core.windows.net A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"private blob name", "wepod01ecs114x.privatelink.blob.core.windows.net A", "NOERROR aa ra: A 10.20.0.12"},
		{"queue", "wepod01ecs114x.queue.core.windows.net A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.queue.core.windows.net., A 10.20.0.13"},
		{"DNS zone endpoint", "wepod01prot121x.z17.blob.storage.azure.net A", "NOERROR ra: CNAME wepod01prot121x.privatelink.blob.core.windows.net., A 10.20.0.14"},
		{"standard name of an account with a DNS zone endpoint", "wepod01prot121x.blob.core.windows.net A", "NOERROR ra: CNAME wepod01prot121x.privatelink.blob.core.windows.net., A 10.20.0.14"},
		{"two addresses", "wepod01dual1x.blob.core.windows.net A", "NOERROR ra: CNAME wepod01dual1x.privatelink.blob.core.windows.net., A 10.20.0.15, A 10.20.0.16"},
		{"AAAA of an endpoint with an IPv6 address", "wepod01dual1x.blob.core.windows.net AAAA", "NOERROR ra: CNAME wepod01dual1x.privatelink.blob.core.windows.net., AAAA fd00:20::15"},
		{"upper case", "WEpod01ECS114X.Blob.core.WINDOWS.net A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"CNAME of a public name", "wepod01ecs114x.blob.core.windows.net CNAME", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net."},
		{"DO", "wepod01ecs114x.blob.core.windows.net A +dnssec", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"without EDNS", "wepod01ecs114x.blob.core.windows.net A +noedns", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"RD=0 for a local name", "wepod01ecs114x.blob.core.windows.net A +norec", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},

		{"AAAA NODATA", "wepod01ecs114x.blob.core.windows.net AAAA", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."},
		{"HTTPS NODATA", "wepod01ecs114x.blob.core.windows.net HTTPS", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."},
		{"TXT NODATA of a vault name", "4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com TXT", "NOERROR aa ra: / SOA privatelink.we.backup.windowsazure.com."},
		{"NXDOMAIN in a strict zone", "4728190365512870934-ab-pod01-none.privatelink.we.backup.windowsazure.com A", "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
		{"empty non-terminal", "below.privatelink.blob.core.windows.net A", "NOERROR aa ra: / SOA privatelink.blob.core.windows.net."},
		{"SOA", "privatelink.we.backup.windowsazure.com SOA", "NOERROR aa ra: SOA " + soaData(t, s)},
		{"NS", "privatelink.blob.core.windows.net NS", "NOERROR aa ra: NS ns.privatelink-dns.invalid."},

		{"custom name", "backup.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.blob.core.windows.net., CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"custom name of a private name", "direct.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"custom name, no public AAAA", "backup.corp.example AAAA", "NOERROR ra: CNAME " + blob + "., CNAME " + privateBlob + ". / SOA " + blobZone + "."},
		{"custom name of a vault name, NXDOMAIN upstream", "vault.corp.example A", "NOERROR ra: CNAME 4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com., A 10.20.0.4"},
		{"another tenant's account", "someoneelse.blob.core.windows.net A", "NOERROR ra: CNAME someoneelse." + blobZone + "., CNAME blob.am01prdstr01a.store.core.windows.net., A 203.0.113.7"},
		{"account without private endpoint", "unlinked.blob.core.windows.net A", "NOERROR ra: A 203.0.113.9"},
		{"another tenant's private name", "someoneelse.privatelink.blob.core.windows.net A", "NOERROR ra: CNAME blob.am01prdstr01a.store.core.windows.net., A 203.0.113.7"},
		{"unordered chain", "turned.corp.example A", "NOERROR ra: CNAME turned1.corp.example., CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"large answer upstream", "large.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.queue.core.windows.net., A 10.20.0.13"},
		{"truncated upstream, TC is cleared", "cut.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"AA and AD of the upstream are cleared", "signed.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"local names in a foreign answer are dropped", "poison.corp.example A", "NOERROR ra: A 198.51.100.84"},
		{"ANY without plugin any", "wepod01dual1x.privatelink.blob.core.windows.net ANY", "NOERROR aa ra: A 10.20.0.15, A 10.20.0.16, AAAA fd00:20::15"},
		{"SERVFAIL is passed on", "failing.corp.example A", "SERVFAIL ra:"},
		{"REFUSED is passed on", "refusing.corp.example A", "REFUSED ra:"},
	})
}

// soaData returns the SOA data of the vault's zone. It checks every field except
// the serial, which is a time.
func soaData(t *testing.T, s *server) string {
	t.Helper()
	soa := dig(t, s.addr(""), "privatelink.we.backup.windowsazure.com", "SOA").answer[0]
	f := strings.Fields(soa.data)
	if got, want := strings.Join(append(f[:2:2], f[3:]...), " "), "ns.privatelink-dns.invalid. nobody.invalid. 60 30 2419200 10"; got != want {
		t.Errorf("SOA without its serial = %s; want %s", got, want)
	}
	if soa.ttl != "10" {
		t.Errorf("TTL of the SOA = %s; want 10", soa.ttl)
	}
	return soa.data
}

// The reply for a foreign name is identical to the upstream's reply.
func TestForeignNamesPass(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile())
	for _, question := range []string{
		"www.corp.example A", "www.corp.example AAAA", "www.corp.example TXT", "www.corp.example MX", "WWW.corp.Example A",
		"web.corp.example A", "web.corp.example CNAME", "web.corp.example SRV", "corp.example MX", "corp.example NS", "corp.example SOA",
		"_ldap._tcp.corp.example SRV", "none.corp.example A", "dangling.corp.example A", "_tcp.corp.example A",
		"other.corp.example A", "other.corp.example HTTPS", "someoneelse.blob.core.windows.net AAAA",
		"ping.corp.example A", "backup.corp.example CNAME", "h1.from17.hops.example CNAME", "www.corp.example A +dnssec", "www.corp.example A +noedns",
	} {
		for _, over := range []string{"+notcp", "+tcp"} {
			t.Run(question+"/"+over, func(t *testing.T) {
				args := append(strings.Fields(question), over)
				got, want := dig(t, s.addr(""), args...), dig(t, upstream.Addr, args...)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("dig %s\n     got %+v\nupstream %+v", question, got, want)
				}
			})
		}
	}
}

func TestLongChain(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	for _, tt := range []struct{ name, question, last string }{
		{"a chain of 16 links is followed", "h1.from16.hops.example", "A 10.20.0.12"},
		{"a chain of 17 links ends without an address", "h1.from17.hops.example", "CNAME wepod01ecs114x.privatelink.blob.core.windows.net."},
	} {
		answer := dig(t, s.addr(""), tt.question).answer
		if last := answer[len(answer)-1]; last.rrtype+" "+last.data != tt.last {
			t.Errorf("%s: %s ends with %s %s; want %s", tt.name, tt.question, last.rrtype, last.data, tt.last)
		}
	}
}

// An answer that is truncated over UDP is complete over TCP.
func TestLargeAnswer(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	const name = "large.privatelink.queue.core.windows.net"
	if got := dig(t, s.addr(""), name, "+noedns", "+ignore"); !slices.Contains(got.flags, "tc") {
		t.Errorf("flags over UDP without EDNS = %s; want tc", got.flags)
	}
	for _, over := range []string{"+noedns", "+tcp"} { // dig falls back to TCP
		if got, want := len(dig(t, s.addr(""), name, over).answer), len(strings.Fields(many)); got != want {
			t.Errorf("dig %s %s = %d addresses; want %d", name, over, got, want)
		}
	}
}

func TestTTL(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	for _, rr := range dig(t, s.addr(""), "wepod01ecs114x.blob.core.windows.net", "A").answer {
		if rr.ttl != "60" {
			t.Errorf("TTL of %s %s = %s; want 60", rr.owner, rr.rrtype, rr.ttl)
		}
	}
}

// Private endpoints resolve while the upstream is down.
func TestUpstreamDead(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile())
	upstream.Close()
	ask(t, s.addr(""), []row{
		{"vault name", "4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com A", "NOERROR aa ra: A 10.20.0.4"},
		{"public name", "wepod01ecs114x.blob.core.windows.net A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"DNS zone endpoint", "wepod01prot121x.z17.blob.storage.azure.net AAAA", "NOERROR ra: CNAME wepod01prot121x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."},
		{"missing vault name", "4728190365512870934-ab-pod01-none.privatelink.we.backup.windowsazure.com A", "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
		{"foreign name", "www.corp.example A", "SERVFAIL:"},
	})
}

// The upstream receives no query for a local name.
func TestUpstreamNotAsked(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile())
	for _, name := range []string{"wepod01ecs114x.blob.core.windows.net", "4728190365512870934-ab-pod01-none.privatelink.we.backup.windowsazure.com"} {
		for _, qtype := range []string{"A", "AAAA", "HTTPS", "TXT"} {
			dig(t, s.addr(""), name, qtype)
		}
		if n := upstream.Asked(name); n != 0 {
			t.Errorf("upstream received %d queries for %s; want 0", n, name)
		}
	}
}
