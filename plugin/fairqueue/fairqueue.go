// Package fairqueue bounds the number of concurrent upstream queries, and decides which
// query is next.
//
// A domain leaves a quarter of the slots to all others. So queries for a domain with slow
// servers, or a flood of random names in a domain, wait only for each other. Of the
// waiting queries, those of the client with the fewest slots are next.
package fairqueue

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// DefaultSlots is the number of queries of one machine that Azure's resolver queues
	// before it drops further ones.
	DefaultSlots = 200
	// share is the number of slots that a domain may have for each free one. A domain
	// with more gets no further slot, so that the free slots for others are restored
	// first.
	share = 3
	// waitingPerSlot is the number of queries that may wait for each slot.
	waitingPerSlot = 5
)

// A Queue grants slots to queries. The zero value has DefaultSlots.
type Queue struct {
	slots int // 0: DefaultSlots

	mu      sync.Mutex // not held while a query waits
	inUse   int
	domains map[string]*domain
	clients map[netip.Addr]*client
	waiting []*Slot // in the order of their arrival
}

// A client counts the queries of one address.
type client struct {
	inUse, waiting int
}

// A Slot belongs to one query, which has it or waits for it.
type Slot struct {
	queue   *Queue
	domain  *domain
	client  netip.Addr
	ready   chan struct{} // closed when the wait is over; nil if the query need not wait
	granted bool
}

// New returns a queue with a number of slots.
func New(slots int) *Queue { return &Queue{slots: slots} }

func (q *Queue) limit() int {
	if q.slots == 0 {
		return DefaultSlots
	}
	return q.slots
}

// Acquire returns a slot for a query with a name in lower case, or nil if too many queries
// wait. The caller must call Wait before it sends the query, and Release in any case.
// Without mayWait, the result is nil if the slot is not free at once.
func (q *Queue) Acquire(name string, client netip.Addr, mayWait bool) *Slot {
	registered, subdomain := domainsOf(name)
	q.mu.Lock()
	defer q.mu.Unlock()
	s := &Slot{queue: q, domain: q.domain(registered, subdomain), client: client}
	switch {
	case q.available(s.domain):
		q.grant(s)
	case mayWait && q.admit(s):
		s.ready = make(chan struct{})
		q.waiting = append(q.waiting, s)
		s.domain.count(0, 1)
		q.client(client).waiting++
	default:
		q.removeIdle(s.domain)
		return nil
	}
	return s
}

// admit reports whether one more query may wait. If the queue is full, the last query of
// the client with the most waiting queries is rejected for a client with fewer.
func (q *Queue) admit(s *Slot) bool {
	most := waitingPerSlot * q.limit()
	if s.domain.registered().waiting >= most-len(q.waiting) && len(q.waiting) < most {
		return false
	}
	if len(q.waiting) < most {
		return true
	}
	mine, last := 0, -1
	if c := q.clients[s.client]; c != nil {
		mine = c.waiting
	}
	largest := mine + 1
	for i, other := range q.waiting {
		if n := q.clients[other.client].waiting; n > largest || n == largest && last >= 0 {
			largest, last = n, i
		}
	}
	if last < 0 {
		return false
	}
	s.domain.count(0, 1) // so that its domain is not removed
	q.reject(q.waiting[last])
	s.domain.count(0, -1)
	return true
}

// reject ends the wait of a query without a slot.
func (q *Queue) reject(s *Slot) {
	q.remove(s)
	close(s.ready)
}

// remove removes a query from the queue.
func (q *Queue) remove(s *Slot) {
	for i, other := range q.waiting {
		if other == s {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			s.domain.count(0, -1)
			q.uncount(s.client, 0, 1)
			q.removeIdle(s.domain)
			return
		}
	}
}

// Queued reports whether the query must wait for the slot.
func (s *Slot) Queued() bool { return s.ready != nil }

// Wait waits for the slot and reports whether it was granted before the timeout.
func (s *Slot) Wait(timeout time.Duration) bool {
	if s.ready == nil {
		return true
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-s.ready:
	case <-timer.C:
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.granted
}

// Release frees the slot or removes the query from the queue. Then it grants the free
// slots to waiting queries.
func (s *Slot) Release() {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if !s.granted {
		q.remove(s)
		return
	}
	q.inUse--
	s.domain.count(-1, 0)
	q.uncount(s.client, 1, 0)
	q.removeIdle(s.domain)
	for next := q.next(); next != nil; next = q.next() {
		q.grantNext(next)
	}
}

// grantNext grants a slot to a waiting query.
func (q *Queue) grantNext(s *Slot) {
	s.domain.count(1, 0) // so that its domain is not removed
	q.remove(s)
	s.domain.count(-1, 0)
	q.grant(s)
	close(s.ready)
}

// next returns the query for the next slot, or nil. Its domain has a slot available, and
// its client has the fewest slots. Of several, it is the query that has waited longest.
func (q *Queue) next() (best *Slot) {
	fewest := 0
	for _, s := range q.waiting {
		if n := q.clients[s.client].inUse; (best == nil || n < fewest) && q.available(s.domain) {
			best, fewest = s, n
			if n == 0 {
				break
			}
		}
	}
	return best
}

// grant assigns a free slot.
func (q *Queue) grant(s *Slot) {
	q.inUse++
	s.domain.count(1, 0)
	q.client(s.client).inUse++
	s.granted = true
}

// available reports whether the domain may have one more slot. A subdomain has a share of
// the slots of its registered domain, by the same rule.
func (q *Queue) available(d *domain) bool {
	registered := d.registered()
	most := max(q.limit()*share/(share+1), 1) // of a domain without others
	return registered.inUse < share*(q.limit()-q.inUse) && (registered == d || d.inUse < share*(most-registered.inUse))
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

// uncount subtracts from the counts of a client, and removes a client without queries.
func (q *Queue) uncount(addr netip.Addr, inUse, waiting int) {
	c := q.clients[addr]
	c.inUse -= inUse
	c.waiting -= waiting
	if c.inUse == 0 && c.waiting == 0 {
		delete(q.clients, addr)
	}
}

// Len returns the number of queries that have a slot, and of those that wait for one.
func (q *Queue) Len() (inUse, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.inUse, len(q.waiting)
}

// Empty reports whether the queue has no slots in use, no waiting queries, and no counts
// of domains and clients.
func (q *Queue) Empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.inUse == 0 && len(q.waiting) == 0 && len(q.domains) == 0 && len(q.clients) == 0
}
