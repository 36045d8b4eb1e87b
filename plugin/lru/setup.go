package lru

import (
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"

	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
	"github.com/privatelink-dns/privatelink-dns/plugin/value"
)

func init() { plugin.Register("lru", setup) }

const (
	defaultEntries = 65536
	maxEntries     = 1 << 24
)

// config is the parsed directive.
type config struct {
	entries  int
	stale    time.Duration
	prefetch int
}

func setup(c *caddy.Controller) error {
	cfg, err := parse(c)
	if err != nil {
		return plugin.Error("lru", err)
	}
	l := &LRU{stale: cfg.stale, prefetch: cfg.prefetch}
	server, id := dnsserver.GetConfig(c), ""
	lifecycle.Attach(c, lifecycle.Hooks{
		Begin: func() error {
			l.exchanger = server.Handler("upstream") != nil
			id = storeID(c, server, cfg)
			l.store = acquireStore(id, cfg)
			return nil
		},
		Abort: func() { l.shutDown(id) },
		Close: func() { l.shutDown(id) },
	})
	server.AddPlugin(func(next plugin.Handler) plugin.Handler {
		l.Next = next
		return l
	})
	return nil
}

// shutDown prevents new flights and releases the store of an instance that has ended.
func (l *LRU) shutDown(id string) {
	l.flights.stop()
	releaseStore(id)
}

func parse(c *caddy.Controller) (config, error) {
	cfg := config{entries: defaultEntries, stale: time.Hour, prefetch: 10}
	for first := true; c.Next(); first = false {
		if !first {
			return cfg, c.Errf("lru: specified more than once in a server block")
		}
		if err := cfg.size(c.RemainingArgs()); err != nil {
			return cfg, c.Errf("lru: %v", err)
		}
		seen := map[string]bool{}
		for c.NextBlock() {
			name := c.Val()
			if seen[name] {
				return cfg, c.Errf("%s: specified more than once", name)
			}
			seen[name] = true
			if err := cfg.property(name, c.RemainingArgs()); err != nil {
				return cfg, c.Errf("%s: %v", name, err)
			}
		}
	}
	return cfg, nil
}

func (cfg *config) size(args []string) (err error) {
	switch len(args) {
	case 0:
		return nil
	case 1:
		cfg.entries, err = value.Number(args[0], 1, maxEntries)
		return err
	}
	return value.Wrong(len(args), "lru [ENTRIES]")
}

func (cfg *config) property(name string, args []string) (err error) {
	if name != "stale" && name != "prefetch" {
		return value.Unknown(name, []string{"prefetch", "stale"})
	}
	text, err := value.One(args)
	if err != nil {
		return err
	}
	if name == "prefetch" {
		cfg.prefetch, err = value.Number(text, 0, 90)
		return err
	}
	cfg.stale, err = value.Duration(text, 0, 24*time.Hour, "30m or 1h")
	return err
}
