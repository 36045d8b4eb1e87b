package stream

import (
	"net"
	"sync"
	"time"
)

// An output has the replies of a connection on their way to the client. One goroutine at
// a time writes, and the others leave their replies to it: a client that does not read
// holds one goroutine, and not one for each reply.
type output struct {
	mu       sync.Mutex
	free     sync.Cond // something below has changed
	out      []byte    // replies with their lengths
	flushing bool
	reading  bool // serve is in Read
	owed     int  // messages without a reply, and 1 while serve answers
	leaving  bool // no more messages are read
	closed   bool
	why      reason
	reserved int // octets of the pool's memory
	ended    chan struct{}
}

const maxBuffer = 16 << 10

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// owe notes that the client waits for one more reply.
func (c *conn) owe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed++; c.owed == 1 {
		c.endpoint.pool.work(c)
	}
}

// settle notes that one message has all its replies.
func (c *conn) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed--; c.owed == 0 {
		c.endpoint.pool.wait(c)
	}
	c.setDeadline()
	c.free.Broadcast()
}

// send adds a reply with its length. It waits for the client to read only if it may.
func (c *conn) send(reply []byte, mayWait bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for mayWait && !c.closed && len(c.out) >= highWater {
		c.free.Wait()
	}
	if !c.add(reply) {
		return net.ErrClosed
	}
	if !c.flushing {
		c.flushing = true
		go c.write(nil)
	}
	return nil
}

// add appends replies to those on their way. It returns false if the connection is closed.
func (c *conn) add(replies []byte) bool {
	if c.closed {
		return false
	}
	c.reserveLocked(len(replies))
	c.out = append(c.out, replies...)
	return !c.closed
}

// flush sends replies, after those that are on their way.
func (c *conn) flush(replies []byte) {
	if len(replies) == 0 {
		return
	}
	c.mu.Lock()
	if c.flushing || c.closed {
		c.add(replies)
		c.mu.Unlock()
		return
	}
	c.flushing = true
	c.mu.Unlock()
	c.write(replies)
}

// write sends the replies, and then those that were added during the write.
func (c *conn) write(replies []byte) {
	err := c.writeAll(replies)
	c.mu.Lock()
	defer c.mu.Unlock()
	for err == nil && !c.closed && len(c.out) > 0 {
		replies, c.out = c.out, nil
		c.free.Broadcast()
		c.mu.Unlock()
		err = c.writeAll(replies)
		c.mu.Lock()
		c.releaseLocked(len(replies))
	}
	c.flushing = false
	if err != nil {
		c.closeLocked(slow)
	}
	c.setDeadline()
	c.free.Broadcast()
}

// writeAll writes in parts that each have their time.
func (c *conn) writeAll(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), writeSize)
		if err := c.SetWriteDeadline(time.Now().Add(c.endpoint.current.Load().Times().Write)); err != nil {
			return err
		}
		if _, err := c.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (c *conn) reserve(octets int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reserveLocked(octets)
}

// reserveLocked closes the connection if all together need too much memory.
func (c *conn) reserveLocked(octets int) {
	c.reserved += octets
	if !c.endpoint.pool.take(octets) {
		c.closeLocked(memory)
	}
}

func (c *conn) release(octets int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.releaseLocked(octets)
}

func (c *conn) releaseLocked(octets int) {
	c.reserved -= octets
	c.endpoint.pool.give(octets)
}

// leave has the connection closed after the replies to all messages that have arrived.
func (c *conn) leave(why reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leaving {
		c.leaving, c.why = true, why
	}
	c.setDeadline()
	c.free.Broadcast()
}

// note keeps the reason of the end.
func (c *conn) note(why reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && !c.leaving {
		c.why = why
	}
}

// finish waits until the client has its replies.
func (c *conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && (c.owed > 0 || c.flushing || len(c.out) > 0) {
		c.free.Wait()
	}
}

// close closes the connection at once.
func (c *conn) close(why reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(why)
}

func (c *conn) closeLocked(why reason) {
	if c.closed {
		return
	}
	c.closed, c.why = true, why
	_ = c.Close() // an error is one of a connection that the client has closed
	c.free.Broadcast()
}

// end closes the connection after serve.
func (c *conn) end() {
	c.mu.Lock()
	c.closed = true
	c.free.Broadcast()
	why := c.why
	_ = c.Close()
	for c.flushing { // it ends with the connection
		c.free.Wait()
	}
	c.releaseLocked(c.reserved)
	c.mu.Unlock()
	c.endpoint.pool.forget(c)
	c.endpoint.remove(c)
	closed[why].Inc()
	close(c.ended)
}
