package stream

import (
	"io"
	"net"
	"sync"
	"time"
)

// A query is a message that is passed to the server, as a connection that carries nothing
// else. What the server writes is sent on the client's connection.
type query struct {
	conn    *conn
	lease   *Lease
	unread  []byte // of the message with its length
	long    int    // octets of a long message, or 0
	replies int
	end     sync.Once
}

// Read implements net.Conn.
func (q *query) Read(p []byte) (int, error) {
	if len(q.unread) == 0 {
		return 0, io.EOF
	}
	n := copy(p, q.unread)
	q.unread = q.unread[n:]
	return n, nil
}

// Write implements net.Conn. The first message never waits for the client, so that slow
// clients hold no goroutine for each query. The later ones of a zone transfer do.
func (q *query) Write(p []byte) (int, error) {
	q.replies++
	if err := q.conn.send(p, q.replies > 1); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close implements net.Conn. The client's connection stays open.
func (q *query) Close() error {
	q.end.Do(func() {
		q.conn.endpoint.pool.endLong(q.long)
		q.conn.settle()
		q.lease.release()
	})
	return nil
}

// LocalAddr implements net.Conn.
func (q *query) LocalAddr() net.Addr { return q.conn.LocalAddr() }

// RemoteAddr implements net.Conn.
func (q *query) RemoteAddr() net.Addr { return q.conn.RemoteAddr() }

// SetDeadline implements net.Conn. The client's connection has its own bounds.
func (q *query) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (q *query) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (q *query) SetWriteDeadline(time.Time) error { return nil }

// A Queue is a net.Listener for the server behind a backend. Its connections are those of
// Serve.
type Queue struct {
	addr    net.Addr
	queries chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// NewQueue returns an empty queue with the address of the clients' listener.
func NewQueue(addr net.Addr) *Queue {
	return &Queue{addr: addr, queries: make(chan net.Conn, maxInProgress), closed: make(chan struct{})}
}

// Serve passes a connection to Accept. It closes the connection if the queue is closed.
func (q *Queue) Serve(c net.Conn) {
	select {
	case q.queries <- c:
	case <-q.closed:
		_ = c.Close() // a query's Close returns nil
	}
}

// Accept implements net.Listener.
func (q *Queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.queries:
		return c, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (q *Queue) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

// Addr implements net.Listener.
func (q *Queue) Addr() net.Addr { return q.addr }
