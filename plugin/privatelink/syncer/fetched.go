package syncer

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// logWait logs what a fetch waits for, once until the source recovers: an operator
// must not wait for the end of a fetch to see why names are SERVFAIL.
func (p *poller) logWait(text string) {
	p.mu.Lock()
	again := p.waited || p.failure != ""
	p.waited = true
	p.mu.Unlock()
	if !again {
		logf(log.Warning, "%s: %s", p.Name, text)
	}
}

func (p *poller) apply(list *source.List, err error) (changed bool, lines lines) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.silent = time.Now(), list == nil
	before, loaded, held := p.guard.served, p.guard.loaded, p.guard.held()
	p.guard.admit(p.judgeLocked(list), p.ended)
	metrics.HeldBack.WithLabelValues(p.Name).Set(float64(p.guard.held()))
	lines.add(p.recordResultLocked(err)...)
	switch {
	case p.guard.held() > 0 && held == 0:
		lines.errorf(journal.HeldBack, "%s: "+heldBackLine, p.Name, p.guard.held(), agreeing)
	case p.guard.held() == 0 && held > 0:
		lines.infof(journal.HeldBack, "%s: no names are held back any more", p.Name)
	}
	return p.guard.served != before || p.guard.loaded != loaded, lines
}

// heldBackLine is the log line of a sudden loss.
const heldBackLine = "more than half of its names are missing, %d of them are served until %d syncs agree: check the identity's permissions, and the export"

// recordResultLocked counts how a fetch ended. It returns the line to log if the
// result differs from that of the last fetch.
func (p *poller) recordResultLocked(err error) (lines lines) {
	if err == nil {
		metrics.LastSuccess.WithLabelValues(p.Name).Set(float64(p.ended.Unix()))
		if p.failure != "" {
			lines.infof(journal.Recovered, "%s: recovered", p.Name)
		}
		p.failure, p.failures, p.retryAfter, p.waited, p.succeeded = "", 0, 0, false, p.ended
		return lines
	}
	metrics.Failures.WithLabelValues(p.Name).Inc()
	if p.failures++; p.failures == 1 {
		p.failing = p.ended
	}
	p.retryAfter = 0
	if busy := (*source.RetryAfterError)(nil); errors.As(err, &busy) {
		p.retryAfter = busy.After
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if text == p.failure {
		return lines
	}
	p.failure = text
	if p.guard.loaded {
		lines.errorf(journal.Failed, "%s: %s (its last good records are served)", p.Name, text)
	} else {
		lines.errorf(journal.Failed, "%s: %s (not ready: names that are not loaded yet get SERVFAIL)", p.Name, text)
	}
	return lines
}

// judgeLocked returns the list as an incomplete one while a state file has not been
// read: it may have names that this list lacks.
func (p *poller) judgeLocked(list *source.List) *source.List {
	if list == nil || !list.Complete {
		return list
	}
	for _, one := range p.subscribers {
		if one.unread {
			part := *list
			part.Complete = false
			return &part
		}
	}
	p.polls++
	return list
}

// news returns the findings that no subscriber has logged before, in their order, and
// remembers those of s. It also returns those of s that are found no longer, unless
// another subscriber still has them.
func (p *poller) news(s *Syncer, sorted []string) (fresh, gone []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := map[string]bool{}
	for _, text := range sorted {
		mine[text] = true
		if !p.loggedLocked(text) {
			fresh = append(fresh, text)
		}
	}
	before := p.findings[s]
	p.findings[s] = mine
	for text := range before {
		if !p.loggedLocked(text) {
			gone = append(gone, text)
		}
	}
	slices.Sort(gone)
	return fresh, gone
}

func (p *poller) loggedLocked(text string) bool {
	for _, texts := range p.findings {
		if texts[text] {
			return true
		}
	}
	return false
}
