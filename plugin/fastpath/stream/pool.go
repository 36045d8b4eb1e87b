package stream

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// Limits bound all connections together.
type Limits struct {
	Connections int // of all clients
	PerNetwork  int // of the clients in one /24 (IPv4) or /56 (IPv6)
	Memory      int // octets of the replies on their way, and of incomplete messages; the same again for long messages in the server
}

// A Pool has the connections of all addresses.
type Pool struct {
	limits Limits

	endpointsMu sync.Mutex
	endpoints   map[string]*endpoint // by the address

	mu       sync.Mutex
	memory   int // in use
	long     int // octets of long messages in the server, also of connections that are closed
	conns    map[*conn]struct{}
	open     int // without those that are being closed for others
	networks map[netip.Prefix]*network
	waiting  list.List // connections that wait for their client, the longest-waiting one first
}

type network struct {
	open    int
	waiting list.List
}

// A place is a connection's entry in the pool. The pool's lock guards it.
type place struct {
	network    *network // nil if the connection does not count any more
	all, local *list.Element
	memory     int
	condemned  bool // it is being closed, and its memory does not count any more
}

// NewPool returns a pool without connections.
func NewPool(l Limits) *Pool {
	return &Pool{limits: l, endpoints: map[string]*endpoint{}, networks: map[netip.Prefix]*network{}, conns: map[*conn]struct{}{}}
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
	victim, ok := p.victimLocked(n)
	if !ok {
		p.mu.Unlock()
		return false
	}
	if victim != nil {
		p.dropLocked(victim)
	}
	p.networks[c.network] = n
	p.conns[c] = struct{}{}
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

// victimLocked returns the connection that has to be closed before the network gets another one,
// or nil if there is room. It returns false if no connection can be closed.
func (p *Pool) victimLocked(n *network) (*conn, bool) {
	var waiting *list.List
	switch {
	case n.open >= p.limits.PerNetwork:
		waiting = &n.waiting
	case p.open >= p.limits.Connections:
		waiting = &p.waiting
	default:
		return nil, true
	}
	c := longest(waiting)
	return c, c != nil
}

// longest returns the longest-waiting connection of a list, or nil.
func longest(waiting *list.List) *conn {
	if first := waiting.Front(); first != nil {
		return first.Value.(*conn)
	}
	return nil
}

// evict closes the longest-waiting connection, if there is one.
func (p *Pool) evict() {
	p.mu.Lock()
	victim := longest(&p.waiting)
	if victim != nil {
		p.dropLocked(victim)
	}
	p.mu.Unlock()
	if victim != nil {
		victim.close(evicted)
	}
}

// wait notes that the connection waits for its client. One whose messages needed no reply
// is closed first: a client could hold its place with them.
func (p *Pool) wait(c *conn, replied bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := c.place.network
	switch {
	case n == nil || c.place.all != nil:
	case replied:
		c.place.all, c.place.local = p.waiting.PushBack(c), n.waiting.PushBack(c)
	default:
		c.place.all, c.place.local = p.waiting.PushFront(c), n.waiting.PushFront(c)
	}
}

// work notes that the client waits for the connection.
func (p *Pool) work(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unlistLocked(c)
}

// forget removes a connection that is closed.
func (p *Pool) forget(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropLocked(c)
	p.condemnLocked(c)
	delete(p.conns, c)
}

func (p *Pool) dropLocked(c *conn) {
	n := c.place.network
	if n == nil {
		return
	}
	p.unlistLocked(c)
	c.place.network = nil
	p.open--
	if n.open--; n.open == 0 {
		delete(p.networks, c.network)
	}
	openConnections.Dec()
}

func (p *Pool) unlistLocked(c *conn) {
	if c.place.all == nil {
		return
	}
	p.waiting.Remove(c.place.all)
	c.place.network.waiting.Remove(c.place.local)
	c.place.all, c.place.local = nil, nil
}

// take counts memory of a connection. If all together need too much, it returns the
// connection with the most, which has to be closed.
func (p *Pool) take(c *conn, octets int) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.place.condemned {
		return nil
	}
	c.place.memory += octets
	if p.memory += octets; p.memory <= p.limits.Memory {
		return nil
	}
	most := c
	for other := range p.conns {
		if other.place.memory > most.place.memory {
			most = other
		}
	}
	p.condemnLocked(most)
	return most
}

// release ends the count of memory.
func (p *Pool) release(c *conn, octets int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.place.condemned {
		c.place.memory -= octets
		p.memory -= octets
	}
}

// unpacked is how much larger a message may be in the server than on its way: it has
// options and records as objects.
const unpacked = 16

// admitLong counts a long message that is passed to the server. It returns false if there
// are too many.
func (p *Pool) admitLong(octets int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if octets > 0 && p.long+unpacked*octets > p.limits.Memory {
		return false
	}
	p.long += unpacked * octets
	return true
}

func (p *Pool) endLong(octets int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.long -= unpacked * octets
}

func (p *Pool) condemnLocked(c *conn) {
	p.memory -= c.place.memory
	c.place.memory, c.place.condemned = 0, true
}
