package fastpath

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/parse"
	"github.com/coredns/coredns/plugin/pkg/transport"
)

// An effect is the effect of a plugin on queries that other plugins answer.
type effect uint8

const (
	unknown effect = iota
	absent         // none
	modeled        // it does nothing, or the fast path does the same
	answers        // it answers some queries itself; the plugins after it are not part of the fast path
	opposed        // it sees, changes or selects queries: the fast path is off
)

// plugins has the effect of each plugin whose source has been read.
var plugins = map[string]effect{
	"fastpath": absent, "root": absent, "timeouts": absent, "reload": absent, "tls": absent, "bind": absent, "ready": absent, "health": absent,
	"quic": absent, "https": absent, "https3": absent, "debug": absent, "status": absent,
	"bufsize": modeled, "prometheus": modeled, "errors": modeled, "acl": modeled, "local": modeled, "any": modeled, "transfer": modeled,
	"cookies": modeled, "privatelink": modeled, "lru": modeled,
	"hosts": answers, "file": answers, "secondary": answers, "loop": answers, "forward": answers, "upstream": answers, "cache": answers,
	"proxyproto": opposed, "multisocket": opposed, "log": opposed, "dnstap": opposed, "view": opposed, "rewrite": opposed, "header": opposed,
	"tsig": opposed, "metadata": opposed, "minimal": opposed, "loadbalance": opposed, "template": opposed, "dns64": opposed, "trace": opposed,
}

var errNoResponder = errors.New("no plugin of the block answers from memory, such as privatelink or lru")

// Obstacle returns why the fast path is off for a server block of a Corefile, by its
// index, or nil if it is on.
func Obstacle(corefile caddy.Input, index int) error {
	blocks, err := readCorefile(corefile)
	if err != nil {
		return err
	}
	switch {
	case index >= len(blocks): // an imported file was changed after the start
		return errors.New("the server block is not in the Corefile any more")
	case !slices.Contains(blocks[index].directives, "fastpath"):
		return errors.New("fastpath is not in the server block")
	case runtime.GOOS != "linux":
		return errNoLinux
	}
	return obstacle(blocks, index)
}

var errNoLinux = errors.New("it is available on Linux only")

// A serverBlock is a block of the Corefile, as far as the fast path needs it.
type serverBlock struct {
	zones      []zoneAddr
	directives []string
}

type zoneAddr struct{ zone, transport, port string }

// readCorefile returns the server blocks. The Corefile is parsed again, because
// the server does not export the zones of the other blocks.
func readCorefile(corefile caddy.Input) ([]serverBlock, error) {
	return readCorefileWith(corefile, dnsserver.Directives)
}

func readCorefileWith(corefile caddy.Input, directives []string) ([]serverBlock, error) {
	parsed, err := caddyfile.Parse(corefile.Path(), bytes.NewReader(corefile.Body()), directives)
	if err != nil {
		return nil, err
	}
	var all []serverBlock
	for _, p := range parsed {
		b := serverBlock{}
		for _, key := range p.Keys {
			b.zones = append(b.zones, zonesOf(key)...)
		}
		for name := range p.Tokens {
			b.directives = append(b.directives, name)
		}
		slices.Sort(b.directives)
		all = append(all, b)
	}
	return all, nil
}

// zonesOf returns the zones of a key. A key with a network has several.
func zonesOf(key string) (all []zoneAddr) {
	kind, rest := parse.Transport(key)
	hosts, port, err := plugin.SplitHostPort(rest)
	if err != nil {
		return nil // the server has checked them
	}
	if port == "" && kind == transport.DNS {
		port = dnsserver.Port
	}
	for _, host := range hosts {
		all = append(all, zoneAddr{plugin.Name(host).Normalize(), kind, port})
	}
	return all
}

// zonesAt returns the block's zones for plain DNS on a port.
func (b *serverBlock) zonesAt(port string) (zones []string) {
	for _, z := range b.zones {
		if z.transport == transport.DNS && z.port == port {
			zones = append(zones, z.zone)
		}
	}
	return zones
}

// obstacle returns why the fast path is off for the block, or nil.
func (b *serverBlock) obstacle() error {
	for _, name := range b.directives {
		switch plugins[name] {
		case opposed:
			return fmt.Errorf("plugin %s is in the server block", name)
		case unknown:
			return fmt.Errorf("plugin %s is in the server block, and its effect is not known", name)
		}
	}
	if !slices.ContainsFunc(b.directives, func(name string) bool { return name == "privatelink" || name == "lru" }) {
		return errNoResponder
	}
	return nil
}

// strange returns a plugin with an unknown effect, or "". Such a plugin may change how
// the server reads the packets of other blocks.
func (b *serverBlock) strange() string {
	for _, name := range b.directives {
		if plugins[name] == unknown {
			return name
		}
	}
	return ""
}
