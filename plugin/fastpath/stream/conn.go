package stream

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"
)

// A conn is a connection of a client. Its goroutine, serve, is the only one that reads.
type conn struct {
	net.Conn
	endpoint *Endpoint
	client   netip.Addr
	network  netip.Prefix
	place    place

	inline   [512]byte // a client's query is rarely longer
	in       []byte    // octets that are not a whole message yet
	since    time.Time // when the first of them was read
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
	if c.leaving {
		c.sweep()
	}
	c.finish()
}

// mayRead waits while the client has enough to do with its replies. It reports whether
// there may be more messages.
func (c *conn) mayRead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && !c.leaving && (c.owed >= maxInProgress || len(c.out) >= highWater) {
		c.free.Wait()
	}
	if c.closed || c.leaving {
		return false
	}
	c.reading = true
	c.setDeadline()
	return true
}

func (c *conn) stopReading() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = false
}

// setDeadline bounds the read under way. An incomplete message has its time, and a
// connection that owes no reply may be idle for a while.
func (c *conn) setDeadline() {
	if !c.reading {
		return
	}
	var at time.Time
	switch times := c.endpoint.current.Load().Times(); {
	case c.leaving:
		at = longAgo
	case len(c.in) > 0:
		at = c.since.Add(times.Message)
	case c.owed == 0 && !c.flushing:
		at = time.Now().Add(c.endpoint.pool.Idle(times.Idle))
	}
	_ = c.SetReadDeadline(at) // an error is one of a closed connection, which Read reports
}

var longAgo = time.Unix(1, 0)

// goesOn reports whether the connection stays open after an error of Read.
func (c *conn) goesOn(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.note(byClient)
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.leaving:
		return false
	case len(c.in) > 0:
		c.why = message
	case c.owed > 0 || c.flushing: // the deadline was set before
		return true
	default:
		c.why = idle
	}
	c.leaving = true // the replies that are under way are sent
	return false
}

// room returns where the next octets are read to. Long messages get more room as their
// octets arrive, so that a length alone reserves nothing.
func (c *conn) room() []byte {
	if len(c.in) < cap(c.in) {
		return c.in[len(c.in):cap(c.in)]
	}
	larger := make([]byte, len(c.in), min(2*cap(c.in), 2+dnsMaxSize))
	copy(larger, c.in)
	c.reserve(cap(larger) - cap(c.in))
	c.in = larger
	return c.in[len(c.in):cap(c.in)]
}

const dnsMaxSize = 65535 // octets of a message (RFC 1035, 4.2.2)

// received takes the whole messages out of the octets.
func (c *conn) received(n int) {
	if len(c.in) == 0 {
		c.since = time.Now()
	}
	c.in = c.in[:len(c.in)+n]
	if !whole(c.in) {
		return
	}
	c.owe()
	replies := buffers.Get().(*[]byte)
	b, rest := (*replies)[:0], c.in
	for whole(rest) && !c.enough() {
		end := 2 + int(binary.BigEndian.Uint16(rest))
		b = c.answer(b, rest[:end])
		rest = rest[end:]
		c.messages++
	}
	c.keep(rest)
	if c.enough() {
		c.leave(enough)
	}
	c.settle()
	c.flush(b)
	if *replies = b; cap(b) <= maxBuffer {
		buffers.Put(replies)
	}
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
	c.since = time.Now()
}

// enough reports whether the connection has had as many messages as it may.
func (c *conn) enough() bool {
	limit := c.endpoint.current.Load().Times().Queries
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
	c.owe()
	l.Serve(&query{conn: c, lease: l, unread: append([]byte(nil), framed...)})
	return b[:start]
}
