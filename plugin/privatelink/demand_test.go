package privatelink

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

// A name that was added to a source since its last sync is right at its first query,
// although the next sync is due in an hour.
func TestFirstQuery(t *testing.T) {
	const corefile = "privatelink privatelink.hard.test privatelink.fall.test {\nstrict privatelink.hard.test\nhosts %s\nrefresh 1h\n%s}"
	chain := func(name string) string {
		return "NOERROR: " + name + ".fall.test. CNAME " + name + ".privatelink.fall.test.; A 203.0.113.1"
	}
	for _, tc := range []struct {
		name, property string
		upstream       string // its reply, in the notation of dnstest
		asked, want    string
	}{
		{"strict zone", "", "SERVFAIL:", "n.privatelink.hard.test.", "NOERROR aa: n.privatelink.hard.test. A 10.0.0.7"},
		{"fallthrough zone", "", "NXDOMAIN:", "n.privatelink.fall.test.", "NOERROR aa: n.privatelink.fall.test. A 10.0.0.8"},
		{"fallthrough zone, the upstream fails", "", "SERVFAIL:", "n.privatelink.fall.test.", "NOERROR aa: n.privatelink.fall.test. A 10.0.0.8"},
		{"chain through a zone", "", chain("n"), "n.fall.test.", "NOERROR: n.fall.test. CNAME n.privatelink.fall.test.; A 10.0.0.8"},
		{"new Backup zone", "", "NXDOMAIN:", "v.privatelink.we.backup.windowsazure.com.", "NOERROR aa: v.privatelink.we.backup.windowsazure.com. A 10.0.0.9"},
		{"chain into a strict zone", "", "NOERROR: n.hard.test. CNAME n.privatelink.hard.test.; A 203.0.113.1", "n.hard.test.",
			"NOERROR: n.hard.test. CNAME n.privatelink.hard.test.; A 10.0.0.7"},
		{"chain, a name that no source has", "", chain("o"), "o.fall.test.", chain("o")},
		{"switched off", "on_demand off\n", chain("n"), "n.fall.test.", chain("n")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hosts")
			write := func(text string) {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			const before = "10.0.0.1 a.privatelink.hard.test\n"
			write(before)
			p := start(t, fmt.Sprintf(corefile, path, tc.property), upstream(parseReply(t, tc.upstream)))
			write(before + "10.0.0.7 n.hard.test\n10.0.0.8 n.fall.test\n10.0.0.9 v.we.backup.windowsazure.com\n")
			m := ask(t, p, new(dns.Msg).SetQuestion(tc.asked, dns.TypeA))
			if got := dnstest.Brief(m); got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}
