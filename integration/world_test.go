package integration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// corefile returns the plain Corefile with one export and one upstream. The lines in
// more are added to its server block.
func corefile(more ...string) string {
	return `
.:{$PORT} {
    bind 127.0.0.1
    errors
    ` + strings.Join(more, "\n    ") + `
    privatelink {
        geo we
        files {$DIR}/*.json
        refresh 1s
    }
    forward . {$UPSTREAM}
    cookies
}
`
}

// many holds 30 addresses, whose answer exceeds 512 octets.
const many = " 10.21.0.1 10.21.0.2 10.21.0.3 10.21.0.4 10.21.0.5 10.21.0.6 10.21.0.7 10.21.0.8 10.21.0.9 10.21.0.10" +
	" 10.21.0.11 10.21.0.12 10.21.0.13 10.21.0.14 10.21.0.15 10.21.0.16 10.21.0.17 10.21.0.18 10.21.0.19 10.21.0.20" +
	" 10.21.0.21 10.21.0.22 10.21.0.23 10.21.0.24 10.21.0.25 10.21.0.26 10.21.0.27 10.21.0.28 10.21.0.29 10.21.0.30"

// vault holds the names and addresses of a vault and of its storage accounts, as in one
// private endpoint.
var vault = []string{
	"4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com 10.20.0.4",
	"4728190365512870934-ab-pod01-rec2.we.backup.windowsazure.com 10.20.0.7",
	"wepod01ecs114x.blob.core.windows.net 10.20.0.12",
	"wepod01ecs114x.queue.core.windows.net 10.20.0.13",
	"wepod01prot121x.z17.blob.storage.azure.net 10.20.0.14",
	"wepod01dual1x.blob.core.windows.net 10.20.0.15 10.20.0.16 fd00:20::15",
	"deep.below.blob.core.windows.net 10.20.0.17",
	"large.queue.core.windows.net" + many,
}

// public holds the records of Azure DNS and of the rest of the Internet. The server
// must not return these addresses for a name of the vault.
const public = `
$TTL 60
core.windows.net.           SOA ns1-205.azure-dns.com. msnhst.microsoft.com. 1 3600 300 86400 60
backup.windowsazure.com.    SOA ns1-205.azure-dns.com. msnhst.microsoft.com. 1 3600 300 86400 300
corp.example.               SOA ns.corp.example. hostmaster.corp.example. 1 3600 300 86400 60

; accounts: the vault's, another tenant's, and one without a private endpoint
wepod01ecs114x.blob.core.windows.net.              CNAME wepod01ecs114x.privatelink.blob.core.windows.net.
wepod01ecs114x.privatelink.blob.core.windows.net.  CNAME blob.am01prdstr01a.store.core.windows.net.
wepod01ecs114x.queue.core.windows.net.             CNAME wepod01ecs114x.privatelink.queue.core.windows.net.
wepod01ecs114x.privatelink.queue.core.windows.net. CNAME queue.am01prdstr01a.store.core.windows.net.
wepod01prot121x.z17.blob.storage.azure.net.        CNAME wepod01prot121x.privatelink.blob.core.windows.net.
wepod01prot121x.privatelink.blob.core.windows.net. CNAME blob.am01prdstr01a.store.core.windows.net.
someoneelse.blob.core.windows.net.                 CNAME someoneelse.privatelink.blob.core.windows.net.
someoneelse.privatelink.blob.core.windows.net.     CNAME blob.am01prdstr01a.store.core.windows.net.
unlinked.blob.core.windows.net.                    A     203.0.113.9
blob.am01prdstr01a.store.core.windows.net.        A     203.0.113.7
blob.am01prdstr01a.store.core.windows.net.        AAAA  2001:db8::7
blob.am01prdstr01a.store.core.windows.net.        HTTPS 1 . alpn=h2 ipv4hint=203.0.113.7
queue.am01prdstr01a.store.core.windows.net.       A     203.0.113.8
$GENERATE 10-120 queue.am01prdstr01a.store.core.windows.net. A 203.0.113.$ ; too large for UDP

; a company's own names for the accounts
backup.corp.example.       CNAME wepod01ecs114x.blob.core.windows.net.
direct.corp.example.       CNAME wepod01ecs114x.privatelink.blob.core.windows.net.
twozones.corp.example.     CNAME twozones.privatelink.queue.core.windows.net.
twozones.privatelink.queue.core.windows.net. CNAME wepod01ecs114x.privatelink.blob.core.windows.net.
empty.corp.example.        CNAME below.privatelink.blob.core.windows.net.
other.corp.example.        CNAME someoneelse.blob.core.windows.net.
lost.corp.example.         CNAME 4728190365512870934-ab-pod01-none.privatelink.we.backup.windowsazure.com.
vault.corp.example.        CNAME 4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com.
turned.corp.example.       CNAME turned1.corp.example.
turned1.corp.example.      CNAME wepod01ecs114x.privatelink.blob.core.windows.net.
large.corp.example.        CNAME wepod01ecs114x.privatelink.queue.core.windows.net.
signed.corp.example.       CNAME wepod01ecs114x.privatelink.blob.core.windows.net.
poison.corp.example.       A     198.51.100.84
cut.corp.example.          CNAME wepod01ecs114x.privatelink.blob.core.windows.net.
ping.corp.example.         CNAME pong.corp.example.
pong.corp.example.         CNAME ping.corp.example.
dangling.corp.example.     CNAME gone.corp.example.

; unrelated names
www.corp.example.          A     198.51.100.80
www.corp.example.          A     198.51.100.81
www.corp.example.          AAAA  2001:db8::80
www.corp.example.          TXT   "one" "two; three"
web.corp.example.          CNAME www.corp.example.
corp.example.              MX    10 www.corp.example.
corp.example.              NS    ns.corp.example.
_ldap._tcp.corp.example.   SRV   0 100 389 www.corp.example.
failing.corp.example.      A     198.51.100.82
refusing.corp.example.     A     198.51.100.83
short.corp.example.      1 A     198.51.100.85
new.corp.example.          A     198.51.100.86
`

