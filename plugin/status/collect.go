package status

import (
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"

	"github.com/privatelink-dns/privatelink-dns/plugin/clients"
	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/peers"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

// An overviewer is a block that the page shows. Every block of plugin privatelink is one.
type overviewer interface {
	Survey() *verdict.Survey
	Sources() []syncer.SourceState
	Generation() uint64
	Zones() *zone.Snapshot
}

// A collector reads the state of the server.
type collector struct {
	positions []string
	views     []overviewer
	corefile  view.Corefile
	fastpath  []view.FastPath
	cached    bool // plugin lru is in the Corefile
	targets   []peers.Target

	mu        sync.Mutex
	dns       string // address of the DNS server
	sample    sample
	sampledAt time.Time
	watch     *peers.Watch // nil before the instance serves
}

func newCollector(blocks []verdict.Block, instance *caddy.Instance, others []string) *collector {
	c := &collector{}
	for _, address := range others {
		c.targets = append(c.targets, peers.Target{Address: address, Role: peers.Instance})
	}
	for _, b := range blocks {
		if v, ok := b.Explainer.(overviewer); ok {
			c.positions, c.views = append(c.positions, b.Position), append(c.views, v)
		}
	}
	if instance == nil || instance.Caddyfile() == nil {
		return c
	}
	text := instance.Caddyfile()
	c.corefile = view.Corefile{Path: text.Path(), Text: strings.ToValidUTF8(string(text.Body()), "\uFFFD")}
	parsed, err := serverblock.Parse(text, nil)
	if err != nil {
		return c
	}
	for i, b := range parsed {
		one := view.FastPath{Block: b.Name(), On: true}
		if err := fastpath.Obstacle(text, i); err != nil {
			one.On, one.Text = false, err.Error()
		}
		c.fastpath = append(c.fastpath, one)
		c.cached = c.cached || b.Has("lru")
		c.targets = append(c.targets, secondaries(b.Dispenser("transfer"))...)
	}
	return c
}

// begin notes the address of the DNS server.
func (c *collector) begin(instance *caddy.Instance) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if instance == nil {
		return
	}
	c.watch = peers.Start(c.targets, c.zones)
	for _, s := range instance.Servers() {
		if addr, ok := s.LocalAddr().(*net.UDPAddr); ok && c.dns == "" {
			c.dns = local(addr.String())
		}
	}
}

func (c *collector) address() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dns
}

// input returns the state of the server.
func (c *collector) input(now time.Time) view.Input {
	s := c.sampled(now)
	in := view.Input{
		Now: now, Host: host(), Version: caddy.AppVersion, Corefile: c.corefile, Missed: privatelink.MissedLedger(),
		Traffic: s.traffic, FastPath: c.fastPaths(s),
	}
	for i, v := range c.views {
		in.Blocks = append(in.Blocks, view.Block{Position: c.positions[i], Survey: v.Survey(), Sources: v.Sources()})
	}
	in.Ledger, in.Lacking = privatelink.RecentLedger(view.MaxLedger)
	in.Events, in.Total = privatelink.Events()
	if !c.cached {
		in.Traffic.Cache = nil
	}
	in.Peers, _ = c.peers()
	in.Clients = clientsOf(clients.Networks())
	return in
}

func clientsOf(networks []clients.Network) (all []view.Client) {
	for _, n := range networks {
		one := view.Client{Network: "others", Private: n.Counts[clients.Private], Public: n.Counts[clients.Public], Refused: n.Counts[clients.Refused]}
		if n.Prefix.IsValid() {
			one.Network = n.Prefix.String()
		}
		all = append(all, one)
	}
	return all
}

// peers returns the states of the secondaries and of the peers, and a number that changes
// with them.
func (c *collector) peers() ([]view.Peer, uint64) {
	c.mu.Lock()
	watch := c.watch
	c.mu.Unlock()
	if watch == nil {
		return nil, 0
	}
	return watch.States()
}

func (c *collector) zones() (all []*zone.Snapshot) {
	for _, v := range c.views {
		all = append(all, v.Zones())
	}
	return all
}

func (c *collector) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watch != nil {
		c.watch.Stop()
	}
}

// secondaries returns the addresses to which plugin transfer sends NOTIFY.
func secondaries(d caddyfile.Dispenser) (all []peers.Target) {
	for d.Next() {
		for d.NextBlock() {
			if property := d.Val(); property != "to" {
				d.RemainingArgs()
				continue
			}
			for _, arg := range d.RemainingArgs() {
				if addr, err := parsePeer(arg); err == nil { // * is everyone, who is not known
					all = append(all, peers.Target{Address: addr, Role: peers.Secondary})
				}
			}
		}
	}
	return all
}

var host = sync.OnceValue(func() string {
	name, _ := os.Hostname() // the page has no name then
	return name
})

// fastPaths returns the fast path of each block. It may be off although the Corefile
// allows it, because the kernel does not.
func (c *collector) fastPaths(s sample) []view.FastPath {
	all := append([]view.FastPath{}, c.fastpath...)
	for i := range all {
		if all[i].On && s.sockets == 0 {
			all[i].On, all[i].Text = false, "the log has the reason"
		}
	}
	return all
}

// tag returns the ETag of the state.
func (c *collector) tag() string {
	h := fnv.New64a()
	add := func(values ...any) { fmt.Fprintln(h, values...) }
	s := c.sampled(time.Now())
	total := privatelink.TotalEvents()
	_, compared := c.peers()
	add(started, privatelink.LedgerGeneration(), total, s.number, compared)
	for _, v := range c.views {
		add(v.Generation())
		for _, one := range v.Sources() {
			add(one.Loaded, one.HeldBack, one.Failure)
			if one.Remote {
				add(one.Read.UnixNano(), one.Next.UnixNano())
			}
		}
	}
	return fmt.Sprintf(`W/"%x"`, h.Sum64())
}

// started makes the tags of an earlier process invalid.
var started = time.Now().UnixNano()
