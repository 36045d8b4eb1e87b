package syncer

import (
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
)

// gather is the time between a query and the poll that it starts. A client asks for several
// names, and for two types of each, at the same moment.
const gather = 10 * time.Millisecond

// A bucket has the polls that queries may still start.
type bucket struct {
	limiter *rate.Limiter
	size    int
}

func (b *bucket) resize(size int) {
	if size == b.size {
		return
	}
	b.size = size
	every := rate.Every(time.Minute / time.Duration(max(size, 1)))
	if b.limiter == nil {
		b.limiter = rate.NewLimiter(every, size)
		return
	}
	b.limiter.SetLimit(every)
	b.limiter.SetBurst(size)
}

// A priority decides how much of the bucket is left to names of a higher one.
type priority uint8

const (
	backupName priority = iota
	otherName
	floodName
)

func (b *bucket) take(p priority) bool {
	if b.size == 0 {
		return false
	}
	now := time.Now()
	reserve := float64([...]int{backupName: 0, otherName: b.size / 2, floodName: b.size * 2 / 3}[p])
	return b.limiter.TokensAt(now) >= reserve+1 && b.limiter.AllowN(now, 1)
}

const (
	// maxHints bounds the names that a poll is started with.
	maxHints = 20
	// maxRetries bounds the names that may start another poll soon if one fails.
	maxRetries = 1000
)

// A round has those who wait for one poll.
type round struct {
	done   chan struct{} // closed when the poll has been published
	wanted []string      // names of Azure Backup among those that they wait for
	failed []func()      // called if the poll returns no list
}

// demand starts a poll soon, because a query asks for a name that the source may have by
// now. The channel is closed when the poll has been published. All who call demand before
// it begins share it, and started is true for the first of them. demand returns nil if the
// source must not be read yet. If the poll returns no list, failed is called before.
func (p *poller) demand(name string, as priority, failed func()) (done <-chan struct{}, started bool) {
	if p.Static {
		return nil, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &p.demanded
	if as == backupName && len(r.wanted) < maxHints {
		r.wanted = append(r.wanted, strings.Clone(name))
	}
	if r.done == nil {
		if p.Remote && p.failures > 0 && time.Now().Before(p.ended.Add(p.penaltyLocked())) || !p.bucket.take(as) {
			return nil, false
		}
		r.done, started = make(chan struct{}), true
		metrics.OnDemandSyncs.WithLabelValues(p.Name).Inc()
		select {
		case p.now <- struct{}{}:
		default: // it has not begun since the last one
		}
	}
	if len(r.failed) < maxRetries {
		r.failed = append(r.failed, failed)
	}
	return r.done, started
}

// penaltyLocked returns how long a source that fails is not read on demand. One that fails
// in part, such as for one subscription of many, has no back-off here.
func (p *poller) penaltyLocked() time.Duration {
	delay := min(p.retryAfter, maxRetryAfter)
	if p.silent && p.failures > 1 {
		delay = max(delay, p.backOffLocked())
	}
	return delay
}

// waiting returns those who wait for the poll that begins now.
func (p *poller) waiting() (r round) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.now:
	default:
	}
	r, p.demanded = p.demanded, round{}
	return r
}

// release ends the wait for a poll.
func (p *poller) release(r round) {
	if r.done == nil {
		return
	}
	p.mu.Lock()
	silent := p.silent
	p.mu.Unlock()
	if silent {
		for _, failed := range r.failed {
			failed()
		}
	}
	close(r.done)
}
