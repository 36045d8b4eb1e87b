package privatelink

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
)

func TestBlocks(t *testing.T) {
	dnsserver.Port = "53"
	for _, tt := range []struct{ name, corefile, want string }{
		{"root", ".:1053 {\nprivatelink {\nfiles /a\n}\n}", "Corefile:2 [.] [127.0.0.1:1053] [files /a]"},
		{"port left open", ". {\nprivatelink {\nfiles /a\n}\n}", "Corefile:2 [.] [127.0.0.1:53] [files /a]"},
		{"several names and listeners", "a.example:1053 b.example tls://. {\nbind 127.0.0.2 ::1 0.0.0.0\nprivatelink {\nhosts /h\nfiles /a\n}\n}", "Corefile:3 [a.example. b.example. .] [127.0.0.2:1053 [::1]:1053 127.0.0.1:1053 127.0.0.2:53 [::1]:53 127.0.0.1:53] [hosts /h files /a]"},
		{"two blocks, one without", "a.example:1 {\nprivatelink {\nfiles /a\n}\n}\nb.example:1 {\nbind 127.0.0.1\n}\nc.example:1 {\nprivatelink {\nfiles /c\n}\n}", "Corefile:2 [a.example.] [127.0.0.1:1] [files /a], Corefile:10 [c.example.] [127.0.0.1:1] [files /c]"},
		{"none", ".:1 {\nbind 127.0.0.1\n}", ""},
		{"error in it", ".:1 {\nprivatelink {\ngeo eastus\nfiles /a\n}\n}", `plugin/privatelink: Corefile:3 - Error during parsing: geo: "eastus" is a region, its geo code is "eus"`},
		{"error in another plugin", ".:1 {\nbind\nprivatelink {\nfiles /a\n}\n}", "plugin/bind: at least one address or interface name is expected"},
		{"two server blocks for one name", ".:1 {\nprivatelink {\nfiles /a\n}\n}\n.:1 {\nprivatelink {\nfiles /b\n}\n}", "Corefile: cannot serve dns://.:1 - it is already defined"},
		{"no Corefile", ". {\nprivatelink {\nfiles /a\n", "Corefile:3 - Error during parsing: Unexpected EOF"},
	} {
		blocks, err := Blocks(caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(tt.corefile), ServerTypeName: "dns"})
		var shown []string
		for _, b := range blocks {
			var origins, sources []string
			for _, name := range b.Origins {
				origins = append(origins, string(name))
			}
			for _, src := range b.Sources {
				sources = append(sources, src.Config().Name)
			}
			shown = append(shown, fmt.Sprint(b.Position, " ", origins, " ", b.Listen, " ", sources))
		}
		got := strings.Join(shown, ", ")
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: Blocks() =\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}
