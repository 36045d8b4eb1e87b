package upstream

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"
)

func summary(all []*config) string {
	var texts []string
	for _, c := range all {
		text := fmt.Sprint(c.from, " ", c.servers, " ", c.policy, " ", c.maxConcurrent)
		for _, more := range []struct {
			set  bool
			text string
		}{
			{c.except != nil, fmt.Sprint(" except ", c.except)},
			{c.fallback != nil, fmt.Sprint(" fallback ", c.fallback)},
			{c.private != nil, fmt.Sprint(" private ", c.private)},
			{len(c.failover) != 3, fmt.Sprint(" failover ", rcodes(c.failover))},
			{c.forceTCP, " force_tcp"},
			{c.expire.Seconds() != 10, fmt.Sprint(" expire ", c.expire)},
			{c.maxAge != 0, fmt.Sprint(" max_age ", c.maxAge)},
			{c.source.IsValid(), fmt.Sprint(" source ", c.source)},
			{c.tlsServerName != "", " tls_servername " + c.tlsServerName},
			{c.probe != defaults().probe, fmt.Sprintf(" probe {%s %s %t}", c.probe.interval, c.probe.name, c.probe.rd)},
		} {
			if more.set {
				text += more.text
			}
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

func rcodes(all []int) (names []string) {
	for _, rcode := range all {
		names = append(names, dns.RcodeToString[rcode])
	}
	return names
}

func TestParse(t *testing.T) {
	resolv := filepath.Join(t.TempDir(), "resolv.conf")
	empty := filepath.Join(t.TempDir(), "empty.conf")
	for file, text := range map[string]string{resolv: "nameserver 192.0.2.1\nnameserver 2001:db8::1\n", empty: "search example\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(block string) string { return "upstream . 192.0.2.1 {\n" + block + "\n}" }
	const plain = ". [192.0.2.1:53] sequential 200"
	for _, tc := range []struct{ name, corefile, want string }{
		{"defaults", "upstream . 192.0.2.1", plain},
		{"ports and protocols", "upstream . 192.0.2.1:5353 dns://192.0.2.2 tls://192.0.2.3 [2001:db8::1]:54 2001:db8::2",
			". [192.0.2.1:5353 192.0.2.2:53 tls://192.0.2.3:853 [2001:db8::1]:54 [2001:db8::2]:53] sequential 200"},
		{"an address listed twice counts once", "upstream . 192.0.2.1 192.0.2.1:53", plain},
		{"file of the system", "upstream . " + resolv, ". [192.0.2.1:53 [2001:db8::1]:53] sequential 200"},
		{"zones and networks", "upstream Example.org 192.0.2.1\nupstream 10.0.0.0/8 192.0.2.1", "example.org. [192.0.2.1:53] sequential 200; 10.in-addr.arpa. [192.0.2.1:53] sequential 200"},
		{"block of the hub", in("max_concurrent 100"), ". [192.0.2.1:53] sequential 100"},
		{"block of an office", in("policy sequential\nhealth_check 2s"), plain + " probe {2s . true}"},
		{"policies", in("policy random"), ". [192.0.2.1:53] random 200"},
		{"health check with options", in("health_check 5s no_rec domain example.org"), plain + " probe {5s example.org. false}"},
		{"fallback and private", in("fallback 198.51.100.1\nprivate corp.example 10.1.0.0/16"), plain + " fallback [198.51.100.1:53] private [corp.example. 1.10.in-addr.arpa.]"},
		{"failover adds RCODEs", in("failover REFUSED nxdomain"), plain + " failover [SERVFAIL NOTIMP REFUSED NXDOMAIN]"},
		{"except", in("except a.example b.example\nexcept c.example"), plain + " except [a.example. b.example. c.example.]"},
		{"connections", in("force_tcp\nexpire 20s\nmax_age 1m"), plain + " force_tcp expire 20s max_age 1m0s"},
		{"accepted without effect", in("prefer_udp\nfailfast_all_unhealthy_upstreams"), plain},
		{"source address", in("source_address 192.0.2.9"), plain + " source 192.0.2.9"},
		{"DNS over TLS", "upstream . tls://192.0.2.1 {\ntls\ntls_servername dns.example\n}", ". [tls://192.0.2.1:853] sequential 200 tls_servername dns.example"},

		{"no values", "upstream", "Testfile:1 - Error during parsing: upstream: no value, the syntax is: upstream FROM TO..."},
		{"no upstream", "upstream .", "Testfile:1 - Error during parsing: upstream: 1 value, the syntax is: upstream FROM TO..."},
		{"host name", "upstream . dns.example", `Testfile:1 - Error during parsing: upstream: "dns.example" is not an IP address, nor a file such as /etc/resolv.conf; host names are not resolved`},
		{"https", "upstream . https://192.0.2.1",
			`Testfile:1 - Error during parsing: upstream: "https://192.0.2.1": https is not supported, only UDP, TCP and DNS over TLS (tls://) are; use forward for it`},
		{"unknown scheme", "upstream . udp://192.0.2.1", `Testfile:1 - Error during parsing: upstream: "udp://192.0.2.1": unknown scheme "udp", the known ones are dns, tls`},
		{"port 0", "upstream . 192.0.2.1:0", `Testfile:1 - Error during parsing: upstream: "192.0.2.1:0": invalid port 0`},
		{"unspecified address", "upstream . 0.0.0.0", `Testfile:1 - Error during parsing: upstream: "0.0.0.0" is not the address of a server`},
		{"file without servers", "upstream . " + empty, `Testfile:1 - Error during parsing: upstream: "` + empty + `" has no line with nameserver`},
		{"16 upstreams", "upstream ." + many(16), "Testfile:1 - Error during parsing: upstream: 16 upstreams are above the maximum of 15"},
		{"network with two zones", "upstream 10.0.0.0/15 192.0.2.1",
			`Testfile:1 - Error during parsing: upstream: "10.0.0.0/15" has 2 reverse zones; write one upstream for each, beginning with 0.10.in-addr.arpa.`},
		{"unknown property", in("retries 3"),
			"Testfile:2 - Error during parsing: retries: unknown property, the known ones are except, expire, failfast_all_unhealthy_upstreams, failover, fallback, " +
				"force_tcp, health_check, max_age, max_concurrent, policy, prefer_udp, private, source_address, tls, tls_servername"},
		{"property twice", in("policy random\npolicy random"), "Testfile:3 - Error during parsing: policy: specified more than once"},
		{"policy", in("policy fastest"), `Testfile:2 - Error during parsing: policy: unknown policy "fastest", the known ones are random, round_robin, sequential`},
		{"max_concurrent 0", in("max_concurrent 0"), "Testfile:2 - Error during parsing: max_concurrent: 0 is below the minimum of 1"},
		{"max_concurrent is no number", in("max_concurrent many"), `Testfile:2 - Error during parsing: max_concurrent: "many" is not a number`},
		{"max_concurrent too high", in("max_concurrent 100000"), "Testfile:2 - Error during parsing: max_concurrent: 100000 is above the maximum of 10000"},
		{"failover without value", in("failover"), "Testfile:2 - Error during parsing: failover: no value, one or more are expected"},
		{"failover on NOERROR", in("failover NOERROR"), "Testfile:2 - Error during parsing: failover: NOERROR is an answer"},
		{"failover on an unknown RCODE", in("failover OOPS"), `Testfile:2 - Error during parsing: failover: "OOPS" is not an RCODE, such as SERVFAIL`},
		{"expire", in("expire 10"), `Testfile:2 - Error during parsing: expire: "10" is not a duration, such as 500ms or 10s`},
		{"max_age below expire", in("max_age 5s"), "Testfile:1 - Error during parsing: max_age: 5s is below expire, which is 10s"},
		{"force_tcp with value", in("force_tcp yes"), "Testfile:2 - Error during parsing: force_tcp: 1 value, none is expected"},
		{"health_check too often", in("health_check 1ms"), "Testfile:2 - Error during parsing: health_check: 1ms is below the minimum of 100ms"},
		{"health_check with an unknown option", in("health_check 1s fast"), `Testfile:2 - Error during parsing: health_check: unknown option "fast", the known ones are domain, no_rec`},
		{"health_check without the domain", in("health_check 1s domain"), "Testfile:2 - Error during parsing: health_check: domain: no value, a domain name is expected"},
		{"fallback without value", in("fallback"), "Testfile:2 - Error during parsing: fallback: no value, one or more are expected"},
		{"fallback is an upstream", in("fallback 192.0.2.1"), "Testfile:1 - Error during parsing: fallback: 192.0.2.1:53 is an upstream already; a fallback is a resolver of another network"},
		{"private zone", in("private ..a"), `Testfile:2 - Error during parsing: private: "..a" is not a zone`},
		{"source address", in("source_address here"), `Testfile:2 - Error during parsing: source_address: "here" is not an IP address`},
		{"source address of the other family", in("source_address ::1"), "Testfile:1 - Error during parsing: source_address: ::1 cannot reach 192.0.2.1:53, which is of the other address family"},
		{"two server names", "upstream . tls://192.0.2.1%dns.example {\ntls_servername dns.example\n}",
			"Testfile:1 - Error during parsing: tls_servername: tls://192.0.2.1:853 has a server name of its own; remove one of the two"},
		{"tls with four values", in("tls a b c d"), "Testfile:2 - Error during parsing: tls: 4 values, at most 3 are expected: CERT KEY CA"},
		{"max_fails of forward", in("max_fails 3"), "Testfile:2 - Error during parsing: max_fails: not supported: an upstream is down when it has not responded for 4s; remove the line"},
		{"next of forward", in("next NXDOMAIN"), "Testfile:2 - Error during parsing: next: not supported: another RCODE than those of failover is an answer; list upstreams that know the same names"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			all, err := parse(caddy.NewTestController("dns", tc.corefile))
			got := summary(all)
			if err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}

// Every property of stock forward 1.15 is accepted or rejected with a reason.
func TestForwardProperties(t *testing.T) {
	for _, name := range strings.Fields(`except max_fails max_connect_attempts health_check force_tcp prefer_udp tls tls_servername expire max_age
		max_idle_conns read_timeout doh_method policy max_concurrent next next_on_nodata failfast_all_unhealthy_upstreams failover resolver source_address`) {
		if setters[name] == nil && unsupported[name] == "" && name != "tls" {
			t.Errorf("%s is an unknown property", name)
		}
	}
}

func TestServerNames(t *testing.T) {
	for _, tc := range []struct{ text, addr, name string }{
		{"tls://9.9.9.9%dns.quad9.net", "9.9.9.9:853", "dns.quad9.net"},
		{"tls://9.9.9.9%dns.quad9.net:10853", "9.9.9.9:10853", "dns.quad9.net"},
		{"tls://[2620:fe::fe%dns.quad9.net]:10853", "[2620:fe::fe]:10853", "dns.quad9.net"},
		{"tls://2620:fe::fe%dns.quad9.net", "[2620:fe::fe]:853", "dns.quad9.net"},
		{"tls://fe80::1%eth0", "[fe80::1%eth0]:853", ""},
		{"fe80::1%eth0.100", "[fe80::1%eth0.100]:53", ""},
	} {
		e, err := parseEndpoint(tc.text)
		if err != nil || e.addr.String() != tc.addr || e.serverName != tc.name {
			t.Errorf("%s = %s %q, %v; want %s %q", tc.text, e.addr, e.serverName, err, tc.addr, tc.name)
		}
	}
}

func many(n int) (text string) {
	for i := range n {
		text += fmt.Sprintf(" 192.0.2.%d", i+1)
	}
	return text
}
