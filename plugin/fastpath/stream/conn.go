package stream

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// A conn is a connection of a client. Its goroutine, serve, is the only one that reads.
type conn struct {
	net.Conn
	endpoint *endpoint
	client   netip.Addr
	network  netip.Prefix
	place    place

	inline   [512]byte     // a client's query is rarely longer
	in       []byte        // octets that are not a whole message yet
	left     time.Duration // for the rest of that message, in Read
	started  time.Time     // Read
	messages int

	output
}

// serve answers the client until one of them closes the connection.
func (c *conn) serve() {
	defer c.end()
	for {
		room := c.room()
		if !c.mayRead() {
			break
		}
		n, err := c.Read(room)
		c.stopReading()
		if n > 0 {
			c.received(n)
		}
		if err != nil && !c.goesOn(err) {
			break
		}
	}
	if c.isStopped() {
		c.sweep()
	}
	c.finish()
}

// mayRead waits while the client has not read many of its replies. It reports whether
// there may be more messages.
func (c *conn) mayRead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.fullLocked() && !c.leaving {
		c.free.Wait()
	}
	if c.closed || c.leaving {
		return false
	}
	c.reading, c.started = true, time.Now()
	c.setDeadlineLocked()
	return true
}

func (c *conn) stopReading() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = false
	if len(c.in) > 0 {
		c.left -= time.Since(c.started)
	}
}

// setDeadlineLocked bounds the read under way. An incomplete message has its time, and a
// connection that owes no reply may be idle for a while.
func (c *conn) setDeadlineLocked() {
	if !c.reading {
		return
	}
	var at time.Time
	switch {
	case c.leaving:
		at = longAgo
	case len(c.in) > 0:
		at = c.started.Add(c.left)
	case c.owed == 0 && !c.flushing:
		at = c.replied.Add(c.endpoint.pool.Idle(c.endpoint.times().Idle))
	}
	_ = c.SetReadDeadline(at) // an error is one of a closed connection, which Read reports
}

var longAgo = time.Unix(1, 0)

// goesOn reports whether the connection stays open after an error of Read.
func (c *conn) goesOn(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case errors.Is(err, io.EOF): // the client may wait for replies
		c.leaveLocked(byClient)
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.closeLocked(byClient)
	case c.leaving:
	case len(c.in) > 0:
		c.leaveLocked(message)
	case c.owed > 0 || c.flushing: // the deadline was set before
		return true
	default:
		c.leaveLocked(idle)
	}
	return false
}

// room returns where the next octets are read to. Long messages get more room as their
// octets arrive, so that a length alone reserves nothing.
func (c *conn) room() []byte {
	if len(c.in) < cap(c.in) {
		return c.in[len(c.in):cap(c.in)]
	}
	larger := make([]byte, len(c.in), min(2*cap(c.in), 2+maxSize))
	copy(larger, c.in)
	c.take(cap(larger) - cap(c.in))
	c.in = larger
	return c.in[len(c.in):cap(c.in)]
}

// Octets of a message (RFC 1035, 4.1.1 and 4.2.2).
const (
	minSize = 12
	maxSize = 65535
)

// shortMessage is the size up to which a query is always passed on. Only attackers send
// many longer ones.
const shortMessage = 512

// received answers the whole messages in the octets, as long as the client reads.
func (c *conn) received(n int) {
	if len(c.in) == 0 {
		c.left = c.endpoint.times().Message
	}
	c.in = c.in[:len(c.in)+n]
	if !whole(c.in) {
		return
	}
	c.owe()
	buffer := buffers.Get().(*[]byte)
	b, rest := (*buffer)[:0], c.in
	for whole(rest) && !c.hasEnough() {
		if len(b) >= writeSize || c.isFull() {
			c.flush(b)
			b = b[:0]
			if !c.awaitRoom() {
				break
			}
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		if end < 2+minSize {
			c.leave(malformed)
			break
		}
		b = c.answer(b, rest[:end])
		rest = rest[end:]
		c.messages++
	}
	c.keep(rest)
	if c.hasEnough() {
		c.leave(queryLimit)
	}
	c.flush(b)
	c.settle()
	*buffer = b
	buffers.Put(buffer)
}

// whole reports whether a message is complete.
func whole(b []byte) bool {
	return len(b) >= 2 && len(b) >= 2+int(binary.BigEndian.Uint16(b))
}

// keep moves the octets of an incomplete message to the front. Memory of a long one is
// freed.
func (c *conn) keep(rest []byte) {
	if long := cap(c.in) - len(c.inline); long > 0 && len(rest) < len(c.inline) {
		c.in = append(c.inline[:0], rest...)
		c.release(long)
	} else {
		c.in = c.in[:copy(c.in[:cap(c.in)], rest)]
	}
	c.left = c.endpoint.times().Message
}

// hasEnough reports whether the connection has had as many messages as it may.
func (c *conn) hasEnough() bool {
	limit := c.endpoint.times().Queries
	return limit > 0 && c.messages >= limit
}

// answer appends the reply to a message, which begins with its length, if it is in memory.
// The server has the message otherwise.
func (c *conn) answer(b, framed []byte) []byte {
	l := c.endpoint.acquire()
	start := len(b)
	b = l.Reply(append(b, 0, 0), framed[2:], c.client)
	if size := len(b) - start - 2; size > 0 {
		binary.BigEndian.PutUint16(b[start:], uint16(size)) //nolint:gosec // G115: a message
		l.release()
		return b
	}
	long := 0
	if len(framed) > 2+shortMessage {
		long = len(framed)
	}
	if !c.endpoint.pool.admitLong(long) {
		l.release()
		c.close(memory)
		return b[:start]
	}
	c.owe()
	l.Serve(&query{conn: c, lease: l, unread: append([]byte(nil), framed...), long: long})
	return b[:start]
}
