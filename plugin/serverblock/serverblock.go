// Package serverblock reads the server blocks of a Corefile. Plugins and commands need
// those of others: CoreDNS gives a plugin its own block only.
package serverblock

import (
	"bytes"
	"slices"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/parse"
	"github.com/coredns/coredns/plugin/pkg/transport"
)

// A Block is one server block.
type Block struct {
	Keys  []string // as they are written
	Zones []Zone   // of the keys; a key with a network has several

	path   string
	tokens map[string][]caddyfile.Token
}

// Name returns the keys as they are written, with a space between two.
func (b *Block) Name() string { return strings.Join(b.Keys, " ") }

// A Zone is a zone that a block serves, with how its queries arrive.
type Zone struct {
	Name      string // in lower case, with a trailing dot
	Transport string // as in CoreDNS: "dns", "tls", …
	Port      string
}

// Parse returns the server blocks, with those that they import. Directives that are not
// valid are an error, unless valid is nil.
func Parse(corefile caddy.Input, valid []string) ([]Block, error) {
	parsed, err := caddyfile.Parse(corefile.Path(), bytes.NewReader(corefile.Body()), valid)
	if err != nil {
		return nil, err
	}
	all := make([]Block, 0, len(parsed))
	for _, p := range parsed {
		b := Block{Keys: p.Keys, path: corefile.Path(), tokens: p.Tokens}
		for _, key := range p.Keys {
			b.Zones = append(b.Zones, zonesOf(key)...)
		}
		all = append(all, b)
	}
	return all, nil
}

// zonesOf returns the zones of a key. A key that the server rejects has none.
func zonesOf(key string) (all []Zone) {
	kind, rest := parse.Transport(key)
	hosts, port, err := plugin.SplitHostPort(rest)
	if err != nil {
		return nil
	}
	if port == "" {
		port = portOf(kind)
	}
	for _, host := range hosts {
		all = append(all, Zone{plugin.Name(host).Normalize(), kind, port})
	}
	return all
}

// portOf returns the port of a key without one.
func portOf(kind string) string {
	switch kind {
	case transport.TLS:
		return transport.TLSPort
	case transport.QUIC:
		return transport.QUICPort
	case transport.GRPC:
		return transport.GRPCPort
	case transport.HTTPS, transport.HTTPS3:
		return transport.HTTPSPort
	}
	return dnsserver.Port
}

// ZonesAt returns the names of the block's zones for plain DNS on a port.
func (b *Block) ZonesAt(port string) (names []string) {
	for _, z := range b.Zones {
		if z.Transport == transport.DNS && z.Port == port {
			names = append(names, z.Name)
		}
	}
	return names
}

// Has reports whether the block has the directive.
func (b *Block) Has(directive string) bool { return len(b.tokens[directive]) > 0 }

// Directives returns the names of the block's directives, sorted.
func (b *Block) Directives() (names []string) {
	for name := range b.tokens {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Dispenser returns the tokens of a directive, each time that the block has it.
func (b *Block) Dispenser(directive string) caddyfile.Dispenser {
	return caddyfile.NewDispenserTokens(b.path, b.tokens[directive])
}

// Arguments returns the arguments of a directive, for each time that the block has it.
func (b *Block) Arguments(directive string) (all [][]string) {
	for d := b.Dispenser(directive); d.Next(); {
		all = append(all, d.RemainingArgs())
		for d.NextBlock() { // its properties are no arguments
			d.RemainingArgs()
		}
	}
	return all
}
