package status

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

// Private and refused answers are counted by the network of the client.
func TestClients(t *testing.T) {
	addr := freePort(t)
	instance := start(t, with(addr, vault(t, "one")))
	counts := func() (c view.Client) {
		t.Helper()
		_, body := request(t, "GET", "http://"+addr+"/api/status")
		var p view.Page
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		for _, one := range p.Clients {
			if one.Network == "127.0.0.0/24" {
				c = one
			}
		}
		return c
	}
	before := counts()
	ask(t, instance, "udp", "one.blob.core.windows.net.", true)
	ask(t, instance, "tcp", "one.privatelink.blob.core.windows.net.", true)
	ask(t, instance, "udp", "www.example.", false) // neither forwarded nor answered
	after := counts()
	if after.Private-before.Private != 2 || after.Refused-before.Refused != 1 {
		t.Errorf("private %d, refused %d; want 2 and 1", after.Private-before.Private, after.Refused-before.Refused)
	}
}

func ask(t *testing.T, instance *caddy.Instance, network, name string, recursion bool) {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, dns.TypeA)
	m.RecursionDesired = recursion
	server := instance.Servers()[0]
	at := server.LocalAddr()
	if network == "tcp" {
		at = server.Addr()
	}
	if _, _, err := (&dns.Client{Net: network}).Exchange(m, at.String()); err != nil {
		t.Fatal(err)
	}
}

// The reason for a served name has how often clients asked for it, and from where.
func TestAsked(t *testing.T) {
	addr := freePort(t)
	instance := start(t, with(addr, vault(t, "one")))
	for n := range 3 {
		_, body := request(t, "GET", "http://"+addr+"/api/why?name=one.blob.core.windows.net")
		var answer struct {
			Found []struct{ Asked zone.Use }
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Found) != 1 {
			t.Fatalf("%v: %s", err, body)
		}
		got := answer.Found[0].Asked
		if got.Queries != uint64(n) || n > 0 && got.Network.String() != "127.0.0.0/24" {
			t.Errorf("after %d queries: %+v", n, got)
		}
		_, page := request(t, "GET", "http://"+addr+"/?name=one.blob.core.windows.net")
		if text := fmt.Sprintf("asked for %d time", n); strings.Contains(page, text) != (n > 0) {
			t.Errorf("after %d queries, the page has %q: %v", n, text, !(n > 0))
		}
		ask(t, instance, []string{"udp", "tcp", "udp"}[n], []string{"one.blob", "one.privatelink.blob", "one.blob"}[n]+".core.windows.net.", true)
	}
}
