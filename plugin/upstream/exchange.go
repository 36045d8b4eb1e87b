package upstream

import (
	"context"
	"time"

	"github.com/miekg/dns"
)

// exchange asks over TCP or TLS. If a connection that was in use before fails, or has no
// response within the retry time, the query is repeated once on a new connection, however
// many connections of the pool are dead. A late response of the first one still counts.
func (s *server) exchange(ctx context.Context, q *query) (*dns.Msg, error) {
	done, sent := make(chan result, 2), time.Now()
	first, id, reused, err := s.pool.join(q, time.Time{}, done)
	if err != nil {
		return nil, err
	}
	defer s.pool.leave(first, id)
	if !reused {
		return wait(ctx, done, 1)
	}
	timer := time.NewTimer(s.roundTrip.retry(0))
	defer timer.Stop()
	live := 1
	select {
	case r := <-done:
		if r.err == nil {
			return r.m, nil
		}
		live--
	case <-timer.C:
		s.pool.retire(sent)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.retries.Inc()
	second, id2, _, err := s.pool.join(q, sent, done)
	if err != nil {
		return nil, err
	}
	defer s.pool.leave(second, id2)
	return wait(ctx, done, live+1)
}

// wait returns the first response of n calls, or the last error.
func wait(ctx context.Context, done <-chan result, n int) (m *dns.Msg, err error) {
	for range n {
		select {
		case r := <-done:
			if r.err == nil {
				return r.m, nil
			}
			err = r.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, err
}
