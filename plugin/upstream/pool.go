package upstream

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"
)

const (
	// maxStreams bounds the connections of one upstream that queries share.
	maxStreams = 8
	// maxQueued bounds the octets that wait to be written to a connection.
	maxQueued = 1 << 18
)

// A pool has the connections of one upstream. Queries share one connection and are
// answered in any order (RFC 7766, 6.2.1.1). Another connection is opened only if a query
// would wait for one that is late, because some servers answer in order.
type pool struct {
	server         *server
	expire, maxAge time.Duration

	mu      sync.Mutex // of the streams as well; not held over I/O
	ended   bool
	streams []*stream
}

// A place is the ID of a query on a connection.
type place struct {
	*stream
	id uint16
}

// join adds a query to a connection that was opened after since, or to a new one. It
// reports whether the connection was in use before.
func (p *pool) join(q *query, since time.Time, done chan<- result) (at place, reused bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	s := p.chooseLocked(since, now)
	if s != nil { // a connection that another query has just opened is as good as a new one
		reused = s.wasUsed(now)
	} else if s, err = p.openLocked(now); err != nil {
		return place{}, false, err
	}
	if len(s.queue) > maxQueued {
		return place{}, false, errFull
	}
	return p.addLocked(s, q, now, done), reused, nil
}

// open adds a query to a new connection that no other query uses. It ends with the response.
func (p *pool) open(q *query, done chan<- result) (place, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	s, err := p.openLocked(now)
	if err != nil {
		return place{}, err
	}
	s.retired = true
	return p.addLocked(s, q, now, done), nil
}

func (p *pool) addLocked(s *stream, q *query, now time.Time, done chan<- result) place {
	id := newID()
	for s.waiting[id] != nil {
		id = newID()
	}
	s.waiting[id] = &call{q: q, sent: now, done: done}
	s.used = now
	s.queue = binary.BigEndian.AppendUint16(s.queue, uint16(len(q.wire)))
	at := len(s.queue)
	s.queue = append(s.queue, q.wire...)
	binary.BigEndian.PutUint16(s.queue[at:], id)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	p.server.stream.Inc()
	return place{s, id}
}

// chooseLocked returns the connection for one more query, or nil for a new one.
func (p *pool) chooseLocked(since, now time.Time) (best *stream) {
	late := now.Add(-p.server.roundTrip.retry(0))
	open := 0
	for _, s := range p.streams {
		switch {
		case s.retired, p.maxAge > 0 && now.Sub(s.born) > p.maxAge:
			continue
		case s.born.Before(since):
			continue
		}
		open++
		if best == nil || len(s.waiting) < len(best.waiting) {
			best = s
		}
	}
	if best != nil && open < maxStreams && best.isLate(late) {
		return nil
	}
	return best
}

func (p *pool) openLocked(now time.Time) (*stream, error) {
	if p.ended {
		return nil, errClosed
	}
	if err := sockets.take(); err != nil {
		return nil, err
	}
	s := &stream{pool: p, born: now, used: now, wake: make(chan struct{}, 1), done: make(chan struct{}), waiting: map[uint16]*call{}}
	p.streams = append(p.streams, s)
	p.server.connects.Inc()
	go s.run()
	return s, nil
}

// leave ends the wait for a query. A response that comes later is discarded.
func (p *pool) leave(at place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(at.waiting, at.id)
	if at.retired && len(at.waiting) == 0 {
		p.endLocked(at.stream, errClosed)
	}
}

// retire prevents further queries on connections without a response since a time, because
// a firewall may have lost the state of all connections.
func (p *pool) retire(since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range slices.Clone(p.streams) {
		if s.born.Before(since) && s.heard.Before(since) {
			s.retired = true
			if len(s.waiting) == 0 {
				p.endLocked(s, errClosed)
			}
		}
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, s := range slices.Clone(p.streams) {
		s.retired = true
		if len(s.waiting) == 0 {
			p.endLocked(s, errClosed)
		}
	}
}

func (p *pool) end(s *stream, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLocked(s, err)
}

// endLocked ends a connection and fails its queries.
func (p *pool) endLocked(s *stream, err error) {
	if s.err != nil {
		return
	}
	s.err = err
	p.streams = slices.DeleteFunc(p.streams, func(other *stream) bool { return other == s })
	for id, c := range s.waiting {
		delete(s.waiting, id)
		c.done <- result{err: err, from: s, again: s.wasUsed(c.sent)}
	}
	close(s.done)
}
