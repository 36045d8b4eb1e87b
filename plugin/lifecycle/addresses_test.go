package lifecycle

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
)

// The addresses are those of every server block, whatever its plugins are.
func TestAddressesOf(t *testing.T) {
	for _, tc := range []struct{ name, corefile, want string }{
		{"the default port", ". {\n}", "udp :53"},
		{"a port", "a.example:1053 {\n}", "udp :1053"},
		{"addresses", ".:1053 {\nbind 127.0.0.1 ::1\n}", "udp 127.0.0.1:1053, udp [::1]:1053"},
		{"two zones of a block", "a.example:1053 b.example:1054 {\nbind 127.0.0.1\n}", "udp 127.0.0.1:1053, udp 127.0.0.1:1054"},
		{"two blocks at one address", "a.example:1053 {\n}\nb.example:1053 {\n}", "udp :1053"},
		{"transports", "tls://. {\n}\nhttps://. {\n}\nquic://. {\n}\nhttps3://. {\n}\ngrpc://.:443 {\n}", "tcp :853, tcp :443, udp :853, udp :443"},
	} {
		if got := strings.Join(addressesIn(t, tc.corefile), ", "); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.name, got, tc.want)
		}
	}
}

func addressesIn(t *testing.T, corefile string) (texts []string) {
	t.Helper()
	var all []address
	found := errors.New("enough")
	caddy.RegisterParsingCallback("dns", dnsserver.Directives[len(dnsserver.Directives)-1], func(ctx caddy.Context) (err error) {
		if all != nil {
			return nil // the callback of an earlier call
		}
		if all, err = addressesOf(ctx); err != nil {
			t.Error(err)
		}
		return found
	})
	input := caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(corefile), ServerTypeName: "dns"}
	if _, err := caddy.Start(input); !errors.Is(err, found) {
		t.Fatalf("start: %v", err)
	}
	for _, a := range all {
		texts = append(texts, fmt.Sprint(a.network, " ", a))
	}
	return texts
}

type otherContext struct{}

func (*otherContext) InspectServerBlocks(string, []caddyfile.ServerBlock) ([]caddyfile.ServerBlock, error) {
	return nil, nil
}
func (*otherContext) MakeServers() ([]caddy.Server, error) { return nil, nil }

// An unknown data structure is an error, and no start without the check.
func TestAddressesOfAnUnknownContext(t *testing.T) {
	if all, err := addressesOf(&otherContext{}); !errors.Is(err, errContext) {
		t.Errorf("addressesOf = %v, %v; want %v", all, err, errContext)
	}
}
