package syncer

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	clog "github.com/coredns/coredns/plugin/pkg/log"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

var log = clog.NewWithPlugin("privatelink")

// A poller fetches one source at its interval, for all syncers that have it.
type poller struct {
	source.Config
	source source.Source
	events *journal.Journal // nil for a look at the sources
	added  time.Time
	cancel context.CancelFunc
	polled chan struct{} // closed when nobody has to wait for the first poll
	settle func()        // closes polled; may be called again
	wake   chan struct{} // has room for one; the time of the next poll has changed
	now    chan struct{} // has room for one; a query demands a poll

	polling sync.Mutex // held over a poll: one fetch at a time

	mu          sync.Mutex // held over nothing that waits
	subscribers map[*Syncer]subscription
	findings    map[*Syncer]map[string]bool // that each of them has logged
	guard       guard
	failure     string        // the text of the last fetch's error
	waited      bool          // the reason of a wait was logged since the last success
	failures    int           // consecutive fetches with an error
	polls       int           // complete lists since the start
	ended       time.Time     // when the last fetch ended
	silent      bool          // the last fetch returned no list
	succeeded   time.Time     // when the last fetch without an error ended
	failing     time.Time     // when the first of the consecutive fetches with an error ended
	due         time.Time     // when the next fetch begins
	passUnread  bool          // the log has that fallthrough zones pass names of this unread source
	retryAfter  time.Duration // how long the source asked not to be fetched
	bucket      bucket        // of the polls that queries start
	demanded    round         // those who wait for the next poll
}

// A subscription is the state of one syncer at a poller.
type subscription struct {
	interval time.Duration
	unread   bool // the syncer's state file has not been read yet
	onDemand int  // polls a minute that queries may start
}

func newPoller(src source.Source) *poller {
	polled := make(chan struct{})
	return &poller{
		Config: src.Config(), source: src, added: time.Now(), cancel: func() {},
		polled: polled, settle: sync.OnceFunc(func() { close(polled) }),
		wake: make(chan struct{}, 1), now: make(chan struct{}, 1),
		subscribers: map[*Syncer]subscription{}, findings: map[*Syncer]map[string]bool{},
	}
}

// newStatic returns a poller that has the Corefile's own records and never polls.
func newStatic(src source.Source) *poller {
	p := newPoller(src)
	p.settle()
	list, _ := src.Fetch(context.Background()) // a static source cannot fail
	p.guard.admit(list, time.Now())
	return p
}

func (p *poller) start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go p.run(ctx)
}

func (p *poller) stop() {
	p.cancel()
	metrics.Forget(p.Name)
}

// add has the syncer refreshed after each change. The shortest interval of all
// subscribers counts.
func (p *poller) add(s *Syncer, one subscription) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subscribers[s] = one
	p.setIntervalLocked()
}

// remove returns how many subscribers are left.
func (p *poller) remove(s *Syncer) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.subscribers, s)
	delete(p.findings, s)
	p.setIntervalLocked()
	return len(p.subscribers)
}

func (p *poller) setIntervalLocked() {
	shortest, onDemand := time.Duration(0), 0
	for _, one := range p.subscribers {
		onDemand = max(onDemand, one.onDemand)
		if shortest == 0 || one.interval < shortest {
			shortest = one.interval
		}
	}
	if shortest == 0 {
		return
	}
	p.bucket.resize(onDemand)
	if shortest != p.Interval {
		p.Interval = shortest
		select {
		case p.wake <- struct{}{}:
		default: // it wakes already
		}
	}
	p.guard.interval = shortest
	metrics.Refresh.WithLabelValues(p.Name).Set(shortest.Seconds())
}

