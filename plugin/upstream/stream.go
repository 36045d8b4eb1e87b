package upstream

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxStreams bounds the connections of one upstream.
	maxStreams = 8
	// maxQueued bounds what waits for a connection to be written, in octets.
	maxQueued = 1 << 18
)

var (
	errClosed = errors.New("the connection was closed")
	errFull   = errors.New("the connection accepts no more data")
)

// A pool has the connections of one upstream. Queries share one connection and are
// answered in any order (RFC 7766, 6.2.1.1). Another one is opened only if a query
// would wait behind one that is late: some servers answer in order.
type pool struct {
	server         *server
	expire, maxAge time.Duration

	mu      sync.Mutex // of the streams as well; not held over I/O
	ended   bool
	streams []*stream
}

// A stream is one connection. It is usable before it is connected.
type stream struct {
	pool    *pool
	born    time.Time
	wake    chan struct{} // there is something in queue
	done    chan struct{} // closed when it has ended
	retired bool          // it gets no more queries

	queue   []byte // to be written
	waiting map[uint16]*call
	used    time.Time // when a query was added or a response came
	heard   time.Time // when a response came
	err     error     // why it has ended
}

// A call is a query that waits on a stream.
type call struct {
	q    *query
	sent time.Time
	done chan<- result // with room for the result
}

type result struct {
	m   *dns.Msg
	err error
}

// join adds a query to a connection that was opened after since, or to a new one. It
// reports whether the connection was in use before.
func (p *pool) join(q *query, since time.Time, done chan<- result) (s *stream, id uint16, reused bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	s = p.chooseLocked(since, now)
	if s != nil { // one that others have just opened is as good as a new one
		reused = !s.heard.IsZero() || now.Sub(s.born) > p.server.roundTrip.retry(0)
	} else {
		if s, err = p.openLocked(now); err != nil {
			return nil, 0, false, err
		}
	}
	if len(s.queue) > maxQueued {
		return nil, 0, false, errFull
	}
	id = newID()
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
	return s, id, reused, nil
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

// isLate reports whether a query waits since before a time.
func (s *stream) isLate(before time.Time) bool {
	for _, c := range s.waiting {
		if c.sent.Before(before) {
			return true
		}
	}
	return false
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
func (p *pool) leave(s *stream, id uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(s.waiting, id)
	if s.retired && len(s.waiting) == 0 {
		p.endLocked(s, errClosed)
	}
}

// retire keeps further queries from the connections without a response since a time:
// a firewall may have forgotten them, all at once.
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
		c.done <- result{err: err}
	}
	close(s.done)
}

// run connects and reads until the stream ends.
func (s *stream) run() {
	defer sockets.release()
	ctx, cancel := context.WithTimeout(context.Background(), totalTime)
	defer cancel()
	go func() { // a dial that nobody waits for ends at once
		select {
		case <-s.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	conn, err := s.pool.server.network.connect(ctx, s.pool.server.endpoint)
	if err != nil {
		s.pool.end(s, err)
		return
	}
	cancel()
	go s.write(conn)
	go s.expire()
	s.pool.end(s, s.read(conn))
	_ = conn.Close()
}

func (s *stream) write(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // it ends the reader as well
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		s.pool.mu.Lock()
		b := s.queue
		s.queue = nil
		s.pool.mu.Unlock()
		err := conn.SetWriteDeadline(time.Now().Add(totalTime))
		if err == nil {
			_, err = conn.Write(b)
		}
		if err != nil {
			s.pool.end(s, err)
			return
		}
	}
}

func (s *stream) read(conn net.Conn) error {
	r := bufio.NewReaderSize(conn, 4096)
	var length [2]byte
	for {
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return err
		}
		b := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		s.deliver(b)
	}
}

// deliver passes a response to its query. A response without one is a late one.
func (s *stream) deliver(b []byte) {
	if len(b) < headerSize {
		s.pool.server.discarded[wrongSize].Inc()
		return
	}
	id := binary.BigEndian.Uint16(b)
	s.pool.mu.Lock()
	c := s.waiting[id]
	s.pool.mu.Unlock()
	if c == nil {
		return
	}
	m, reason := c.q.parse(b, id)
	if reason != matches {
		s.pool.server.discarded[reason].Inc()
		return
	}
	now := time.Now()
	s.pool.server.responded(m, now.Sub(c.sent))
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.heard, s.used = now, now
	if s.waiting[id] == c { // otherwise nobody waits
		delete(s.waiting, id)
		c.done <- result{m: m}
	}
	if s.retired && len(s.waiting) == 0 {
		s.pool.endLocked(s, errClosed)
	}
}

// expire ends the connection when it has been idle for long enough (RFC 7766, 6.2.3).
func (s *stream) expire() {
	wait := s.pool.expire
	for {
		timer := time.NewTimer(wait)
		select {
		case <-s.done:
			timer.Stop()
			return
		case now := <-timer.C:
			s.pool.mu.Lock()
			idle := now.Sub(s.used)
			if idle >= s.pool.expire && len(s.waiting) == 0 {
				s.pool.endLocked(s, errClosed)
			}
			s.pool.mu.Unlock()
			wait = max(s.pool.expire-idle, 100*time.Millisecond)
		}
	}
}
