package upstream

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"github.com/miekg/dns"
)

var (
	errClosed = errors.New("the connection was closed")
	errFull   = errors.New("the connection accepts no more data")
)

// A stream is one connection. It is usable before it is connected.
type stream struct {
	pool    *pool
	born    time.Time
	wake    chan struct{} // signals that the queue is not empty
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

// A result is a response, or why a connection has ended without it.
type result struct {
	m     *dns.Msg
	err   error
	from  *stream
	again bool // a new connection may have the response
}

// wasUsed reports whether a query that was added at a time shares the connection with
// earlier ones: it has had a response, or was open for long enough to have one. A server
// that closes each connection without a response is not asked again.
func (s *stream) wasUsed(at time.Time) bool {
	return !s.heard.IsZero() || at.Sub(s.born) > s.pool.server.roundTrip.retry(0)
}

// isLate reports whether a query has waited since before a time.
func (s *stream) isLate(before time.Time) bool {
	for _, c := range s.waiting {
		if c.sent.Before(before) {
			return true
		}
	}
	return false
}

// run connects and reads until the stream ends.
func (s *stream) run() {
	defer sockets.release()
	ctx, cancel := context.WithTimeout(context.Background(), totalTime)
	defer cancel()
	go func() { // ends a dial without waiting queries at once
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
			s.fail(err)
			return
		}
	}
}

// fail ends the connection after a failed write. The reader may have responses that came
// before a reset, so it ends the connection itself if it can.
func (s *stream) fail(err error) {
	s.pool.mu.Lock()
	s.retired = true
	s.pool.mu.Unlock()
	timer := time.NewTimer(minRetry)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
		s.pool.end(s, err)
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

// deliver passes a response to its query. A late response has no query.
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
	if s.waiting[id] == c { // otherwise the query has ended
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
