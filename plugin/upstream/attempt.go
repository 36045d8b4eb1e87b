package upstream

import (
	"errors"
	"os"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// An attempt is a query at one upstream.
type attempt struct {
	to   int // in entries
	q    *query
	sent time.Time
}

// An outcome is a response to an attempt, or its error.
type outcome struct {
	attempt
	stream bool
	m      *dns.Msg
	err    error
	later  bool // the attempt had an outcome before
}

// adopt continues with the first attempt.
func (r *race) adopt(d *datagram, due time.Time, m *dns.Msg, err error) {
	r.entries[0].attempts, r.total = 1, 1
	r.current, r.next, r.due = attempt{to: 0, q: r.q, sent: d.sent}, due, due
	r.open = append(r.open, d)
	if err == nil {
		r.handle(outcome{attempt: r.current, m: m})
		return
	}
	a, refused := r.current, !errors.Is(err, os.ErrDeadlineExceeded)
	if refused {
		r.undelivered(a, err)
	} else {
		r.live++
	}
	go r.follow(d, a, refused)
}

// launch starts the next attempt, if there is one.
func (r *race) launch(now time.Time) {
	if to := r.candidate(); to >= 0 {
		r.start(attempt{to: to, q: r.q, sent: now})
		return
	}
	r.next = r.deadline
}

// candidate returns the first upstream with the fewest attempts, or -1 if there is no
// upstream for a next attempt.
func (r *race) candidate() int {
	best := -1
	if r.total >= len(r.entries)+maxAttempts-1 {
		return best
	}
	for i, e := range r.entries {
		if !e.out && e.attempts < maxAttempts && (best < 0 || e.attempts < r.entries[best].attempts) {
			best = i
		}
	}
	return best
}

// start starts one attempt and sets when the next one is due.
func (r *race) start(a attempt) {
	e := &r.entries[a.to]
	if r.total > 0 {
		e.retries.Inc()
	}
	r.total++
	r.current = a
	if e.streaming {
		e.attempts += maxAttempts - 1 // exchange repeats the query itself
		r.startStream(a)
		return
	}
	e.attempts++
	d, err := e.send(a.q)
	if err != nil {
		r.undelivered(a, err)
		return
	}
	r.current.sent = d.sent
	r.due = d.sent.Add(e.roundTrip.retry(e.attempts - 1))
	r.next = r.due
	r.open = append(r.open, d)
	r.live++
	go r.follow(d, r.current, false)
}

func (r *race) startStream(a attempt) {
	s := r.entries[a.to].server
	r.due = a.sent.Add(maxRetry) // a new connection needs several round trips
	r.next = r.due
	r.live++
	go func() {
		m, err := s.exchange(r.ctx, a.q)
		r.results <- outcome{attempt: a, stream: true, m: m, err: err}
	}()
}

// follow waits for the response of an attempt until the race ends. A refusal does not end
// the wait, because it may be forged.
func (r *race) follow(d *datagram, a attempt, refused bool) {
	for range maxErrors {
		m, err := d.receive(r.deadline)
		r.results <- outcome{attempt: a, m: m, err: err, later: refused}
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || r.ctx.Err() != nil {
			return
		}
		refused = true
	}
}

// undelivered notes that the host of an upstream refuses the query, or that there is no
// route to it. The next upstream is asked at once. The same one is asked again after the
// usual time, because a resolver restarts within a second.
func (r *race) undelivered(a attempt, err error) {
	e := &r.entries[a.to]
	r.err = err
	if !isLocal(err) {
		e.refused(a.q, a.sent, err)
	}
	r.next = time.Now().Add(e.roundTrip.retry(max(e.attempts-1, 0)))
	if slices.ContainsFunc(r.entries, func(other entrant) bool { return !other.out && other.attempts == 0 }) {
		r.next = time.Now()
	}
	r.current.q = nil
}
