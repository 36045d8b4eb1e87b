package upstream

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/miekg/dns"
)

var log = clog.NewWithPlugin("upstream")

// A condition determines how an upstream is used.
type condition uint32

const (
	up      condition = iota
	suspect           // without a response since a query: it is asked after the others
	down              // without a response for downAfter: it is skipped
)

const (
	// downAfter is the time without a response after which an upstream is down. A slow
	// upstream responds within this time.
	downAfter = totalTime
	// refusalsDown is the number of successive queries that the host of an upstream
	// refuses before the upstream is down. An attacker who forges such ICMP messages
	// must guess the port of each query.
	refusalsDown = 3
	// lameAfter is the number of successive responses without an answer, while another
	// upstream had it, after which an upstream is asked after the others for lameTime.
	lameAfter = 3
	lameTime  = 10 * time.Second
	// maxProbes bounds the probes that wait for a response.
	maxProbes = 9
)

// A health is the state of one upstream, derived from its responses. Datagrams that do
// not match a query are ignored, because otherwise an attacker could stop an upstream
// with forged responses.
type health struct {
	changed func() // called after a change to or from down, without a lock

	condition atomic.Uint32
	heardAt   atomic.Int64 // Unix nanoseconds of the last response
	lameUntil atomic.Int64
	lame      atomic.Int32 // successive responses without an answer, see lameAfter

	mu       sync.Mutex
	silent   time.Time // when the first query without a response was sent
	refusals int
	probing  bool
	question *query // the last one without a response
	probes   atomic.Int32
}

func (s *server) is(c condition) bool { return condition(s.health.condition.Load()) == c }

// The ranks of upstreams, in the order in which they are asked.
const (
	askedFirst = iota
	askedLater
	notAsked
)

// rank returns when the server is asked, compared with the others.
func (s *server) rank(now time.Time) int {
	switch {
	case s.is(down):
		return notAsked
	case s.is(suspect), s.isSlow(), s.health.lameUntil.Load() > now.UnixNano():
		return askedLater
	}
	return askedFirst
}

// isSlow reports whether the mean round trip is longer than the time after which another
// upstream is asked in any case.
func (s *server) isSlow() bool { return s.hasOthers && s.roundTrip.mean() > maxRetry }

// heard notes a response.
func (s *server) heard(now time.Time) {
	h := &s.health
	h.heardAt.Store(now.UnixNano())
	if s.is(up) {
		return
	}
	h.mu.Lock()
	was, since := condition(h.condition.Swap(uint32(up))), h.silent
	h.refusals = 0
	h.mu.Unlock()
	if was == down {
		log.Infof("Upstream %s responds again after %s", s.endpoint, now.Sub(since).Round(time.Second))
		s.up.Set(1)
		h.changed()
	}
}

// unanswered notes that a query has no response within the retry time. It is ignored if
// a later query had a response.
func (s *server) unanswered(q *query, sent time.Time) {
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.heardAt.Load() >= sent.UnixNano() {
		return
	}
	h.question = q
	s.suspectLocked(sent)
}

// refused notes that a query could not be delivered. After refusalsDown successive ones
// the upstream is down.
func (s *server) refused(q *query, sent time.Time, err error) {
	h := &s.health
	h.mu.Lock()
	if h.heardAt.Load() >= sent.UnixNano() {
		h.mu.Unlock()
		return
	}
	h.refusals++
	h.question = q
	s.suspectLocked(sent)
	isDown := h.refusals >= refusalsDown && s.setDownLocked()
	h.mu.Unlock()
	if isDown {
		s.reportDown(err.Error())
	}
}

// suspectLocked makes an upstream suspect and starts the probes.
func (s *server) suspectLocked(sent time.Time) {
	h := &s.health
	if h.condition.CompareAndSwap(uint32(up), uint32(suspect)) {
		h.silent = sent
	}
	if !h.probing {
		h.probing = true
		go s.watch()
	}
}

func (s *server) setDownLocked() bool {
	return s.health.condition.CompareAndSwap(uint32(suspect), uint32(down))
}

func (s *server) reportDown(reason string) {
	log.Warningf("Upstream %s is down: %s%s", s.endpoint, reason, s.endpoint.hint())
	s.up.Set(0)
	s.health.changed()
}

// replaced notes that another upstream had the answer. An upstream that starts may
// return SERVFAIL or REFUSED to everything.
func (s *server) replaced(now time.Time) {
	if s.health.lame.Add(1) >= lameAfter {
		s.health.lameUntil.Store(now.Add(lameTime).UnixNano())
	}
}

func (s *server) answered() {
	if s.health.lame.Load() != 0 {
		s.health.lame.Store(0)
		s.health.lameUntil.Store(0)
	}
}

// watch sends probes until the upstream responds, or the instance ends.
func (s *server) watch() {
	ticker := time.NewTicker(s.probe.interval)
	defer ticker.Stop()
	for n := 0; ; n++ {
		if s.health.probes.Add(1) <= maxProbes {
			go s.sendProbe(n)
		} else {
			s.health.probes.Add(-1)
		}
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
		}
		if s.judge(time.Now()) {
			return
		}
	}
}

// judge reports whether the upstream is up and not slow, which ends the probes. An
// upstream without a response for downAfter is down.
func (s *server) judge(now time.Time) bool {
	h := &s.health
	h.mu.Lock()
	if s.is(up) && !s.isSlow() {
		h.probing = false
		h.mu.Unlock()
		return true
	}
	isDown := now.Sub(h.silent) >= downAfter && s.setDownLocked()
	h.mu.Unlock()
	if isDown {
		s.reportDown("no response for " + downAfter.String())
	}
	return false
}

// sendProbe asks alternately for the name of the configuration and for the last name
// without a response, because an upstream may serve some names only.
func (s *server) sendProbe(n int) {
	defer s.health.probes.Add(-1)
	s.health.mu.Lock()
	q := s.health.question
	s.health.mu.Unlock()
	if n%2 == 0 || q == nil {
		r := new(dns.Msg).SetQuestion(s.probe.name, dns.TypeNS)
		r.RecursionDesired = s.probe.rd
		var err error
		if q, err = newQuery(r); err != nil {
			return
		}
	}
	deadline := time.Now().Add(downAfter)
	if s.streaming {
		ctx, cancel := context.WithDeadline(s.ctx, deadline)
		defer cancel()
		_, _ = s.exchange(ctx, q) // receive and exchange note the response
		return
	}
	if d, err := s.send(q); err == nil {
		defer d.close()
		defer context.AfterFunc(s.ctx, func() { _ = d.conn.Close() })()
		_, _ = d.receive(deadline) // receive and exchange note the response
	}
}
