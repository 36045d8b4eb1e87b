package upstream

import (
	"context"
	"time"

	"github.com/miekg/dns"
)

// maxConnections bounds the connections that a query is sent on.
const maxConnections = 3

// A delivery is one query over TCP or TLS, on one connection after another.
type delivery struct {
	server *server
	q      *query
	began  time.Time
	done   chan result
	places []place
	live   int // connections that may have a response
}

// exchange asks over TCP or TLS. If a connection that was in use before has no response
// within the retry time, or any connection is lost after it had a response, the query is
// repeated on a new connection, however many connections of the pool are dead. A late
// response of the first one still counts.
func (s *server) exchange(ctx context.Context, q *query) (*dns.Msg, error) {
	d := &delivery{server: s, q: q, began: time.Now(), done: make(chan result, maxConnections)}
	defer d.leave()
	first, reused, err := s.pool.join(q, time.Time{}, d.done)
	if err != nil {
		return nil, err
	}
	d.add(first)
	var overdue <-chan time.Time
	if reused {
		timer := time.NewTimer(s.roundTrip.retry(0))
		defer timer.Stop()
		overdue = timer.C
	}
	return d.wait(ctx, overdue)
}

// wait returns the first response, or the last error.
func (d *delivery) wait(ctx context.Context, overdue <-chan time.Time) (m *dns.Msg, err error) {
	for d.live > 0 {
		select {
		case r := <-d.done:
			if r.err == nil {
				return r.m, nil
			}
			d.live--
			err = r.err
			if !r.again || r.from != d.places[len(d.places)-1].stream {
				continue
			}
		case <-overdue:
			d.server.pool.retire(d.began)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		overdue = nil
		if failed := d.repeat(); failed != nil {
			err = failed
		}
	}
	return nil, err
}

// repeat sends the query again. The second connection is shared, because all queries of a
// dead one come at once. The third is not, because a server may close each connection
// after one answer.
func (d *delivery) repeat() (err error) {
	var next place
	switch len(d.places) {
	case 1:
		next, _, err = d.server.pool.join(d.q, d.began, d.done)
	case 2:
		next, err = d.server.pool.open(d.q, d.done)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	d.server.retries.Inc()
	d.add(next)
	return nil
}

func (d *delivery) add(at place) {
	d.places = append(d.places, at)
	d.live++
}

func (d *delivery) leave() {
	for _, at := range d.places {
		d.server.pool.leave(at)
	}
}
