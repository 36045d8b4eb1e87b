package fastpath

import (
	"strings"
	"testing"

	"github.com/coredns/caddy"
)

// The fast path is off where a plugin sees, changes or selects queries, and where
// the effect of a plugin is not known.
func TestObstacle(t *testing.T) {
	for _, tc := range []struct{ name, corefile, want string }{
		{"default plugins", ". {\nerrors\nprometheus\nbufsize\nacl\nlocal\nany\nfastpath\nprivatelink\nlru\nforward . 1.2.3.4\n}", ""},
		{"log", ". {\nfastpath\nlog\nlru\n}", "plugin log is in the server block"},
		{"dnstap", ". {\nfastpath\ndnstap\nlru\n}", "plugin dnstap is in the server block"},
		{"view", ". {\nfastpath\nview\nlru\n}", "plugin view is in the server block"},
		{"rewrite", ". {\nfastpath\nrewrite\nlru\n}", "plugin rewrite is in the server block"},
		{"proxyproto", ". {\nfastpath\nproxyproto\nlru\n}", "plugin proxyproto is in the server block"},
		{"multisocket", ". {\nfastpath\nmultisocket\nlru\n}", "plugin multisocket is in the server block"},
		{"header", ". {\nfastpath\nheader\nlru\n}", "plugin header is in the server block"},
		{"tsig", ". {\nfastpath\ntsig\nlru\n}", "plugin tsig is in the server block"},
		{"unknown plugin", ". {\nfastpath\nstrange\nlru\n}", "plugin strange is in the server block, and its effect is not known"},
		{"no plugin that answers from memory", ". {\nfastpath\nforward . 1.2.3.4\n}", errNoResponder.Error()},
		{"hosts before lru", ". {\nfastpath\nhosts a.hosts\nlru\n}", errNoResponder.Error()},
		{"hosts behind privatelink", ". {\nfastpath\nprivatelink\nhosts a.hosts\nlru\n}", ""},
		{"log in another block", ". {\nfastpath\nlru\n}\nexample.org {\nlog\n}", ""},
		{"unknown plugin in another block", ". {\nfastpath\nlru\n}\nexample.org {\nstrange\n}", "plugin strange is in the server block example.org. on the same port, and its effect is not known"},
		{"unknown plugin on another port", ". {\nfastpath\nlru\n}\nexample.org:54 {\nstrange\n}", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			blocks := read(t, tc.corefile)
			got := ""
			if err := obstacle(blocks, 0); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got %q; want %q", got, tc.want)
			}
		})
	}
}

func read(t *testing.T, corefile string) []serverBlock {
	t.Helper()
	blocks, err := readCorefileWith(caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(corefile), ServerTypeName: "dns"}, []string{
		"fastpath", "errors", "prometheus", "bufsize", "acl", "local", "any", "privatelink", "hosts", "lru", "forward", "log", "dnstap", "view", "rewrite",
		"proxyproto", "multisocket", "header", "tsig", "strange",
	})
	if err != nil {
		t.Fatal(err)
	}
	return blocks
}

// A query is routed to the zone that the server would choose.
func TestRoutes(t *testing.T) {
	here, there := &target{}, &target{}
	r := routes{".": here, "example.org.": there, "sub.example.org.": nil, "10.in-addr.arpa.": nil}
	for _, tc := range []struct {
		name string
		want *target
	}{
		{"www.example.com.", here}, {".", here}, {"example.org.", there}, {"www.example.org.", there}, {"notexample.org.", here},
		{"sub.example.org.", nil}, {"a.sub.example.org.", nil}, {"1.0.0.10.in-addr.arpa.", nil},
	} {
		if got := r.find(tc.name); got != tc.want {
			t.Errorf("find(%s) = %p; want %p", tc.name, got, tc.want)
		}
	}
	if got := (routes{"example.org.": there}).find("example.com."); got != nil {
		t.Errorf("a name outside all zones is routed to %p", got)
	}
}

// The names of plugin local, as its own ServeDNS selects them.
func TestIsLocal(t *testing.T) {
	for name, want := range map[string]bool{
		"localhost.": true, "a.localhost.": true, "localhost.example.org.": true, "1.0.0.127.in-addr.arpa.": true, "127.in-addr.arpa.": true,
		"0.in-addr.arpa.": true, "1.255.in-addr.arpa.": true, "notlocalhost.": false, "mylocalhost.example.org.": false, "10.in-addr.arpa.": false,
		"1127.in-addr.arpa.": false, ".": false,
	} {
		if got := isLocal(name); got != want {
			t.Errorf("isLocal(%s) = %v", name, got)
		}
	}
}

func TestAppendName(t *testing.T) {
	for name, want := range map[string]string{".": "\x00", "a.": "\x01a\x00", "www.example.org.": "\x03www\x07example\x03org\x00"} {
		if got := string(AppendName(nil, name)); got != want {
			t.Errorf("AppendName(%s) = %q; want %q", name, got, want)
		}
	}
}

func TestLongName(t *testing.T) {
	head := strings.Repeat(strings.Repeat("a", 63)+".", 3)
	for _, tc := range []struct {
		name string
		want reason
	}{
		{head + strings.Repeat("b", 61) + ".", answered}, {head + strings.Repeat("b", 62) + ".", notPlain}, {strings.Repeat("a.", 127), answered}, {strings.Repeat("a.", 128), notPlain},
	} {
		packet := append([]byte{1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, AppendName(nil, tc.name)...)
		packet = append(packet, 0, 1, 0, 1)
		var q Query
		if got := q.parse(packet); got != tc.want || got == answered && q.Name != tc.name {
			t.Errorf("parse(%s) = %d, %s; want %d", tc.name, got, q.Name, tc.want)
		}
	}
}

// A block with plugin view selects queries for its zones, in whatever order the
// blocks are.
func TestSelects(t *testing.T) {
	in := &instance{blocks: read(t, ". {\nfastpath\nlru\n}\n. {\nview\nlru\n}\nexample.org {\nfastpath\nlru\n}")}
	for _, tc := range []struct {
		block int
		zone  string
		want  bool
	}{{0, ".", true}, {1, ".", false}, {2, "example.org.", false}} {
		if got := in.selects(tc.block, tc.zone); got != tc.want {
			t.Errorf("another block selects queries of %s for block %d = %v", tc.zone, tc.block, got)
		}
	}
}
