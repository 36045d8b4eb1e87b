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

// A race is a query with several attempts, whose responses all count. It belongs to the
// goroutine that runs it. Each attempt has its own goroutine that reads.
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
	current attempt   // the last attempt, until it has a response or is overdue

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

// ask returns the first answer and its upstream. The first attempt needs no goroutine, no
// channel and no timer, because most queries need no second one.
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
	r.results = make(chan outcome, (len(servers)+maxAttempts+2)*(maxErrors+2)) // sends never block
	r.ctx, r.cancel = context.WithDeadline(context.Background(), deadline)
	return r
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
		if !now.Before(r.deadline) || r.live == 0 && r.candidate() < 0 {
			break
		}
		if !now.Before(r.next) {
			r.overdue()
			r.launch(now)
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

// won returns the answer and its upstream, or nil.
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

// lost returns the first response, which is a failure, or an error.
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

// handle accounts for an outcome.
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
	case o.err != nil && o.stream && !e.streaming: // its datagrams arrive, so the upstream is not down
		r.setResponse(e.server, unusable(r.q, dns.ExtendedErrorCodeNetworkError))
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
		r.setResponse(e.server, o.m)
		r.next = time.Now()
	}
}

// setResponse stores the answer, or the first failure. A part of an answer and an RCODE
// about the format of the query are replaced by SERVFAIL, because clients cannot use them.
func (r *race) setResponse(s *server, m *dns.Msg) {
	answer := decides(m, r.q, r.failover)
	if r.response != nil && !answer {
		return
	}
	if m.Truncated || isInvalid(m.Rcode) {
		m = unusable(r.q, dns.ExtendedErrorCodeInvalidData)
	}
	r.response, r.from, r.answered = m, s, answer
}

// decides reports whether a response ends the race.
func decides(m *dns.Msg, q *query, failover []int) bool {
	switch {
	case m.Truncated, isInvalid(m.Rcode):
		return false
	case q.edns && rejectsEDNS(m.Rcode):
		return false
	}
	return !slices.Contains(failover, m.Rcode)
}

// isInvalid reports whether an RCODE cannot be an answer to a query: FORMERR, those of
// UPDATE such as NOTAUTH, and undefined ones. YXDOMAIN is valid with DNAME records.
func isInvalid(rcode int) bool {
	return rcode == dns.RcodeFormatError || rcode > dns.RcodeRefused && rcode != dns.RcodeYXDomain
}

func rejectsEDNS(rcode int) bool {
	return rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented || rcode == dns.RcodeBadVers
}

// unusable returns SERVFAIL, which replaces an unusable response.
func unusable(q *query, code uint16) *dns.Msg {
	m := new(dns.Msg)
	m.Response, m.RecursionAvailable, m.Rcode = true, true, dns.RcodeServerFailure
	m.Question = []dns.Question{{Name: q.name, Qtype: q.qtype, Qclass: dns.ClassINET}}
	addEDE(m, code)
	return m
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