// read joins the last good list of the state file of s, which has been read by now.
// The source learns what it had before a restart, but not during a fetch.
func (p *poller) read(s *Syncer, last lastGood) {
	p.mu.Lock()
	one, subscribed := p.subscribers[s]
	one.unread = false
	if subscribed {
		p.subscribers[s] = one
	}
	recent := p.polls < agreeing // later, the lists of this run are better
	if last.ok && recent {
		p.guard.restore(last.Source)
	}
	p.mu.Unlock()
	if !last.ok || !recent {
		return
	}
	go func() {
		p.polling.Lock()
		defer p.polling.Unlock()
		p.remember(last)
	}()
}

// remember reminds a source of the files and the names that it had before a restart.
func (p *poller) remember(last lastGood) {
	if !last.ok {
		return
	}
	if files, ok := p.source.(interface{ Remember(parts map[string]int) }); ok {
		files.Remember(last.Parts)
	}
	if names, ok := p.source.(interface{ RememberEntries(entries []source.Entry) }); ok {
		names.RememberEntries(last.Entries)
	}
}

func (p *poller) run(ctx context.Context) {
	if p.Remote && !sleep(ctx, rand.N(time.Second)) {
		return
	}
	for first, open := true, true; open; first, open = false, p.wait(ctx) {
		waiting := p.waiting()
		if p.poll(source.WithWanted(ctx, waiting.wanted)) || first && ctx.Err() == nil {
			p.refreshSubscribers()
		}
		p.settle()
		p.release(waiting)
	}
}

// wait waits until the next poll is due. It reports false if ctx ends first.
func (p *poller) wait(ctx context.Context) bool {
	for {
		timer := time.NewTimer(p.nextDelay())
		select {
		case <-timer.C:
			return true
		case <-p.now:
			timer.Stop()
			return sleep(ctx, gather)
		case <-p.wake: // the interval has changed
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// sleep reports false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *poller) refreshSubscribers() {
	p.mu.Lock()
	all := make([]*Syncer, 0, len(p.subscribers))
	for s := range p.subscribers {
		all = append(all, s)
	}
	p.mu.Unlock()
	for _, s := range all {
		s.refresh()
	}
}

// poll fetches the source once and reports whether the list to serve changed.
func (p *poller) poll(ctx context.Context) bool {
	p.polling.Lock()
	defer p.polling.Unlock()
	list, err := p.source.Fetch(source.WithProgress(ctx, p.logWait))
	if ctx.Err() != nil { // stopped: a successor may have a newer list
		return false
	}
	changed, lines := p.apply(list, err)
	lines.write()
	p.events.Add(lines.events(p.Name)...)
	return changed
}

const (
	maxBackOff    = 2 * time.Minute
	maxRetryAfter = time.Hour // however long a source asks for
)

// nextDelay returns the time until the next fetch: the interval, a tenth more or
// less, so that instances which start together do not fetch together. A remote
// source that fails is fetched less often, but an operator who repairs it waits
// two minutes at most.
func (p *poller) nextDelay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	delay := p.Interval
	if p.Remote && p.failures > 1 {
		delay = p.backOffLocked()
	}
	delay = delay*9/10 + rand.N(delay/5+1)
	p.due = p.ended.Add(max(delay, min(p.retryAfter, maxRetryAfter)))
	return time.Until(p.due)
}

// backOffLocked returns the interval after more than one failure.
func (p *poller) backOffLocked() time.Duration {
	return max(p.Interval, min(p.Interval<<min(p.failures-1, 10), maxBackOff))
}

// latest returns the list to serve, which may be nil, and reports whether the source
// has been loaded once.
func (p *poller) latest() (list *source.List, loaded bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.guard.served, p.guard.loaded
}

// overdue reports whether the source has not been loaded after the time that a
// start allows. A source that a reload adds has its first fetch as well, so that a
// changed line of the Corefile does not pass names that were served a moment ago.
func (p *poller) overdue(graceEnd time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	tried := !p.ended.IsZero() || time.Since(p.added) >= grace
	return !p.guard.loaded && tried && !time.Now().Before(graceEnd)
}
