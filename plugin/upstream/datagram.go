package upstream

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// A datagram is one attempt over UDP. It has its own socket, port and ID (RFC 5452, 9.2).
type datagram struct {
	to   *server
	q    *query
	id   uint16
	sent time.Time
	conn socket
}

// buffers are for responses, which are parsed before the buffer is used again.
var buffers = sync.Pool{New: func() any { return new([4096]byte) }}

// send sends the query from a new socket. The caller must call close.
func (s *server) send(q *query) (*datagram, error) {
	if err := sockets.take(); err != nil {
		return nil, err
	}
	conn, err := s.network.datagram(s.addr)
	if err != nil {
		sockets.release()
		return nil, err
	}
	d := &datagram{to: s, q: q, id: newID(), sent: time.Now(), conn: conn}
	buf := buffers.Get().(*[4096]byte)
	defer buffers.Put(buf)
	n := copy(buf[:], q.wire)
	binary.BigEndian.PutUint16(buf[:], d.id)
	s.udp.Inc()
	if _, err := conn.Write(buf[:n]); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// receive waits for the response. Datagrams that do not match the query are counted and
// discarded, and the wait continues (RFC 5452, 9.1).
func (d *datagram) receive(until time.Time) (*dns.Msg, error) {
	if err := d.conn.SetReadDeadline(until); err != nil {
		return nil, err
	}
	buf := buffers.Get().(*[4096]byte)
	defer buffers.Put(buf)
	for {
		n, err := d.conn.Read(buf[:])
		if err != nil {
			return nil, err
		}
		m, reason := d.q.parse(buf[:n], d.id)
		if reason == matches {
			d.to.responded(m, time.Since(d.sent))
			return m, nil
		}
		d.to.discarded[reason].Inc()
	}
}

// finish ends an attempt that had its response.
func (d *datagram) finish() {
	if conn, ok := d.conn.(interface{ recycle() }); ok {
		conn.recycle()
		sockets.release()
		return
	}
	d.close()
}

func (d *datagram) close() {
	_ = d.conn.Close() // nothing depends on it
	sockets.release()
}
