package upstream

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/miekg/dns"
)

const (
	// totalTime bounds a query. Windows waits longer than that.
	totalTime = 4 * time.Second
	// maxAttempts bounds the attempts at one upstream (RFC 9520, 3.1).
	maxAttempts = 3
	// maxErrors bounds the errors that one socket may return.
	maxErrors = 3
)

var errSilent = errors.New("no response")

// A race is a query with several attempts, the responses of which all count. It
// belongs to the goroutine that runs it; each attempt has a goroutine that reads.
type race struct {
	q        *query
	failover []int
	deadline time.Time
	entries  []entrant

	results chan outcome
	ctx     context.Context // ends the attempts over TCP
	cancel  context.CancelFunc
	open    []*datagram

	live    int // attempts that may have a response; not refused ones, although they still count
	total   int
	next    time.Time // when the next attempt starts
	due     time.Time // when the current attempt should have a response
	current attempt   // the last one, for which the time to the next one runs

	response *dns.Msg // the answer, or the first response that is not one
	from     *server
	answered bool
	err      error
}

// An entrant is an upstream in a race.
type entrant struct {
	*server
	attempts int
	out      bool // it is not asked again
}

// An attempt is a query at one upstream.
type attempt struct {
	to   int // in entries
	q    *query
	sent time.Time
}

// An outcome is what an attempt had as a response.
type outcome struct {
	attempt
	stream bool
	m      *dns.Msg
	err    error
	later  bool // the attempt had an outcome before
}

// ask returns the answer of the first upstream that has one, and which it was. The
// first attempt needs no goroutine, no channel and no timer: usually there is no other.
func ask(q *query, servers []*server, failover []int, deadline time.Time) (*dns.Msg, *server, error) {
	first := servers[0]
	if first.streaming {
		return newRace(q, servers, failover, deadline).run()
	}
	d, err := first.send(q)
	if err != nil {
		r := newRace(q, servers, failover, deadline)
		r.entries[0].attempts, r.total = 1, 1
		r.current = attempt{to: 0, q: q, sent: time.Now()}
		r.undelivered(r.current, err)
		return r.run()
	}
	due := d.sent.Add(first.roundTrip.retry(0))
	m, err := d.receive(earlier(due, deadline))
	if err == nil && decides(m, q, failover) {
		d.finish()
		first.answered()
		return m, first, nil
	}
	r := newRace(q, servers, failover, deadline)
	r.adopt(d, due, m, err)
	return r.run()
}

func newRace(q *query, servers []*server, failover []int, deadline time.Time) *race {
	r := &race{q: q, failover: failover, deadline: deadline, entries: make([]entrant, len(servers)), next: time.Now()}
	for i, s := range servers {
		r.entries[i].server = s
	}
	r.results = make(chan outcome, (len(servers)+maxAttempts+2)*(maxErrors+2)) // nobody waits to send
	r.ctx, r.cancel = context.WithDeadline(context.Background(), deadline)
	return r
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

// run returns the result of the race.
func (r *race) run() (*dns.Msg, *server, error) {
	defer r.end()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if m, s := r.won(); m != nil {
			return m, s, nil
		}
		now := time.Now()
		if !now.Before(r.deadline) {
			break
		}
		if !now.Before(r.next) {
			r.overdue()
			r.launch(now)
			if r.live == 0 && !r.next.Before(r.deadline) {
				break
			}
			continue
		}
		timer.Reset(earlier(r.next, r.deadline).Sub(now))
		select {
		case o := <-r.results:
			r.handle(o)
		case <-timer.C:
		}
	}
	return r.lost()
}

func (r *race) end() {
	r.cancel()
	for _, d := range r.open {
		d.close()
	}
}

// won returns the answer, if there is one, and the upstream it is from.
func (r *race) won() (*dns.Msg, *server) {
	if !r.answered {
		return nil, nil
	}
	for i := range r.entries {
		if e := &r.entries[i]; e.out && e.server != r.from {
			e.replaced(time.Now())
		}
	}
	r.from.answered()
	return r.response, r.from
}

