// Package fairqueue bounds the queries that are upstream at a time, and decides which
// one is next.
//
// A domain leaves a quarter of the places to all others, so that a domain whose servers
// are slow, or a flood of random names, waits behind its own kind. Among the
// queries that wait, those of the client with the fewest places are next.
package fairqueue

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// DefaultPlaces is what Azure's resolver queues for a machine before it drops.
	DefaultPlaces = 200
	// share is how many places a domain may have for each one that is free. What is free
	// is refilled first, because a domain gets no place while it has too many: others
	// soon have as many as they need.
	share = 3
	// waitingPerPlace is how many queries may wait, for each place.
	waitingPerPlace = 5
)

// A Queue hands out places. The zero value has DefaultPlaces.
type Queue struct {
	places int // 0: DefaultPlaces

	mu      sync.Mutex // not held while a query waits
	taken   int
	domains map[string]*domain
	clients map[netip.Addr]*client
	waiting []*Place // the longest first
}

// A client is who asked. Its count orders those who wait.
type client struct {
	taken, waiting int
}

// A Place belongs to one query.
type Place struct {
	queue *Queue
	of    *domain
	from  netip.Addr
	ready chan struct{} // closed when the wait is over; nil if there was none
	taken bool
}

// New returns a queue with a number of places.
func New(places int) *Queue { return &Queue{places: places} }

func (q *Queue) limit() int {
	if q.places == 0 {
		return DefaultPlaces
	}
	return q.places
}

// Enter returns a place for a query with a name in lower case, or nil if there are too
// many. The caller must call
// Wait before it asks, and Leave in any case. A query that may not wait gets a place
// at once or none.
func (q *Queue) Enter(name string, from netip.Addr, mayWait bool) *Place {
	registered, below := domainsOf(name)
	q.mu.Lock()
	defer q.mu.Unlock()
	p := &Place{queue: q, of: q.domain(registered, below), from: from}
	switch {
	case q.free(p.of):
		q.take(p)
	case mayWait && q.makeRoom(p):
		p.ready = make(chan struct{})
		q.waiting = append(q.waiting, p)
		p.of.count(0, 1)
		q.client(from).waiting++
	default:
		q.forget(p.of)
		return nil
	}
	return p
}

// makeRoom reports whether one more query may wait. If all who may are waiting, the
// client with the most of them loses its last one to a client with fewer.
func (q *Queue) makeRoom(p *Place) bool {
	most := waitingPerPlace * q.limit()
	if p.of.top().waiting >= most-len(q.waiting) && len(q.waiting) < most {
		return false
	}
	if len(q.waiting) < most {
		return true
	}
	mine, last := 0, -1
	if c := q.clients[p.from]; c != nil {
		mine = c.waiting
	}
	largest := mine + 1
	for i, other := range q.waiting {
		if n := q.clients[other.from].waiting; n > largest || n == largest && last >= 0 {
			largest, last = n, i
		}
	}
	if last < 0 {
		return false
	}
	p.of.count(0, 1) // so that its domain is not forgotten
	q.drop(q.waiting[last])
	p.of.count(0, -1)
	return true
}

// drop ends the wait of a query without a place.
func (q *Queue) drop(p *Place) {
	q.remove(p)
	close(p.ready)
}

// remove takes a query from those who wait.
func (q *Queue) remove(p *Place) {
	for i, other := range q.waiting {
		if other == p {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			p.of.count(0, -1)
			q.leave(p.from, 0, 1)
			q.forget(p.of)
			return
		}
	}
}

// Queued reports whether the query has to wait.
func (p *Place) Queued() bool { return p.ready != nil }

// Wait reports whether the query has a place, within a time.
func (p *Place) Wait(most time.Duration) bool {
	if p.ready == nil {
		return true
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-p.ready:
	case <-timer.C:
	}
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	return p.taken
}

// Leave frees the place, or ends the wait for one, and hands out what is free.
func (p *Place) Leave() {
	q := p.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if !p.taken {
		q.remove(p)
		return
	}
	q.taken--
	p.of.count(-1, 0)
	q.leave(p.from, 1, 0)
	q.forget(p.of)
	for next := q.next(); next != nil; next = q.next() {
		q.removeForPlace(next)
	}
}

func (q *Queue) removeForPlace(p *Place) {
	of := p.of
	of.count(1, 0) // so that the domain is not forgotten
	q.remove(p)
	of.count(-1, 0)
	q.take(p)
	close(p.ready)
}

// next returns the query that gets the next place: of those whose domain may have one,
// that of the client with the fewest places, the longest waiting first.
func (q *Queue) next() (best *Place) {
	fewest := 0
	for _, p := range q.waiting {
		if n := q.clients[p.from].taken; (best == nil || n < fewest) && q.free(p.of) {
			best, fewest = p, n
			if n == 0 {
				break
			}
		}
	}
	return best
}

func (q *Queue) take(p *Place) {
	q.taken++
	p.of.count(1, 0)
	q.client(p.from).taken++
	p.taken = true
}

// free reports whether there is a place for a query of the domain. One a label below a
// registered domain has a part of its places, by the same rule.
func (q *Queue) free(d *domain) bool {
	top := d.top()
	most := max(q.limit()*share/(share+1), 1) // of a domain alone
	return top.taken < share*(q.limit()-q.taken) && (top == d || d.taken < share*(most-top.taken))
}

func (q *Queue) client(addr netip.Addr) *client {
	if q.clients == nil {
		q.clients = map[netip.Addr]*client{}
	}
	c := q.clients[addr]
	if c == nil {
		c = &client{}
		q.clients[addr] = c
	}
	return c
}

func (q *Queue) leave(addr netip.Addr, taken, waiting int) {
	c := q.clients[addr]
	c.taken -= taken
	c.waiting -= waiting
	if c.taken == 0 && c.waiting == 0 {
		delete(q.clients, addr)
	}
}

// Len returns how many queries have a place and how many wait for one.
func (q *Queue) Len() (taken, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken, len(q.waiting)
}

// Empty reports whether the queue keeps nothing of queries that have left.
func (q *Queue) Empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken == 0 && len(q.waiting) == 0 && len(q.domains) == 0 && len(q.clients) == 0
}
