package upstream

import (
	"crypto/tls"
	"slices"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"

	"github.com/privatelink-dns/privatelink-dns/plugin/fairqueue"
	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

func init() { plugin.Register("upstream", setup) }

func setup(c *caddy.Controller) error {
	all, err := parse(c)
	if err != nil {
		return plugin.Error("upstream", err)
	}
	server := dnsserver.GetConfig(c)
	for _, cfg := range all {
		u := newUpstream(cfg, newSystem(cfg))
		lifecycle.Attach(c, lifecycle.Hooks{
			Begin: func() error {
				u.private = u.privacy(otherZones(c), server.Handler("privatelink"))
				return nil
			},
			Abort: u.close,
			Close: u.close,
		})
		server.AddPlugin(func(next plugin.Handler) plugin.Handler {
			u.Next = next
			return u
		})
	}
	return nil
}

func newSystem(cfg *config) *system {
	conf := cfg.tls.Clone()
	conf.ClientSessionCache = tls.NewLRUClientSessionCache(len(cfg.servers) + len(cfg.fallback))
	return &system{source: cfg.source, tls: conf, tlsServerName: cfg.tlsServerName}
}

func newUpstream(cfg *config, n network) *Upstream {
	u := &Upstream{cfg: cfg, network: n, queue: fairqueue.New(min(cfg.maxConcurrent, sockets.slots()))}
	u.private = u.privacy(nil, nil)
	allDownGauge.WithLabelValues(cfg.from).Set(0)
	for _, e := range cfg.servers {
		u.servers = append(u.servers, newServer(e, cfg, n, u.reportOutage))
	}
	for _, s := range u.servers {
		s.hasOthers = len(u.servers) > 1
	}
	for _, e := range cfg.fallback {
		u.fallback = append(u.fallback, newServer(e, cfg, n, func() {}))
	}
	return u
}

func (u *Upstream) close() {
	for _, s := range slices.Concat(u.servers, u.fallback) {
		s.close()
	}
	u.network.close()
}

// reportOutage logs when all upstreams are down, and when one is back.
func (u *Upstream) reportOutage() {
	allDown := !slices.ContainsFunc(u.servers, func(s *server) bool { return !s.is(down) })
	if allDown == u.allDown.Swap(allDown) {
		return
	}
	if allDown {
		allDownGauge.WithLabelValues(u.cfg.from).Set(1)
	} else {
		allDownGauge.WithLabelValues(u.cfg.from).Set(0)
	}
	switch {
	case !allDown:
		log.Infof("An upstream of %s responds again", u.cfg.from)
	case len(u.fallback) > 0:
		log.Warningf("All upstreams of %s are down: the fallback resolvers are asked, except for private names", u.cfg.from)
	default:
		log.Warningf("All upstreams of %s are down: names that are not in memory are SERVFAIL", u.cfg.from)
	}
}

// privacy returns a function that reports whether a name must not be sent to a fallback
// resolver.
func (u *Upstream) privacy(others []string, privatelink plugin.Handler) func(name string) bool {
	zones := slices.Concat(alwaysPrivate, u.cfg.private, others)
	served, _ := privatelink.(interface{ Private(name string) bool })
	return func(name string) bool {
		return within(name, zones) || served != nil && served.Private(name)
	}
}

// otherZones returns the zones of the other server blocks, except those that contain
// this one. The Corefile is parsed again, because a setup function sees its own block
// only.
func otherZones(c *caddy.Controller) (zones []string) {
	inst := lifecycle.Instance(c)
	if inst == nil {
		return nil
	}
	blocks, err := serverblock.Parse(inst.Caddyfile(), dnsserver.Directives)
	if err != nil || c.ServerBlockIndex >= len(blocks) { // an imported file was changed after the start
		return nil
	}
	contains := func(zone string) bool {
		return slices.ContainsFunc(blocks[c.ServerBlockIndex].Zones, func(own serverblock.Zone) bool { return plugin.Name(zone).Matches(own.Name) })
	}
	for i := range blocks {
		for _, zone := range blocks[i].Zones {
			if i != c.ServerBlockIndex && !contains(zone.Name) {
				zones = append(zones, zone.Name)
			}
		}
	}
	return zones
}
