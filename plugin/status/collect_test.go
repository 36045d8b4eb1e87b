package status

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coredns/caddy/caddyfile"

	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

func TestSecondaries(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"transfer {\n to 10.0.0.5\n}", "[{10.0.0.5:53 secondary}]"},
		{"transfer example.org {\n to 10.0.0.5:5353 ::1\n to [2001:db8::1]:54\n}", "[{10.0.0.5:5353 secondary} {[::1]:53 secondary} {[2001:db8::1]:54 secondary}]"},
		{"transfer {\n to *\n}", "[]"},
		{"transfer {\n to * 10.0.0.5\n}\ntransfer b {\n to 10.0.0.6\n}", "[{10.0.0.5:53 secondary} {10.0.0.6:53 secondary}]"},
		{"transfer {\n from 10.0.0.7\n to 10.0.0.5\n}", "[{10.0.0.5:53 secondary}]"},
		{"", "[]"},
	} {
		blocks, err := caddyfile.Parse("Corefile", strings.NewReader(".:53 {\n"+tt.in+"\n}\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(secondaries(caddyfile.NewDispenserTokens("Corefile", blocks[0].Tokens["transfer"]))); got != tt.want {
			t.Errorf("%q: %s; want %s", tt.in, got, tt.want)
		}
	}
}

// The fast path is off if the kernel does not allow it, whatever the Corefile has.
func TestFastPaths(t *testing.T) {
	c := &collector{fastpath: []view.FastPath{{Block: "a", On: true}, {Block: "b", Text: "plugin log is in the server block"}}}
	for sockets, want := range []string{"[{a false the log has the reason} {b false plugin log is in the server block}]",
		"[{a true } {b false plugin log is in the server block}]"} {
		if got := fmt.Sprint(c.fastPaths(sample{sockets: sockets})); got != want {
			t.Errorf("%d sockets: %s; want %s", sockets, got, want)
		}
	}
}
