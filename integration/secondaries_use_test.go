package integration

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A resolver that is secondary for all zones does not resolve names missing from them.
// A resolver that is secondary for the Backup zones and forwards the other zones does.
func TestResolversThatAreSecondaries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ peer, elsewhere, result string }{
		{"BIND 9, of all zones", "NXDOMAIN ra: CNAME someoneelse." + blobZone + ". / SOA " + blobZone + ".", "NXDOMAIN"},
		{"BIND 9, of the Backup zones, forwards the others to us", "NOERROR ra: CNAME someoneelse." + blobZone + "., CNAME blob.am01prdstr01a.store.core.windows.net., A 203.0.113.7", "public address"},
	} {
		t.Run(tt.peer, func(t *testing.T) {
			t.Parallel()
			s, p := withSecondary(t, peers[0], "")
			_, upstream, _ := net.SplitHostPort(s.env["UPSTREAM"])
			p.options = "recursion yes; forward only; forwarders { 127.0.0.1 port " + upstream + "; };"
			loaded := []string{weZone, blobZone, queueZone}
			if strings.Contains(tt.peer, "forwards") {
				p.zones, loaded = []string{weZone, neZone}, []string{weZone}
				p.more = "zone \"blob.core.windows.net\" { type forward; forwarders { 127.0.0.1 port " + p.primary + "; }; };\n"
			}
			s.start()
			p.start()
			for _, zone := range loaded {
				p.becomes(zone+" NS", "NOERROR aa: NS ns.privatelink-dns.invalid.")
			}
			for _, row := range []struct{ kase, question, want, result string }{
				{"vault", fc1, "NOERROR aa ra: A 10.20.0.4", "private address"},
				{"its account", blob, "NOERROR ra: CNAME " + privateBlob + "., A 10.20.0.12", "private address"},
				{"account with an endpoint elsewhere", "someoneelse.blob.core.windows.net", tt.elsewhere, tt.result},
				{"account without an endpoint", "unlinked.blob.core.windows.net", "NOERROR ra: A 203.0.113.9", "public address"},
			} {
				if got := dig(t, p.addr(), row.question).String(); got != row.want {
					t.Errorf("%s\n got %s\nwant %s", row.question, got, row.want)
					continue
				}
				note(t, "Resolvers that are secondaries", tt.peer, row.kase, row.result)
			}
		})
	}
}

// BIND, NSD and Knot DNS accept the configuration in docs/secondaries.md.
func TestDocumentedSecondaries(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/secondaries.md")
	if err != nil {
		t.Fatal(err)
	}
	for language, tool := range map[string]struct {
		program, pkg, args string
	}{
		"bind": {"named-checkconf", "bind9-utils", "CONF"},
		"nsd":  {"nsd-checkconf", "nsd", "CONF"},
		"knot": {"knotc", "knot", "-c CONF conf-check"},
	} {
		t.Run(language, func(t *testing.T) {
			program, s := need(t, tool.program, tool.pkg), &server{t: t, dir: t.TempDir()}
			_, text, _ := strings.Cut(string(page), "~~~ "+language+"\n")
			text, _, ok := strings.Cut(text, "~~~")
			if !ok {
				t.Fatalf("no %s in docs/secondaries.md", language)
			}
			s.write("transfer.key", keyFile(tsigKey))
			s.write("conf", strings.ReplaceAll(text, "/etc/bind", s.dir))
			args := strings.ReplaceAll(tool.args, "CONF", filepath.Join(s.dir, "conf"))
			if out, err := exec.Command(program, strings.Fields(args)...).CombinedOutput(); err != nil {
				t.Errorf("%s %s: %v\n%s\n%s", program, args, err, out, text)
			}
		})
	}
}
