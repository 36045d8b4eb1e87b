package stream

import (
	"errors"
	"net"
	"os"
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
	reading  bool      // serve is in Read
	owed     int       // messages without a reply, and 1 while serve answers
	replied  time.Time // the last reply, or the beginning
	useful   bool      // there was a reply since the client waited last
	leaving  bool      // no more messages are read
	closed   bool
	why      reason
	ended    chan struct{}
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// owe notes that the client waits for one more reply.
func (c *conn) owe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed++; c.owed == 1 {
		c.useful = false
		c.endpoint.pool.work(c)
	}
}

// settle notes that one message has all its replies.
func (c *conn) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed--; c.owed == 0 {
		c.endpoint.pool.wait(c, c.useful)
	}
	c.setDeadlineLocked()
	c.free.Broadcast()
}

// fullLocked reports whether the client has to read replies before there are more.
func (c *conn) fullLocked() bool {
	return !c.closed && (c.owed > maxInProgress || len(c.out) >= highWater)
}

func (c *conn) isFull() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fullLocked()
}

// awaitRoom waits until there may be more replies. It returns false if the connection is
// closed before.
func (c *conn) awaitRoom() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.fullLocked() {
		c.free.Wait()
	}
	return !c.closed
}

// send adds a reply with its length. It waits for the client to read only if it may.
func (c *conn) send(reply []byte, mayWait bool) error {
	c.take(len(reply))
	c.mu.Lock()
	defer c.mu.Unlock()
	for mayWait && !c.closed && len(c.out) >= highWater {
		c.free.Wait()
	}
	if !c.addLocked(reply) {
		return net.ErrClosed
	}
	if !c.flushing {
		c.flushing = true
		go c.write(nil)
	}
	return nil
}

// addLocked appends replies to those on their way. It returns false if the connection is closed.
func (c *conn) addLocked(replies []byte) bool {
	if c.closed {
		c.release(len(replies))
		return false
	}
	c.replied, c.useful = time.Now(), true
	c.out = append(c.out, replies...)
	return true
}

// flush sends replies, after those that are on their way.
func (c *conn) flush(replies []byte) {
	if len(replies) == 0 {
		return
	}
	c.take(len(replies))
	c.mu.Lock()
	if c.flushing || c.closed {
		c.addLocked(replies)
		c.mu.Unlock()
		return
	}
	c.flushing, c.replied, c.useful = true, time.Now(), true
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
	}
	c.flushing = false
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.closeLocked(slow)
	case err != nil:
		c.closeLocked(byClient)
	}
	c.setDeadlineLocked()
	c.free.Broadcast()
}

// writeAll writes in parts that each have their time. During the write, the connection
// counts as one that waits for its client, whatever queries are in progress.
func (c *conn) writeAll(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	c.endpoint.pool.wait(c, true)
	defer c.works()
	for len(b) > 0 {
		n := min(len(b), writeSize)
		if err := c.SetWriteDeadline(time.Now().Add(c.endpoint.times().Write)); err != nil {
			return err
		}
		if _, err := c.Write(b[:n]); err != nil {
			return err
		}
		c.release(n)
		b = b[n:]
	}
	return nil
}

// works notes that the client does not hold up the connection any more.
func (c *conn) works() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed > 0 {
		c.endpoint.pool.work(c)
	}
}

// take counts memory. If all connections together need too much, the one with the most is
// closed: in a goroutine of its own, because this one may have its lock.
func (c *conn) take(octets int) {
	if most := c.endpoint.pool.take(c, octets); most != nil {
		go most.close(memory)
	}
}

func (c *conn) release(octets int) { c.endpoint.pool.release(c, octets) }

// leave has the connection closed after the replies to all messages that it has.
func (c *conn) leave(why reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaveLocked(why)
}

func (c *conn) leaveLocked(why reason) {
	if !c.leaving && !c.closed {
		c.leaving, c.why = true, why
	}
	c.setDeadlineLocked()
	c.free.Broadcast()
}

// isStopped reports whether the connection leaves because the server ends.
func (c *conn) isStopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaving && c.why == stopped
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
	c.mu.Unlock()
	c.endpoint.pool.forget(c)
	c.endpoint.remove(c)
	closed[why].Inc()
	close(c.ended)
}
