package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
)

func TestDirectives(t *testing.T) {
	want := "root proxyproto quic https timeouts multisocket reload tls bufsize bind fastpath status ready health prometheus errors log " +
		"acl cookies local any tsig header transfer privatelink hosts file secondary lru loop upstream forward"
	if got := strings.Join(directives, " "); got != want {
		t.Errorf("directives\n got %s\nwant %s", got, want)
	}
	if err := dnsserver.SetDirectives(directives); err != nil {
		t.Error(err)
	}
}

// A directive whose plugin is not linked fails only when a Corefile uses it; a
// plugin without its directive can never be used.
func TestDirectivesAreLinked(t *testing.T) {
	for _, name := range directives {
		if _, err := caddy.DirectiveAction("dns", name); err != nil {
			t.Errorf("directive %s: %v", name, err)
		}
	}
	come := []string{"debug", "dnstap", "metadata"} // forward imports them
	for _, name := range caddy.ListPlugins()["others"] {
		if directive, ok := strings.CutPrefix(name, "dns."); ok && !slices.Contains(append(come, directives...), directive) {
			t.Errorf("plugin %s is linked and has no directive", directive)
		}
	}
}

// Whatever answers comes after the access list.
func TestAccessListIsFirst(t *testing.T) {
	for _, name := range []string{"local", "any", "tsig", "transfer", "privatelink", "hosts", "file", "secondary", "lru", "loop", "upstream", "forward"} {
		if slices.Index(directives, name) < slices.Index(directives, "acl") {
			t.Errorf("%s is before acl", name)
		}
	}
}

// The sockets of fastpath end before the plugins that answer at them.
func TestFastPathClosesFirst(t *testing.T) {
	for _, name := range []string{"privatelink", "lru", "loop", "forward"} {
		if slices.Index(directives, name) < slices.Index(directives, "fastpath") {
			t.Errorf("%s comes before fastpath", name)
		}
	}
}

func TestRelease(t *testing.T) {
	version = "v1.2.3"
	defer func() { version = "" }()
	if got, want := release(), "v1.2.3 (CoreDNS 1.15.0)"; got != want {
		t.Errorf("release() = %q; want %q", got, want)
	}
}
