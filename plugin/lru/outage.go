package lru

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// An outage is the state of the upstream, as its answers show it. One name that
// nobody answers is not an outage. Two names in a row are, or one that is asked for
// again, unless an answer to any question comes in between.
type outage struct {
	silent atomic.Bool  // the last question that ended had no answer, and none came since it was sent
	since  atomic.Int64 // when the second question without an answer was sent, in Unix nanoseconds; 0: no outage

	mu       sync.Mutex
	last     time.Time // of the answers
	name     string    // of the first question without an answer, or ""
	sentAt   time.Time // when that was sent
	failures int       // questions that ended without an answer
	logged   bool
}

// known reports whether stale answers are served at once: the upstream has been
// silent for longer than a client waits.
func (o *outage) known(now time.Time) bool {
	since := o.since.Load()
	return since != 0 && now.UnixNano()-since >= int64(staleAfter)
}

// sent notes that a question goes upstream.
func (o *outage) sent(name string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.name == "":
		o.name, o.sentAt = name, now
	case o.since.Load() == 0 && (name != o.name || now.Sub(o.sentAt) >= failureTime):
		o.since.Store(now.UnixNano())
	}
}

// answered notes an answer, of any RCODE.
func (o *outage) answered(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.logged {
		log.Infof("The upstream answers again after %s; %d questions had no answer", now.Sub(o.sentAt).Round(time.Second), o.failures)
	}
	o.last, o.name, o.failures, o.logged = now, "", 0, false
	o.silent.Store(false)
	o.since.Store(0)
}

// unanswered notes that a question ended without an answer. If others have been
// answered since it was sent, it is that question's fault.
func (o *outage) unanswered(k key, sent time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last.After(sent) {
		return
	}
	o.silent.Store(true)
	o.failures++
	if o.since.Load() == 0 || o.logged {
		return
	}
	o.logged = true
	outages.Inc()
	log.Warningf("No answer from the upstream (%s %s: %v): stale answers are served, other names are SERVFAIL", k.name, dns.Type(k.qtype), err)
}