// lost returns the first response, although it is a failure, or an error.
func (r *race) lost() (*dns.Msg, *server, error) {
	r.overdue()
	if r.response != nil {
		return r.response, r.from, nil
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	return nil, nil, errSilent
}

// overdue notes that the current attempt has no response in time.
func (r *race) overdue() {
	if r.current.q == nil || time.Now().Before(r.due) {
		return
	}
	s := r.entries[r.current.to].server
	s.timeouts.Inc()
	s.unanswered(r.current.q, r.current.sent)
	r.current.q = nil
}

// launch starts the next attempt: at the upstream with the fewest attempts, the first
// of those.
func (r *race) launch(now time.Time) {
	best := -1
	for i, e := range r.entries {
		if !e.out && e.attempts < maxAttempts && (best < 0 || e.attempts < r.entries[best].attempts) {
			best = i
		}
	}
	if best < 0 || r.total >= len(r.entries)+maxAttempts-1 {
		r.next = r.deadline
		return
	}
	r.start(attempt{to: best, q: r.q, sent: now})
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
		e.attempts += maxAttempts - 1 // it repeats the query itself
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
	r.due = a.sent.Add(mostRetry) // to connect takes several round trips
	r.next = r.due
	r.live++
	go func() {
		m, err := s.exchange(r.ctx, a.q)
		r.results <- outcome{attempt: a, stream: true, m: m, err: err}
	}()
}

// follow waits for the response of an attempt until the race ends. A refusal does not
// end it: it may be forged.
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

// handle takes an outcome into account.
func (r *race) handle(o outcome) {
	e := &r.entries[o.to]
	if !o.later && r.live > 0 {
		r.live--
	}
	if o.sent.Equal(r.current.sent) && o.to == r.current.to {
		r.current.q = nil
	}
	switch {
	case o.err != nil && errors.Is(o.err, os.ErrDeadlineExceeded):
	case o.err != nil && o.stream && !e.streaming: // its datagrams arrive, so it is not down
		r.keep(e.server, broken(r.q, dns.ExtendedErrorCodeNetworkError))
		r.next = time.Now()
	case o.err != nil && r.ctx.Err() != nil:
	case o.err != nil && !o.later:
		r.undelivered(o.attempt, o.err)
	case o.err != nil:
	case o.m.Truncated && !o.stream:
		e.out = true // no more datagrams
		r.startStream(attempt{to: o.to, q: o.q, sent: time.Now()})
	case o.q.edns && rejectsEDNS(o.m.Rcode):
		r.start(attempt{to: o.to, q: o.q.withoutEDNS(), sent: time.Now()})
	default:
		e.out = true
		r.keep(e.server, o.m)
		r.next = time.Now()
	}
}

// keep keeps the first failure, or the answer. A part of an answer and an RCODE that
// is about the query's format are of no use to a client.
func (r *race) keep(s *server, m *dns.Msg) {
	answer := decides(m, r.q, r.failover)
	if r.response != nil && !answer {
		return
	}
	if m.Truncated || m.Rcode == dns.RcodeFormatError || m.Rcode > dns.RcodeNotZone {
		m = broken(r.q, dns.ExtendedErrorCodeInvalidData)
	}
	r.response, r.from, r.answered = m, s, answer
}

// undelivered notes that the host of an upstream refuses the query, or that there is
// no way to it. The next upstream is asked at once. The same one is asked again after
// the usual time: a resolver that restarts is back within a second.
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

// decides reports whether a response ends the race.
func decides(m *dns.Msg, q *query, failover []int) bool {
	switch {
	case m.Truncated, m.Rcode == dns.RcodeFormatError, m.Rcode > dns.RcodeNotZone:
		return false
	case q.edns && rejectsEDNS(m.Rcode):
		return false
	}
	return !slices.Contains(failover, m.Rcode)
}

func rejectsEDNS(rcode int) bool {
	return rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented || rcode == dns.RcodeBadVers
}

// broken is the response in place of one that is of no use.
func broken(q *query, code uint16) *dns.Msg {
	m := new(dns.Msg)
	m.Response, m.Rcode = true, dns.RcodeServerFailure
	m.Question = []dns.Question{{Name: q.name, Qtype: q.qtype, Qclass: dns.ClassINET}}
	explain(m, code)
	return m
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
