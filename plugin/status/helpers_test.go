package status

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	"github.com/miekg/dns"
)

func TestMain(m *testing.M) {
	dnsserver.Quiet, caddy.Quiet = true, true
	if err := dnsserver.SetDirectives([]string{"bind", "status", "privatelink"}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// freePort returns an address of the loopback interface that nobody listens on.
func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func corefileOf(directives string) caddy.Input {
	text := ".:0 {\n    bind 127.0.0.1\n    " + directives + "\n}\n"
	return caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(text), ServerTypeName: "dns"}
}

// start starts a server and waits until it reads, because caddy does not stop servers
// before they read.
func start(t testing.TB, directives string) *caddy.Instance {
	t.Helper()
	instance, err := caddy.Start(corefileOf(directives))
	if err != nil {
		t.Fatal(err)
	}
	awaitDNS(t, instance)
	t.Cleanup(func() {
		for _, one := range caddy.Instances() {
			end(one)
		}
	})
	return instance
}

func awaitDNS(t testing.TB, instance *caddy.Instance) {
	t.Helper()
	for _, s := range instance.Servers() {
		for network, addr := range map[string]net.Addr{"udp": s.LocalAddr(), "tcp": s.Addr()} {
			if _, _, err := (&dns.Client{Net: network}).Exchange(new(dns.Msg).SetQuestion(".", dns.TypeNS), addr.String()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func end(instance *caddy.Instance) {
	instance.ShutdownCallbacks()
	_ = instance.Stop()
}

// vault writes an export with a served name and an endpoint that is not approved, and
// returns the privatelink block for it.
func vault(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.json")
	text := strings.ReplaceAll(`[
	{"id": "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/pe-one",
	 "type": "Microsoft.Network/privateEndpoints", "customDnsConfigs": [{"fqdn": "NAME.blob.core.windows.net", "ipAddresses": ["10.0.0.1"]}],
	 "privateLinkServiceConnections": [{"privateLinkServiceConnectionState": {"status": "Approved"}}]},
	{"id": "/pe-<script>alert(1)</script>", "type": "Microsoft.Network/privateEndpoints", "customDnsConfigs": [],
	 "manualPrivateLinkServiceConnections": [{"privateLinkServiceId": "/s/storageAccounts/two", "groupIds": ["blob"],
	  "privateLinkServiceConnectionState": {"status": "Pending"}}]}]`, "NAME", name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "privatelink {\n        files " + filepath.ToSlash(path) + "\n    }"
}

// request sends a request with headers "NAME: VALUE" and returns the response with its
// body.
func request(t testing.TB, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// with returns the directives with status at the address before them.
func with(addr, directives string) string { return "status " + addr + "\n    " + directives }
