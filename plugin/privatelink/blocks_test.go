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
	const (
		files   = "privatelink {\nfiles /a\n}\n}\n"
		address = "127.0.0.2:1053 [::1]:1053 127.0.0.1:1053 127.0.0.2:53 [::1]:53 127.0.0.1:53"
		bound   = "127.0.0.2:1053 [::1]:1053 0.0.0.0:1053 127.0.0.2:53 [::1]:53 0.0.0.0:53"
		region  = `Corefile:3 - Error during parsing: geo: "eastus" is a region, its geo code is "eus"`
	)
	for _, tt := range []struct{ name, corefile, want string }{
		{"root", ".:1053 {\n" + files, "Corefile:2 [.] [:1053] [127.0.0.1:1053] [files /a]"},
		{"default port", ". {\n" + files, "Corefile:2 [.] [:53] [127.0.0.1:53] [files /a]"},
		{"several names and listeners", "a.:1053 b. tls://. {\nbind 127.0.0.2 ::1 0.0.0.0\nprivatelink {\nhosts /h\nfiles /a\n}\n}",
			"Corefile:3 [a. b. .] [" + bound + "] [" + address + "] [hosts /h files /a]"},
		{"three blocks", "a.:1 {\n" + files + "b.:1 {\nbind 127.0.0.1\n}\nc.:1 {\nprivatelink {\nfiles /c\n}\n}",
			"Corefile:2 [a.] [:1] [127.0.0.1:1] [files /a], Corefile:10 [c.] [:1] [127.0.0.1:1] [files /c]"},
		{"no privatelink block", ".:1 {\nbind 127.0.0.1\n}", ""},
		{"error in the block", ".:1 {\nprivatelink {\ngeo eastus\nfiles /a\n}\n}", "plugin/privatelink: " + region},
		{"error in a different plugin", ".:1 {\nbind\n" + files, "plugin/bind: at least one address or interface name is expected"},
		{"two server blocks for one name", ".:1 {\n" + files + ".:1 {\n" + files, "Corefile: cannot serve dns://.:1 - it is already defined"},
		{"incomplete Corefile", ". {\nprivatelink {\nfiles /a\n", "Corefile:3 - Error during parsing: Unexpected EOF"},
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
			shown = append(shown, fmt.Sprint(b.Position, " ", origins, " ", b.Bound, " ", b.Listen, " ", sources))
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
