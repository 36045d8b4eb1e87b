package serverblock

import (
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/coredns/caddy"
)

func parseText(t *testing.T, text string) []Block {
	t.Helper()
	all, err := Parse(caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(text), ServerTypeName: "dns"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestZones(t *testing.T) {
	for _, tc := range []struct{ keys, want string }{
		{".", "[{. dns 53}]"},
		{"Example.ORG:5300", "[{example.org. dns 5300}]"},
		{"dns://example.org", "[{example.org. dns 53}]"},
		{"tls://.:853", "[{. tls 853}]"},
		{"tls://. quic://. grpc://.", "[{. tls 853} {. quic 853} {. grpc 443}]"},
		{"https://. https3://.", "[{. https 443} {. https3 443}]"},
		{"a.example b.example:54", "[{a.example. dns 53} {b.example. dns 54}]"},
		{"10.0.0.0/8", "[{10.in-addr.arpa. dns 53}]"},
		{"10.0.0.0/23", "[{0.0.10.in-addr.arpa. dns 53} {1.0.10.in-addr.arpa. dns 53}]"},
		{"fd00::/8", "[{d.f.ip6.arpa. dns 53}]"},
	} {
		if got := fmt.Sprint(parseText(t, tc.keys+" {\nwhoami\n}\n")[0].Zones); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.keys, got, tc.want)
		}
	}
}

// Snippets are imported, and the directives of each block are its own.
func TestDirectives(t *testing.T) {
	all := parseText(t, "(s) {\nprivatelink {\nfiles a.json\n}\n}\n. {\nimport s\nbind 127.0.0.1 ::1\nbind 127.0.0.2\n}\nexample.org {\nlru\n}\n")
	if len(all) != 2 {
		t.Fatalf("%d blocks; want 2", len(all))
	}
	if got := all[0].Directives(); !slices.Equal(got, []string{"bind", "privatelink"}) {
		t.Errorf("directives %q", got)
	}
	if got := fmt.Sprint(all[0].Arguments("bind")); got != "[[127.0.0.1 ::1] [127.0.0.2]]" {
		t.Errorf("arguments %s", got)
	}
	if got := fmt.Sprint(all[0].Arguments("privatelink")); got != "[[]]" {
		t.Errorf("arguments of privatelink: %s; want none, its properties are no arguments", got)
	}
	if all[1].Has("bind") || !all[1].Has("lru") {
		t.Error("the directives of a block are those of another one")
	}
}

func TestHosts(t *testing.T) {
	for _, tc := range []struct{ directives, want string }{
		{"whoami", `[""]`},
		{"bind 127.0.0.1 ::1", `["127.0.0.1" "::1"]`},
		{"bind 127.0.0.2\nbind 127.0.0.1 127.0.0.2", `["127.0.0.1" "127.0.0.2"]`},
		{"bind 0.0.0.0 ::", `[""]`},
		{"bind 0:0:0:0:0:0:0:1", `["::1"]`},
		{"bind 127.0.0.1 127.0.0.2 {\nexcept 127.0.0.1\n}", `["127.0.0.2"]`},
		{"bind none0", `["none0"]`},
	} {
		b := parseText(t, ". {\n"+tc.directives+"\n}\n")[0]
		if got := fmt.Sprintf("%q", b.Hosts()); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.directives, got, tc.want)
		}
	}
}

// The name of an interface is its addresses.
func TestHostsOfInterface(t *testing.T) {
	cards, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, card := range cards {
		if card.Flags&net.FlagLoopback == 0 {
			continue
		}
		b := parseText(t, ". {\nbind "+card.Name+"\n}\n")[0]
		if got := b.Hosts(); !slices.Contains(got, "127.0.0.1") {
			t.Errorf("%s: %q; want 127.0.0.1 among them", card.Name, got)
		}
		return
	}
	t.Skip("this machine has no loopback interface")
}

func TestZonesAt(t *testing.T) {
	b := parseText(t, "a.example tls://b.example c.example:54 {\nwhoami\n}\n")[0]
	if got := b.ZonesAt("53"); !slices.Equal(got, []string{"a.example."}) {
		t.Errorf("zones %q", got)
	}
}

func TestParseErrors(t *testing.T) {
	for _, text := range []string{". {\nunknown\n}\n", ". {\n"} {
		if _, err := Parse(caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(text)}, []string{"lru"}); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}
