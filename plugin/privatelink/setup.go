package privatelink

import (
	"context"
	"sync"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/transfer"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
)

func init() {
	plugin.Register("privatelink", setup)
	caddy.RegisterEventHook("privatelink", listening)
}

func setup(c *caddy.Controller) error {
	server := dnsserver.GetConfig(c)
	cfg, err := parse(c, server.Root)
	if err != nil {
		return plugin.Error("privatelink", err)
	}
	if gathering != nil {
		gathering.add(c, server, cfg)
	}
	p := &Privatelink{}
	c.OnStartup(func() error {
		for _, name := range []string{"file", "secondary"} {
			p.authorities = p.authorities || server.Handler(name) != nil
		}
		secondaries, _ := server.Handler("transfer").(*transfer.Transfer)
		begunLater(c, p.start(cfg, secondaries.Notify)) // of nil it notifies nobody
		return nil
	})
	c.OnShutdown(func() error {
		p.stop()
		return nil
	})
	c.OnRestart(clearStarted)
	c.OnRestartFailed(stopStarted)
	server.AddPlugin(func(next plugin.Handler) plugin.Handler {
		p.Next = next
		return p
	})
	return nil
}

// start loads what can be loaded at once, before the first query and before a
// reload lets go of the old instance, and begins to sync.
func (p *Privatelink) start(cfg *config, notify func(zone string) error) *notifier {
	ctx, cancel := context.WithCancel(context.Background())
	p.zones = syncer.New(&cfg.zones, cfg.sources, cfg.state)
	n := newNotifier(p.zones.Snapshot, notify)
	backup := cfg.zones.Cloud.Backup
	createSeries(p.zones.Snapshot(), backup)
	p.zones.OnChange(func() {
		createSeries(p.zones.Snapshot(), backup)
		n.look()
	})
	p.zones.Sync(ctx)
	go p.zones.Run(ctx)
	p.stop = sync.OnceFunc(func() {
		cancel()
		n.close()
		p.zones.Close()
	})
	startedMu.Lock()
	defer startedMu.Unlock()
	started = append(started, p)
	return n
}

// started has what the reload under way has started. A reload that fails later,
// for a port that is taken say, calls no shutdown function of the new instance:
// the old one has to stop what the new one began.
var (
	startedMu sync.Mutex
	started   []*Privatelink
)

func clearStarted() error {
	startedMu.Lock()
	defer startedMu.Unlock()
	started = nil
	return nil
}

func stopStarted() error {
	startedMu.Lock()
	defer startedMu.Unlock()
	for _, p := range started {
		p.stop()
	}
	started = nil
	return nil
}
