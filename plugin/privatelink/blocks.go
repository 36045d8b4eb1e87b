package privatelink

import (
	"fmt"
	"net"
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	keys "github.com/coredns/coredns/plugin/pkg/parse"
	"github.com/coredns/coredns/plugin/pkg/transport"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Block is what a privatelink block of a Corefile says, and what its server
// block is for.
type Block struct {
	Position string // file and line
	Zones    zone.Set
	Sources  []source.Source

	// Origins are the names that the server block is for: a query for a name
	// below none of them does not get to the plugin.
	Origins []dnsname.Name
	// Listen has the "host:port" of each listener for plain DNS. Without bind
	// the host is 127.0.0.1: the server listens there, too.
	Listen []string

	State string // path of the state file, or empty
}

// gathering is where setup puts the blocks that it reads, while Blocks runs.
var gathering *gathered

type gathered struct {
	blocks  []Block
	context caddy.Context // of the whole Corefile
}

// Blocks checks a whole Corefile as the server does at its start, without
// starting one, and returns its privatelink blocks. The error names position,
// value and rule. It is for programs that do not serve, and for one goroutine.
func Blocks(corefile caddy.Input) ([]Block, error) {
	var found gathered
	gathering = &found
	defer func() { gathering = nil }()
	err := caddy.ValidateAndExecuteDirectives(corefile, nil, true)
	if err == nil && found.context != nil {
		// Whether two server blocks are for the same name is seen only here.
		if _, err = found.context.MakeServers(); err != nil {
			err = fmt.Errorf("%s: %w", corefile.Path(), err)
		}
	}
	return found.blocks, err
}

func (g *gathered) add(c *caddy.Controller, server *dnsserver.Config, cfg *config) {
	g.context = c.Context()
	g.blocks = append(g.blocks, newBlock(c, server, cfg))
}

func newBlock(c *caddy.Controller, server *dnsserver.Config, cfg *config) Block {
	b := Block{Position: cfg.position, Zones: cfg.zones, Sources: cfg.sources, State: cfg.state}
	for _, key := range c.ServerBlockKeys {
		kind, key := keys.Transport(key)
		hosts, port, err := plugin.SplitHostPort(key)
		if err != nil {
			continue // the server has checked them
		}
		for _, host := range hosts {
			b.Origins = append(b.Origins, dnsname.Name(plugin.Name(host).Normalize()))
		}
		if kind == transport.DNS {
			b.listen(server.ListenHosts, port)
		}
	}
	return b
}

func (b *Block) listen(hosts []string, port string) {
	for _, host := range hosts {
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		if addr := net.JoinHostPort(host, port); !slices.Contains(b.Listen, addr) {
			b.Listen = append(b.Listen, addr)
		}
	}
}
