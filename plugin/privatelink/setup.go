package privatelink

import (
	"context"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
)

func init() { plugin.Register("privatelink", setup) }

func setup(c *caddy.Controller) error {
	server := dnsserver.GetConfig(c)
	cfg, err := parse(c, server.Root)
	if err != nil {
		return plugin.Error("privatelink", err)
	}
	p := &Privatelink{ttl: uint32(cfg.ttl.Seconds())}
	ctx, stop := context.WithCancel(context.Background())

	c.OnStartup(func() error {
		for _, name := range []string{"file", "hosts", "secondary"} {
			p.authorities = p.authorities || server.Handler(name) != nil
		}
		p.zones = syncer.New(&cfg.zones, cfg.sources, cfg.refresh)
		p.zones.Sync(ctx) // before the first query, and before a reload lets go of the old instance
		go p.zones.Run(ctx)
		return nil
	})
	c.OnShutdown(func() error {
		stop()
		p.zones.Close()
		return nil
	})
	server.AddPlugin(func(next plugin.Handler) plugin.Handler {
		p.Next = next
		return p
	})
	return nil
}
