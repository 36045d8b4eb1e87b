package privatelink

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	keys "github.com/coredns/coredns/plugin/pkg/parse"
	"github.com/coredns/coredns/plugin/pkg/transport"

	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/spelling"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Block has the values of a privatelink block of a Corefile, and the names and
// addresses of its server block.
type Block struct {
	Position string // file and line
	Zones    zone.Set
	Sources  []source.Source

	// Origins are the names of the server block. The plugin receives only queries
	// for names below one of them.
	Origins []dnsname.Name
	// Bound has the "host:port" of each listener for plain DNS. Without bind, the host is
	// empty: the server listens on all addresses. Listen has where this machine reaches
	// them: it has 127.0.0.1 in place of all addresses.
	Bound, Listen []string

	State string // path of the state file, or empty

	// Protect has the grades of names that get no public address.
	Protect map[ledger.Grade]bool

	// FastPath is why plugin fastpath is off for the server block, or nil.
	FastPath error

	Index int // of the server block in the Corefile
}

// blocks, if not nil, collects the blocks that setup parses while Blocks runs.
var blocks *blockCollector

type blockCollector struct {
	blocks  []Block
	context caddy.Context // of the whole Corefile
}

// Blocks checks a whole Corefile as the server does at its start and returns its
// privatelink blocks. It starts nothing. The error has position, value and rule.
// One goroutine at a time may call it, in a program that does not serve.
func Blocks(corefile caddy.Input) ([]Block, error) {
	var found blockCollector
	blocks = &found
	defer func() { blocks = nil }()
	err := caddy.ValidateAndExecuteDirectives(corefile, nil, true)
	if err == nil && found.context != nil {
		// Two server blocks with the same name are an error only here.
		if _, err = found.context.MakeServers(); err != nil {
			err = fmt.Errorf("%s: %w", corefile.Path(), err)
		}
	}
	for i := range found.blocks {
		found.blocks[i].FastPath = fastpath.Obstacle(corefile, found.blocks[i].Index)
	}
	return found.blocks, meant(err)
}

// meant adds what is meant to Caddy's error for an unknown directive.
func meant(err error) error {
	if err == nil {
		return nil
	}
	_, rest, unknown := strings.Cut(err.Error(), "Unknown directive '")
	name, _, _ := strings.Cut(rest, "'")
	if !unknown {
		return err
	}
	if _, ours := syntax[name]; ours {
		return fmt.Errorf("%w: it is a property of privatelink, write it between the braces of privatelink { }", err)
	}
	best := spelling.Nearest(name, caddy.ValidDirectives("dns"))
	if name == "cache" {
		best = "lru"
	}
	if best != "" {
		return fmt.Errorf("%w, do you mean %s?", err, best)
	}
	return fmt.Errorf("%w: privatelink-dns -plugins lists the known ones", err)
}

func (b *blockCollector) add(c *caddy.Controller, server *dnsserver.Config, cfg *config) {
	b.context = c.Context()
	b.blocks = append(b.blocks, newBlock(c, server, cfg))
}

func newBlock(c *caddy.Controller, server *dnsserver.Config, cfg *config) Block {
	b := Block{Position: cfg.position, Zones: cfg.zones, Sources: cfg.sources, State: cfg.state, Protect: cfg.protect, Index: c.ServerBlockIndex}
	for _, key := range c.ServerBlockKeys {
		kind, key := keys.Transport(key)
		hosts, port, err := plugin.SplitHostPort(key)
		if err != nil {
			continue // the server reports it
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
		add(&b.Bound, net.JoinHostPort(host, port))
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		add(&b.Listen, net.JoinHostPort(host, port))
	}
}

func add(all *[]string, text string) {
	if !slices.Contains(*all, text) {
		*all = append(*all, text)
	}
}
