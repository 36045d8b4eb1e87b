package main

import (
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/corefile"
)

func TestWildcards(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no proxyproto", ". {\n    errors\n}", ""},
		{"no bind", ".:53 {\n    proxyproto\n}", ".:53"},
		{"IPv4 wildcard", ". {\n    bind 0.0.0.0\n    proxyproto {\n        allow 10.0.0.1/32\n    }\n}", "."},
		{"IPv6 wildcard beside an address", ". {\n    bind 10.0.0.4 ::\n    proxyproto\n}", "."},
		{"address", ". {\n    bind 10.0.0.4\n    proxyproto\n}", ""},
		{"interface", ". {\n    bind eth0 {\n        except 10.0.0.5\n    }\n    proxyproto\n}", ""},
		{"TCP only", "tls://. {\n    proxyproto\n}\nhttps://. {\n    proxyproto\n}", ""},
		{"QUIC", "quic://. {\n    proxyproto\n}", "quic://."},
		{"snippet", "(behind) {\n    proxyproto\n}\na.example b.example {\n    import behind\n}\n. {\n    import behind\n    bind lo\n}", "a.example b.example"},
	} {
		if got := strings.Join(wildcards(corefile.Input("Corefile", []byte(tt.text))), ", "); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}
