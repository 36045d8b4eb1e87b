package status

import (
	"encoding/json"
	"testing"

	"github.com/miekg/dns"

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
	query := func(network, name string, recursion bool) {
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
	query("udp", "one.blob.core.windows.net.", true)
	query("tcp", "one.privatelink.blob.core.windows.net.", true)
	query("udp", "www.example.", false) // neither forwarded nor answered
	after := counts()
	if after.Private-before.Private != 2 || after.Refused-before.Refused != 1 {
		t.Errorf("private %d, refused %d; want 2 and 1", after.Private-before.Private, after.Refused-before.Refused)
	}
}
