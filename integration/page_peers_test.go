package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

// The page compares the serials of a BIND that is a secondary, and the names of another
// instance, which lacks one.
func TestPageComparesServers(t *testing.T) {
	t.Parallel()
	s, bind := withSecondary(t, peers[0], "")
	other := prepare(t, corefile())
	other.env["UPSTREAM"] = azure(t).Addr
	other.write("vault.json", export(fc1+" 10.20.0.4"))
	other.start()
	s.start()
	bind.start()
	bind.becomes(privateBlob, "NOERROR aa: A 10.20.0.12")

	addr := "127.0.0.1:" + freePort(t)
	status := fmt.Sprintf("status %s {\n        peer %s\n    }\n    reload 2s 1s", addr, other.addr(""))
	s.write("Corefile", strings.ReplaceAll(strings.Replace(transferTo(bind.addr(), false), "reload 2s 1s", status, 1), "{$PORT}", bind.primary))
	var got map[string]view.Peer
	eventually(t, "both were compared", func() bool {
		got = map[string]view.Peer{}
		response, err := http.Get("http://" + addr + "/api/status")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		var page view.Page
		if json.NewDecoder(response.Body).Decode(&page) != nil {
			return false
		}
		for _, p := range page.Peers {
			got[p.Role] = p
		}
		return len(got) == 2 && !got["secondary"].Checked.IsZero() && !got["peer"].Checked.IsZero()
	})
	if p := got["secondary"]; p.Address != bind.addr() || !p.InStep || !strings.HasPrefix(p.Text, "in step, compared zones: ") {
		t.Errorf("secondary: %+v", p)
	}
	if p := got["peer"]; p.Address != other.addr("") || len(p.Names) != 1 || !strings.HasPrefix(p.Names[0], privateBlob+" (") {
		t.Errorf("peer: %+v", p)
	}
}
