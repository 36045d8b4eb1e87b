package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/status"
)

// The ledger has which names were answered publicly and to which networks. In each network
// is another resolver, whose clients ask for some of the names.
func TestLedgerOfThreeNetworks(t *testing.T) {
	t.Parallel()
	const corefile = `
.:{$PORT} {
    bind 127.0.0.1
    errors
    fastpath
    status 127.0.0.1:{$PORT_STATUS}
    privatelink {
        geo we
        files {$DIR}/*.json
        on_demand off
    }
    lru
    upstream . {$UPSTREAM}
}
`
	s := prepare(t, corefile)
	upstream := azure(t).Addr
	s.env["UPSTREAM"] = upstream
	s.write("vault.json", export(fc1+" 10.20.0.4"))
	s.start()

	const unknown = "4728190365512870934-ab-pod01-none.privatelink.we.backup.windowsazure.com"
	asked := map[string][]string{ // the names that the clients of each resolver ask for
		"bind":    {fc1, blob, "someoneelse.blob.core.windows.net", "www.corp.example"},
		"unbound": {fc1, blob, unknown, "unlinked.blob.core.windows.net"},
		"dnsmasq": {fc1, "other.corp.example", unknown, "www.corp.example"},
	}
	sources := map[string]forwarding{
		"bind":    {rest: s.env["PORT"], options: "dnssec-validation no; query-source address 127.0.1.1;"},
		"unbound": {rest: s.env["PORT"], options: "module-config: \"iterator\"\n    outgoing-interface: 127.0.2.1"},
		"dnsmasq": {rest: s.env["PORT"] + "@127.0.3.1"},
	}
	for format, names := range asked {
		t.Run(format, func(t *testing.T) {
			f := forwarderOf(format).start(t, sources[format])
			for range 2 { // the second answer may be from its cache
				for _, name := range names {
					f.addresses(t, "udp", name, dns.TypeA, true)
				}
			}
		})
	}
	want := []string{
		"wepod01ecs114x.privatelink.blob.core.windows.net. backup public 127.0.1.0/24 127.0.2.0/24 " + upstream,
		unknown + ". backup nxdomain 127.0.2.0/24 127.0.3.0/24",
		"someoneelse.privatelink.blob.core.windows.net. other public 127.0.1.0/24 127.0.3.0/24 " + upstream,
	}
	slices.Sort(want)
	if got := readLedger(t, s.addr("_STATUS")); !slices.Equal(got, want) {
		t.Errorf("the ledger has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s.logs(`\[WARNING\] plugin/privatelink: wepod01ecs114x\.privatelink\.blob\.core\.windows\.net has got its public address, asked by 127\.0\.[12]\.1: `)
	out, _, status := s.command("why -status " + s.addr("_STATUS") + " " + blob)
	if status != 1 || !strings.Contains(out, "127.0.1.0/24") || !strings.Contains(out, "127.0.2.0/24") {
		t.Errorf("why: status %d\n%s\nwant both networks", status, out)
	}
}

// readLedger returns the entries of plugin status: name, grade, answer, networks and
// resolvers, sorted.
func readLedger(t *testing.T, addr string) (all []string) {
	t.Helper()
	response, err := http.Get("http://" + addr + status.LedgerPath) //nolint:noctx // on the loopback address
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var ledger status.Ledger
	if err := json.NewDecoder(response.Body).Decode(&ledger); err != nil {
		t.Fatal(err)
	}
	for _, e := range ledger.Names {
		var networks []string
		for _, n := range e.Networks {
			networks = append(networks, n.Prefix.String())
		}
		slices.Sort(networks)
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", e.Name, e.Grade, e.Kind, strings.Join(networks, " "), strings.Join(e.Resolvers, " "))))
	}
	slices.Sort(all)
	return all
}
