package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// BIND is the reference: it is primary for the same zones with the same records,
// and forwards all other names to the same upstream. A row with a reason in
// differs must have a different reply.
func TestLikeBIND(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile("transfer {", "    to *", "}"))
	bind := startBIND(t, s.addr(""), upstream.Addr)
	for _, tt := range []struct{ name, question, differs string }{
		{"direct A", fc1 + " A", ""},
		{"direct AAAA", fc1 + " AAAA", ""},
		{"direct HTTPS", fc1 + " HTTPS", ""},
		{"direct CNAME", fc1 + " CNAME", ""},
		{"direct, two addresses", "wepod01dual1x.privatelink.blob.core.windows.net A", ""},
		{"direct, empty non-terminal", "below.privatelink.blob.core.windows.net A", ""},
		{"direct, missing in a strict zone", "none.privatelink.we.backup.windowsazure.com A", ""},
		{"apex SOA", "privatelink.blob.core.windows.net SOA", ""},
		{"apex NS", "privatelink.blob.core.windows.net NS", ""},
		{"apex A", "privatelink.blob.core.windows.net A", ""},

		{"alias A", blob + " A", ""},
		{"alias AAAA", blob + " AAAA", ""},
		{"alias HTTPS", blob + " HTTPS", ""},
		{"alias TXT", blob + " TXT", ""},
		{"alias CNAME", blob + " CNAME", ""},
		{"alias, DNS zone endpoint", "wepod01prot121x.z17.blob.storage.azure.net A", ""},
		{"alias, upper case", "WEPOD01ECS114X.BLOB.CORE.WINDOWS.NET A", ""},

		{"chain A", "backup.corp.example A", ""},
		{"chain AAAA", "backup.corp.example AAAA", ""},
		{"chain HTTPS", "backup.corp.example HTTPS", ""},
		{"chain TXT", "backup.corp.example TXT", ""},
		{"chain CNAME", "backup.corp.example CNAME", ""},
		{"chain, upper case", "Backup.Corp.EXAMPLE A", ""},
		{"chain, DO", "backup.corp.example A +dnssec", ""},
		{"chain, RD=0", "direct.corp.example A +norec", "BIND answers from its cache, which is empty; REFUSED hides which names other clients queried"},
		{"chain to a vault name, NXDOMAIN tail upstream", "vault.corp.example A", ""},
		{"chain to an empty non-terminal", "empty.corp.example A", ""},
		{"chain, missing in a strict zone", "lost.corp.example A", ""},
		{"chain, missing in a fallthrough zone", "other.corp.example A", "BIND returns NXDOMAIN; fallthrough queries the upstream, as Azure's NxDomainRedirect does"},
		{"chain through two zones", "twozones.corp.example A", "BIND returns NXDOMAIN; fallthrough queries the upstream, as Azure's NxDomainRedirect does"},
		{"chain, unordered", "turned.corp.example A", ""},
		{"chain, truncated upstream", "large.corp.example A", ""},
		{"chain of 16 hops", "h1.from16.hops.example A", "BIND follows 12 links, privatelink 16"},
		{"chain of 17 hops", "h1.from17.hops.example A", "BIND returns SERVFAIL; privatelink returns the chain without the upstream's records of the local name"},
		{"loop", "ping.corp.example A", "BIND returns SERVFAIL; privatelink returns the upstream's answer"},
		{"dangling chain", "dangling.corp.example A", ""},
		{"foreign A", "web.corp.example A", ""},
		{"foreign NXDOMAIN", "none.corp.example A", ""},
		{"SERVFAIL", "failing.corp.example A", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, reference := comparable(dig(t, s.addr(""), strings.Fields(tt.question)...)), comparable(dig(t, bind, strings.Fields(tt.question)...))
			if got == reference && tt.differs != "" {
				t.Errorf("dig %s = %s, the same as BIND; want a difference: %s", tt.question, got, tt.differs)
			}
			if got != reference && tt.differs == "" {
				t.Errorf("dig %s\n got %s\nBIND %s", tt.question, got, reference)
			}
		})
	}
}

// comparable reduces a reply to the parts that must agree: the RCODE, AA, the
// answer records and the presence of an SOA record. It sorts addresses because BIND
// rotates them, and converts names to lower case because BIND keeps the case of the
// first query.
func comparable(r reply) string {
	addresses := slices.IndexFunc(r.answer, func(rr rr) bool { return rr.rrtype != "CNAME" })
	if addresses >= 0 {
		slices.SortFunc(r.answer[addresses:], func(a, b rr) int { return strings.Compare(a.data, b.data) })
	}
	r.flags = slices.DeleteFunc(r.flags, func(f string) bool { return f != "aa" })
	r.authority = slices.DeleteFunc(r.authority, func(rr rr) bool { return rr.rrtype != "SOA" })
	r.ede, r.asked = "", strings.ToLower(r.asked)
	for i := range r.answer {
		r.answer[i].owner, r.answer[i].data = strings.ToLower(r.answer[i].owner), strings.ToLower(r.answer[i].data)
	}
	return r.String()
}

const namedConf = `
options {
    directory %q;
    listen-on { 127.0.0.1; };
    listen-on-v6 { none; };
    pid-file none;
    session-keyfile none;
    recursion yes;
    forward only;
    forwarders { 127.0.0.1 port %s; };
    dnssec-validation no;
    notify no;
    max-cache-size 32m;
};
controls { };
`

// startBIND starts BIND with zones transferred from the server at addr, and
// returns BIND's address.
func startBIND(t *testing.T, addr, upstream string) string {
	t.Helper()
	named := need(t, "named", "bind9")
	s := &server{t: t, dir: t.TempDir()}
	_, port, _ := strings.Cut(upstream, ":")
	conf := fmt.Sprintf(namedConf, s.dir, port)
	for _, zone := range []string{"privatelink.we.backup.windowsazure.com", "privatelink.blob.core.windows.net", "privatelink.queue.core.windows.net"} {
		conf += fmt.Sprintf("zone %q { type primary; file %q; };\n", zone, zone)
		s.write(zone, "$TTL 60\n"+strings.Join(withoutLast(transfer(t, addr, zone)), "\n")+"\n")
	}
	s.write("named.conf", conf)
	for range 3 {
		port := freePort(t)
		cmd := exec.Command(named, "-g", "-c", filepath.Join(s.dir, "named.conf"), "-p", port) // -g: -f, and the log to stderr
		p := launch(t, "127.0.0.1:"+port, cmd)
		if !p.ended() {
			return "127.0.0.1:" + port
		}
		if strings.Contains(p.out.String(), "permission denied") {
			t.Skipf("%s may not read its configuration in %s: AppArmor may restrict it to /etc/bind", named, s.dir)
		}
	}
	t.Fatal("BIND did not start")
	return ""
}

// withoutLast removes the SOA record that ends a transfer.
func withoutLast(records []string) []string { return records[:max(len(records)-1, 0)] }
