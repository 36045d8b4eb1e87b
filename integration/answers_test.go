package integration

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A row asks dig for a name, a type and what else stands there, and compares
// [reply.String].
type row struct{ name, question, want string }

// ask runs rows over UDP and TCP.
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
		{"vault name exported without privatelink", "4728190365512870934-ab-pod01-rec2.privatelink.we.backup.windowsazure.com A", "NOERROR aa ra: A 10.20.0.7"},
		{"vault name asked without privatelink", "4728190365512870934-ab-pod01-rec2.we.backup.windowsazure.com A", "NOERROR ra: CNAME 4728190365512870934-ab-pod01-rec2.privatelink.we.backup.windowsazure.com., A 10.20.0.7"},
		{"public blob name", "wepod01ecs114x.blob.core.windows.net A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"private blob name", "wepod01ecs114x.privatelink.blob.core.windows.net A", "NOERROR aa ra: A 10.20.0.12"},
		{"queue", "wepod01ecs114x.queue.core.windows.net A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.queue.core.windows.net., A 10.20.0.13"},
		{"partitioned name", "wepod01prot121x.z17.blob.storage.azure.net A", "NOERROR ra: CNAME wepod01prot121x.privatelink.blob.core.windows.net., A 10.20.0.14"},
		{"partitioned account by its plain name", "wepod01prot121x.blob.core.windows.net A", "NOERROR ra: CNAME wepod01prot121x.privatelink.blob.core.windows.net., A 10.20.0.14"},
		{"two addresses", "wepod01dual1x.blob.core.windows.net A", "NOERROR ra: CNAME wepod01dual1x.privatelink.blob.core.windows.net., A 10.20.0.15, A 10.20.0.16"},
		{"AAAA of an endpoint with one", "wepod01dual1x.blob.core.windows.net AAAA", "NOERROR ra: CNAME wepod01dual1x.privatelink.blob.core.windows.net., AAAA fd00:20::15"},
		{"upper case", "WEpod01ECS114X.Blob.core.WINDOWS.net A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"CNAME of a public name", "wepod01ecs114x.blob.core.windows.net CNAME", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net."},
		{"DO", "wepod01ecs114x.blob.core.windows.net A +dnssec", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"without EDNS", "wepod01ecs114x.blob.core.windows.net A +noedns", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"RD=0 for ours", "wepod01ecs114x.blob.core.windows.net A +norec", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},

		{"AAAA NODATA", "wepod01ecs114x.blob.core.windows.net AAAA", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."},
		{"HTTPS NODATA", "wepod01ecs114x.blob.core.windows.net HTTPS", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."},
		{"TXT NODATA of a vault name", "4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com TXT", "NOERROR aa ra: / SOA privatelink.we.backup.windowsazure.com."},
		{"NXDOMAIN in a strict zone", "4728190365512870934-ab-pod01-none.privatelink.we.backup.windowsazure.com A", "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
		{"empty non-terminal", "below.privatelink.blob.core.windows.net A", "NOERROR aa ra: / SOA privatelink.blob.core.windows.net."},
		{"SOA", "privatelink.we.backup.windowsazure.com SOA", "NOERROR aa ra: SOA " + soaData(t, s)},
		{"NS", "privatelink.blob.core.windows.net NS", "NOERROR aa ra: NS ns.privatelink-dns.invalid."},

		{"custom name", "backup.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.blob.core.windows.net., CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"custom name of a private name", "direct.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"custom name, no AAAA leaks", "backup.corp.example AAAA", "NOERROR ra: CNAME wepod01ecs114x.blob.core.windows.net., CNAME wepod01ecs114x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."},
		{"custom name of a vault name, NXDOMAIN upstream", "vault.corp.example A", "NOERROR ra: CNAME 4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com., A 10.20.0.4"},
		{"another tenant's account", "someoneelse.blob.core.windows.net A", "NOERROR ra: CNAME someoneelse.privatelink.blob.core.windows.net., CNAME blob.am01prdstr01a.store.core.windows.net., A 203.0.113.7"},
		{"account without private endpoint", "unlinked.blob.core.windows.net A", "NOERROR ra: A 203.0.113.9"},
		{"another tenant's private name", "someoneelse.privatelink.blob.core.windows.net A", "NOERROR ra: CNAME blob.am01prdstr01a.store.core.windows.net., A 203.0.113.7"},
		{"unordered chain", "turned.corp.example A", "NOERROR ra: CNAME turned1.corp.example., CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"large answer upstream", "large.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.queue.core.windows.net., A 10.20.0.13"},
		{"truncated upstream, TC cleared", "cut.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"AA and AD of upstream dropped", "signed.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"our names in a foreign answer dropped", "poison.corp.example A", "NOERROR ra: A 198.51.100.84"},
		{"ANY, if plugin any does not answer it", "wepod01dual1x.privatelink.blob.core.windows.net ANY", "NOERROR aa ra: A 10.20.0.15, A 10.20.0.16, AAAA fd00:20::15"},
		{"SERVFAIL passes", "failing.corp.example A", "SERVFAIL ra:"},
		{"REFUSED passes", "refusing.corp.example A", "REFUSED ra:"},
	})
}

// soaData is the SOA record of the vault's zone. Its serial is a time, all the
// rest is fixed.
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

// What is none of our business is the same as if the client had asked upstream.
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
		{"16 links are followed", "h1.from16.hops.example", "A 10.20.0.12"},
		{"17 are not, and no address is behind them", "h1.from17.hops.example", "CNAME wepod01ecs114x.privatelink.blob.core.windows.net."},
	} {
		answer := dig(t, s.addr(""), tt.question).answer
		if last := answer[len(answer)-1]; last.rrtype+" "+last.data != tt.last {
			t.Errorf("%s: %s ends with %s %s; want %s", tt.name, tt.question, last.rrtype, last.data, tt.last)
		}
	}
}

// A client that gets TC asks again over TCP, where nothing is missing.
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

// Private endpoints resolve while the upstream is dead.
func TestUpstreamDead(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile())
	upstream.Close()
	ask(t, s.addr(""), []row{
		{"vault name", "4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com A", "NOERROR aa ra: A 10.20.0.4"},
		{"public name", "wepod01ecs114x.blob.core.windows.net A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"partitioned name", "wepod01prot121x.z17.blob.storage.azure.net AAAA", "NOERROR ra: CNAME wepod01prot121x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."},
		{"missing vault name", "4728190365512870934-ab-pod01-none.privatelink.we.backup.windowsazure.com A", "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
		{"foreign name", "www.corp.example A", "SERVFAIL:"},
	})
}

// Nothing is asked upstream for a name that we have.
func TestUpstreamNotAsked(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile())
	for _, name := range []string{"wepod01ecs114x.blob.core.windows.net", "4728190365512870934-ab-pod01-none.privatelink.we.backup.windowsazure.com"} {
		for _, qtype := range []string{"A", "AAAA", "HTTPS", "TXT"} {
			dig(t, s.addr(""), name, qtype)
		}
		if n := upstream.Asked(name); n != 0 {
			t.Errorf("upstream was asked %d times for %s; want 0", n, name)
		}
	}
}
