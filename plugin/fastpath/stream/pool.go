package stream

import (
	"container/list"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound all connections together.
type Limits struct {
	Connections int   // of all clients
	PerNetwork  int   // of the clients in one /24 (IPv4) or /56 (IPv6)
	Memory      int64 // octets of the replies that clients have not read, and of incomplete long messages
}

// A Pool has the connections of all addresses.
type Pool struct {
	limits Limits
	memory atomic.Int64

	mu       sync.Mutex
	open     int
	networks map[netip.Prefix]*network
	waiting  list.List // connections that wait for their client, the longest-waiting one first
}

type network struct {
	open    int
	waiting list.List
}

// A place is a connection's entry in the pool. The pool's lock guards it.
type place struct {
	network    *network // nil if the pool does not have the connection any more
	all, local *list.Element
}

// NewPool returns a pool without connections.
func NewPool(l Limits) *Pool {
	return &Pool{limits: l, networks: map[netip.Prefix]*network{}}
}

// Idle returns how long a connection may be idle now. From half of the limit on, the time
// falls to a tenth.
func (p *Pool) Idle(full time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	half := p.limits.Connections / 2
	if p.open <= half {
		return full
	}
	return full - full*9/10*time.Duration(p.open-half)/time.Duration(p.limits.Connections-half)
}

// admit adds a connection. At a limit, it closes the longest-waiting one. It returns false
// if none waits for its client.
func (p *Pool) admit(c *conn) bool {
	p.mu.Lock()
	n := p.networks[c.network]
	if n == nil {
		n = &network{}
	}
	victim, ok := p.victim(n)
	if !ok {
		p.mu.Unlock()
		return false
	}
	if victim != nil {
		p.drop(victim)
	}
	p.networks[c.network] = n
	p.open++
	n.open++
	c.place = place{network: n, all: p.waiting.PushBack(c), local: n.waiting.PushBack(c)}
	p.mu.Unlock()
	openConnections.Inc()
	if victim != nil {
		victim.close(evicted)
	}
	return true
}

// victim returns the connection that has to be closed before the network has another one,
// or nil. It returns false
// if no connection can be closed.
func (p *Pool) victim(n *network) (*conn, bool) {
	var waiting *list.List
	switch {
	case n.open >= p.limits.PerNetwork:
		waiting = &n.waiting
	case p.open >= p.limits.Connections:
		waiting = &p.waiting
	default:
		return nil, true
	}
	first := waiting.Front()
	if first == nil {
		return nil, false
	}
	return first.Value.(*conn), true
}

// evict closes the longest-waiting connection. It reports whether there was one.
func (p *Pool) evict() bool {
	p.mu.Lock()
	first := p.waiting.Front()
	if first == nil {
		p.mu.Unlock()
		return false
	}
	victim := first.Value.(*conn)
	p.drop(victim)
	p.mu.Unlock()
	victim.close(evicted)
	return true
}

// wait notes that the connection waits for its client.
func (p *Pool) wait(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := c.place.network; n != nil && c.place.all == nil {
		c.place.all, c.place.local = p.waiting.PushBack(c), n.waiting.PushBack(c)
	}
}

// work notes that the client waits for the connection.
func (p *Pool) work(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unlist(c)
}

// forget removes a connection that is closed.
func (p *Pool) forget(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(c)
}

func (p *Pool) drop(c *conn) {
	n := c.place.network
	if n == nil {
		return
	}
	p.unlist(c)
	c.place.network = nil
	p.open--
	if n.open--; n.open == 0 {
		delete(p.networks, c.network)
	}
	openConnections.Dec()
}

func (p *Pool) unlist(c *conn) {
	if c.place.all == nil {
		return
	}
	p.waiting.Remove(c.place.all)
	c.place.network.waiting.Remove(c.place.local)
	c.place.all, c.place.local = nil, nil
}

// take reserves memory. It returns false if too much is in use.
func (p *Pool) take(octets int) bool {
	return p.memory.Add(int64(octets)) <= p.limits.Memory
}

// give returns reserved memory.
func (p *Pool) give(octets int) { p.memory.Add(-int64(octets)) }

// networkOf returns the network by which the clients are bounded.
func networkOf(client netip.Addr) netip.Prefix {
	bits := 56
	if client.Is4() {
		bits = 24
	}
	prefix, _ := client.WithZone("").Prefix(bits) // the zero value for a client without an address
	return prefix
}