// hops returns the records of a chain h1, h2, … hN.hops.example that ends at target.
func hops(n int, target string) string {
	var text strings.Builder
	for i := 1; i < n; i++ {
		fmt.Fprintf(&text, "h%d.from%d.hops.example. 60 CNAME h%d.from%d.hops.example.\n", i, n, i+1, n)
	}
	fmt.Fprintf(&text, "h%d.from%d.hops.example. 60 CNAME %s\n", n, n, target)
	return text.String()
}

// azure starts the scripted upstream.
func azure(t testing.TB) *fakedns.Server {
	t.Helper()
	const target = "wepod01ecs114x.privatelink.blob.core.windows.net."
	s := fakedns.New(t, public+hops(16, target)+hops(17, target))
	s.Script("failing.corp.example", fakedns.Rcode(2))
	s.Script("refusing.corp.example", fakedns.Rcode(5))
	s.Script("turned.corp.example", fakedns.Unordered)
	s.Script("cut.corp.example", fakedns.Truncated)
	s.Script("signed.corp.example", func(m *dns.Msg) *dns.Msg {
		m.AuthenticatedData, m.Authoritative = true, true
		return m
	})
	s.Script("poison.corp.example", func(m *dns.Msg) *dns.Msg {
		for _, section := range []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
			rr, _ := dns.NewRR(target + " 60 A 203.0.113.66")
			*section = append(*section, rr)
		}
		return m
	})
	return s
}

// export returns the output of `az network private-endpoint show` for an endpoint with
// these names. A line is a name and its addresses.
func export(lines ...string) string {
	type config struct {
		FQDN string   `json:"fqdn"`
		IPs  []string `json:"ipAddresses"`
	}
	type connection struct {
		State struct {
			Status string `json:"status"`
		} `json:"privateLinkServiceConnectionState"`
	}
	var endpoint struct {
		ID          string       `json:"id"`
		Type        string       `json:"type"`
		State       string       `json:"provisioningState"`
		Configs     []config     `json:"customDnsConfigs"`
		Connections []connection `json:"privateLinkServiceConnections"`
	}
	endpoint.ID = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-backup/providers/Microsoft.Network/privateEndpoints/pe-vault-we"
	endpoint.Type, endpoint.State = "Microsoft.Network/privateEndpoints", "Succeeded"
	endpoint.Connections = make([]connection, 1)
	endpoint.Connections[0].State.Status = "Approved"
	for _, line := range lines {
		f := strings.Fields(line)
		endpoint.Configs = append(endpoint.Configs, config{f[0], f[1:]})
	}
	text, err := json.MarshalIndent(endpoint, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// serve starts an upstream and the binary with the vault's names.
func serve(t testing.TB, corefile string) (*server, *fakedns.Server) {
	t.Helper()
	upstream := azure(t)
	s := prepare(t, corefile)
	s.env["UPSTREAM"] = upstream.Addr
	s.write("vault.json", export(vault...))
	return s.start(), upstream
}
