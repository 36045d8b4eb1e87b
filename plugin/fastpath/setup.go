package fastpath

import (
	"sync"
	"sync/atomic"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
	"github.com/privatelink-dns/privatelink-dns/plugin/value"
)

func init() { plugin.Register("fastpath", setup) }

func setup(c *caddy.Controller) error {
	for first := true; c.Next(); first = false {
		if !first {
			return plugin.Error("fastpath", c.Errf("fastpath: specified more than once in a server block"))
		}
		if err := value.None(c.RemainingArgs()); err != nil {
			return plugin.Error("fastpath", c.Errf("fastpath: %v", err))
		}
		if c.NextBlock() {
			return plugin.Error("fastpath", c.Errf("fastpath: unknown property %q, there are none", c.Val()))
		}
	}
	in := instanceOf(c)
	in.add(c.ServerBlockIndex, dnsserver.GetConfig(c))
	dnsserver.GetConfig(c).UDPDecorateWriterFunc = func(s *dnsserver.Server) dns.DecorateWriter {
		in.serve(s)
		return nil
	}
	if in.controller != c {
		return nil
	}
	lifecycle.Attach(c, lifecycle.Hooks{Begin: in.begin, Abort: in.close, Close: in.close})
	return nil
}

// An instance is the fast path of one caddy instance.
type instance struct {
	controller *caddy.Controller // of the first server block with the plugin

	mu      sync.Mutex
	configs map[int]*dnsserver.Config // by the index of the server block in the Corefile
	caddy   *caddy.Instance
	blocks  []serverBlock
	ended   bool
	open    []closer
}

// A closer answers queries until it is closed. In a reload, the next instance continues.
type closer interface{ close(reload bool) }

// running is the number of instances that have begun and not ended: two in a reload.
var running atomic.Int64

type instanceKey struct{}

func instanceOf(c *caddy.Controller) *instance {
	if in, ok := c.Get(instanceKey{}).(*instance); ok {
		return in
	}
	in := &instance{controller: c, configs: map[int]*dnsserver.Config{}}
	c.Set(instanceKey{}, in)
	return in
}

func (in *instance) add(index int, config *dnsserver.Config) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.configs[index] = config
}

// begin reads the Corefile and reports the blocks in which the fast path is off.
func (in *instance) begin() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.caddy = lifecycle.Instance(in.controller)
	if in.caddy == nil {
		return nil
	}
	blocks, err := readCorefile(in.caddy.Caddyfile())
	if err != nil {
		return err
	}
	in.blocks = blocks
	running.Add(1)
	for i := range blocks {
		if in.configs[i] == nil {
			continue
		}
		if err := in.obstacle(i); err != nil {
			log.Infof("Off for the server block %s: %v", blocks[i].name(), err)
		}
	}
	return nil
}

// obstacle returns why the fast path is off for a block with the plugin, or nil.
func (in *instance) obstacle(i int) error { return obstacle(in.blocks, i) }

// serve opens the sockets of a server that has begun to listen. The server's own sockets
// are opened first, so that no sockets remain after a failed start.
func (in *instance) serve(server *dnsserver.Server) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended || in.caddy == nil {
		return
	}
	if f := serving.Load(); f != nil {
		defer (*f)(in, server)
	}
	c, refused := in.accept(server) // before the first packet is answered: clients then find the server ready
	l, err := in.listen(server)
	switch {
	case err != nil:
		log.Warningf("Off for %s, the chain answers: %v", server.Addr, err)
	case refused != nil:
		log.Warningf("Off for connections to %s, the server has them: %v", server.Addr, refused)
	}
	if c != nil {
		in.open = append(in.open, c)
	}
	if l != nil {
		in.open = append(in.open, l)
	}
}

// serving is called for each server that has begun to listen. It is for tests.
var serving atomic.Pointer[func(*instance, *dnsserver.Server)]

// close stops the sockets. The queries that have been read are answered.
func (in *instance) close() {
	in.mu.Lock()
	begun := !in.ended && in.blocks != nil
	in.ended = true
	open := in.open
	in.open = nil
	in.mu.Unlock()
	if !begun {
		return
	}
	reload := running.Add(-1) > 0
	var all sync.WaitGroup
	for _, l := range open {
		all.Go(func() { l.close(reload) })
	}
	all.Wait()
}
