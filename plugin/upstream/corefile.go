package upstream

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/value"
)

// A config is one directive.
type config struct {
	from   string
	except []string

	servers, fallback []endpoint
	private           []string

	policy        string
	failover      []int
	maxConcurrent int
	forceTCP      bool
	expire        time.Duration // of idle connections
	maxAge        time.Duration // of connections; 0: no limit
	source        netip.Addr

	tls           *tls.Config
	tlsServerName string

	probe probeConfig
}

// A probeConfig is the query that tests whether an upstream responds again.
type probeConfig struct {
	interval time.Duration
	name     string
	rd       bool
}

func defaults() *config {
	return &config{
		policy:   "sequential",
		failover: []int{dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused},
		// Azure's resolver queues 200 queries of a machine and drops the rest.
		maxConcurrent: 200,
		expire:        10 * time.Second,
		tls:           &tls.Config{MinVersion: tls.VersionTLS12},
		probe:         probeConfig{interval: time.Second, name: ".", rd: true},
	}
}

// parse returns the directives of a server block, in their order.
func parse(c *caddy.Controller) (all []*config, err error) {
	root := ""
	if server := dnsserver.GetConfig(c); server != nil {
		root = server.Root
	}
	for c.Next() {
		cfg, err := parseOne(c, root)
		if err != nil {
			return nil, err
		}
		all = append(all, cfg)
	}
	return all, nil
}

func parseOne(c *caddy.Controller, root string) (*config, error) {
	cfg, line := defaults(), c.Line()
	args := c.RemainingArgs()
	if len(args) < 2 {
		return nil, c.Errf("upstream: %v", value.Wrong(len(args), "upstream FROM TO..."))
	}
	var err error
	if cfg.from, err = oneZone(args[0]); err != nil {
		return nil, c.Errf("upstream: %v", err)
	}
	if cfg.servers, err = endpoints(args[1:]); err != nil {
		return nil, c.Errf("upstream: %v", err)
	}
	seen := map[string]bool{}
	for c.NextBlock() {
		name := c.Val()
		if seen[name] && !repeatable[name] {
			return nil, c.Errf("%s: specified more than once", name)
		}
		seen[name] = true
		if err := cfg.property(name, c.RemainingArgs(), root); err != nil {
			return nil, c.Errf("%s: %v", name, err)
		}
	}
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("%s:%d - Error during parsing: %w", c.File(), line, err)
	}
	return cfg, nil
}

func oneZone(text string) (string, error) {
	zones := plugin.Host(text).NormalizeExact()
	switch {
	case len(zones) == 0:
		return "", fmt.Errorf("%q is not a zone", text)
	case len(zones) > 1:
		return "", fmt.Errorf("%q has %d reverse zones; write one upstream for each, beginning with %s", text, len(zones), zones[0])
	}
	return zones[0], nil
}

// check rejects combinations of properties.
func (cfg *config) check() error {
	if cfg.maxAge > 0 && cfg.maxAge < cfg.expire {
		return fmt.Errorf("max_age: %s is below expire, which is %s", cfg.maxAge, cfg.expire)
	}
	both := slices.Concat(cfg.servers, cfg.fallback)
	for _, e := range both {
		if e.serverName != "" && cfg.tlsServerName != "" {
			return fmt.Errorf("tls_servername: %s has a server name of its own; remove one of the two", e)
		}
		if cfg.source.IsValid() && cfg.source.Is4() != e.addr.Addr().Is4() {
			return fmt.Errorf("source_address: %s cannot reach %s, which is of the other address family", cfg.source, e)
		}
	}
	for _, e := range cfg.fallback {
		if slices.ContainsFunc(cfg.servers, func(s endpoint) bool { return s.addr == e.addr }) {
			return fmt.Errorf("fallback: %s is an upstream already; a fallback is a resolver of another network", e)
		}
	}
	return nil
}
