package lru

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// An outage detects that the upstream does not answer. One unanswered name is not an
// outage, because the servers of that name may be the cause. Two unanswered names in a
// row are an outage, or one that is asked for again, unless any query is answered in
// between.
type outage struct {
	unresponsive atomic.Bool  // the last query had no reply, and no other has had one since it was sent
	since        atomic.Int64 // when the second unanswered query was sent, in Unix nanoseconds; 0: no outage

	mu         sync.Mutex
	lastAnswer time.Time // time of the last answer
	firstName  string    // name of the first unanswered query, or ""
	firstSent  time.Time // when it was sent
	failures   int       // number of unanswered queries
	logged     bool
}

// active reports whether stale answers are served at once, because the upstream has not
// answered for longer than a client waits.
func (o *outage) active(now time.Time) bool {
	since := o.since.Load()
	return since != 0 && now.UnixNano()-since >= int64(clientResponseTimer)
}

// sent records that a query is sent upstream.
func (o *outage) sent(name string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.firstName == "":
		o.firstName, o.firstSent = name, now
	case o.since.Load() == 0 && (name != o.firstName || now.Sub(o.firstSent) >= failureTTL):
		o.since.Store(now.UnixNano())
	}
}

// answered records an answer, of any RCODE. It ends an outage.
func (o *outage) answered(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.logged {
		log.Infof("The upstream answers again after %s; %d queries had no answer", now.Sub(o.firstSent).Round(time.Second), o.failures)
	}
	o.lastAnswer, o.firstName, o.failures, o.logged = now, "", 0, false
	o.unresponsive.Store(false)
	o.since.Store(0)
}

// unanswered records that a query had no answer. It is ignored if another query
// has been answered since it was sent, because then the upstream works.
func (o *outage) unanswered(k key, sent time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lastAnswer.After(sent) {
		return
	}
	o.unresponsive.Store(true)
	o.failures++
	if o.since.Load() == 0 || o.logged {
		return
	}
	o.logged = true
	outages.Inc()
	log.Warningf("No answer from the upstream (%s %s: %v): stale answers are served, other names are SERVFAIL", k.name, dns.Type(k.qtype), err)
}
