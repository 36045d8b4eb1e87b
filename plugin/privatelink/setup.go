package privatelink

import (
	"fmt"
	"sync"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	parsing "github.com/coredns/coredns/plugin/pkg/parse"
	"github.com/coredns/coredns/plugin/pkg/transport"
	"github.com/coredns/coredns/plugin/transfer"

	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
)

func init() { plugin.Register("privatelink", setup) }

// process owns the state that outlives a reload.
var process = syncer.NewProcess()

func setup(c *caddy.Controller) error {
	server := dnsserver.GetConfig(c)
	cfg, err := parse(c, server.Root)
	if err != nil {
		return plugin.Error("privatelink", err)
	}
	if blocks != nil {
		blocks.add(c, server, cfg)
	}
	if cfg.state, err = absolute(cfg.state); err != nil {
		return plugin.Error("privatelink", fmt.Errorf("%s: state: %w", cfg.position, err))
	}
	p := newPrivatelink(cfg, fmt.Sprint(c.ServerBlockKeys, server.ListenHosts, server.ViewName))
	p.register(c, cfg.position)
	lifecycle.Attach(c, lifecycle.Hooks{
		Begin: func() error {
			if err := taken(server, c.ServerBlockKeys); err != nil {
				return err
			}
			p.begin(server)
			return nil
		},
		Commit: func() {
			p.commit()
			noteReload(lifecycle.Instance(c))
		},
		Abort: p.close,
		Close: p.close,
	})
	server.AddPlugin(func(next plugin.Handler) plugin.Handler {
		p.Next = next
		return p
	})
	return nil
}

// taken returns an error if another process listens on an address of the server
// block.
func taken(server *dnsserver.Config, keys []string) error {
	for _, key := range keys {
		kind, rest := parsing.Transport(key)
		_, port, err := plugin.SplitHostPort(rest)
		if err != nil || kind != transport.DNS {
			continue
		}
		for _, host := range server.ListenHosts {
			if err := lifecycle.Taken(host, port); err != nil {
				return err
			}
		}
	}
	return nil
}

// newPrivatelink returns a handler that is not ready. Plugin ready may ask it
// before it begins.
func newPrivatelink(cfg *config, block string) *Privatelink {
	p := &Privatelink{protect: cfg.protect}
	p.zones = process.New(syncer.Config{
		Block: block, Zones: &cfg.zones, Sources: cfg.sources, StateFile: cfg.state, OnDemand: cfg.onDemand,
		OnChange: func() {
			createSeries(p.zones.Snapshot(), cfg.zones.Cloud.Backup)
			p.notifier.notifyChanged()
		},
	})
	p.notifier = newNotifier(p.zones.Snapshot)
	return p
}

// begin loads the state file and the local sources, before the first query and
// before a reload ends the running instance.
func (p *Privatelink) begin(server *dnsserver.Config) {
	p.authorities = authoritiesOf(server)
	secondaries, _ := server.Handler("transfer").(*transfer.Transfer)
	p.notifier.send = secondaries.Notify // of a nil Transfer: it notifies nobody
	p.zones.Begin()
}

// commit begins to notify secondaries: the server listens, and after a reload its
// predecessor does not any more, so that a secondary which asks back gets the new
// serial.
func (p *Privatelink) commit() {
	p.zones.Commit()
	p.notifier.begin()
}

func (p *Privatelink) close() {
	p.notifier.close()
	p.zones.Close()
}

// serving is the caddy instance that has committed last.
var serving struct {
	sync.Mutex
	instance *caddy.Instance
}

// noteReload adds one event for each reload, however many server blocks there are.
func noteReload(instance *caddy.Instance) {
	serving.Lock()
	defer serving.Unlock()
	if serving.instance != nil && instance != serving.instance {
		process.Events().Add(journal.Event{Kind: journal.Reload, Text: "a reload has taken effect"})
	}
	serving.instance = instance
}
