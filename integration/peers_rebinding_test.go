package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// Resolvers that drop private addresses need an exception for the local names. An
// exception for the parents of the public names is sufficient.
func TestForwardersWithRebindingProtection(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	rest := fakedns.New(t, public+"rebinding.corp.example. 60 A 10.66.6.6\n")
	for _, tt := range []struct{ format, protection, exception, blocked string }{
		{"bind", "deny-answer-addresses { 10.0.0.0/8; fd00::/8; }%s;", ` except-from { "` + strings.Join(ways[0].zones, `"; "`) + `"; }`, "SERVFAIL"},
		{"unbound", "\n    private-address: 10.0.0.0/8\n    private-address: fd00::/8\n%s", forwarding{zones: ways[0].zones}.lines("    private-domain: %[1]q"), "no address"},
		{"dnsmasq", "stop-dns-rebind\n%s", "rebind-domain-ok=/" + strings.Join(ways[0].zones, "/") + "/", "no address"},
		{"knot-resolver", "\nmodules = { 'rebinding < iterate' }\n%s",
			"policy.add(policy.suffix(policy.FLAGS({ 'ALLOW_LOCAL' }), policy.todnames({ '" + strings.Join(ways[0].zones, "', '") + "' })))", "REFUSED"},
	} {
		peer := forwarderOf(tt.format)
		for _, row := range []struct{ kase, exception string }{{"on", ""}, {"on, with our names excepted", tt.exception}} {
			t.Run(tt.format+"/"+row.kase, func(t *testing.T) {
				t.Parallel()
				options := peer.noValidation + strings.Replace(tt.protection, "%s", row.exception, 1)
				f := peer.start(t, forwarding{zones: ways[0].zones, port: s.env["PORT"], rest: portOf(rest.Addr), options: options})
				f.blocks(t, "rebinding.corp.example", tt.blocked)
				result := allPrivate
				if row.exception == "" {
					result = tt.blocked
				}
				for _, name := range vaultNames() {
					if row.exception == "" {
						f.blocks(t, name.name, tt.blocked)
					} else {
						f.resolvesTo(t, name.name, name.addresses)
					}
				}
				note(t, "Rebinding protection", peer.kind().peer, row.kase, result)
			})
		}
	}
}

// blocks checks that the resolver does not return the name's private address.
func (f *front) blocks(t *testing.T, name, want string) {
	t.Helper()
	for _, network := range []string{"udp", "tcp"} {
		got := f.addresses(t, network, name, dns.TypeA, true)
		if len(got) == 0 {
			got = []string{"no address"}
		}
		if !slices.Equal(got, []string{want}) {
			t.Errorf("%s over %s: %q; want %s", name, network, got, want)
		}
	}
}
