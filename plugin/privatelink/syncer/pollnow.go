package syncer

import (
	"maps"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
)

// gather is the time between a query and the poll that it starts. A client asks for several
// names, and for two types of each, at the same moment.
const gather = 10 * time.Millisecond

// A bucket has the polls that queries may still start. Each of them costs one of the whole
// and one of the share of the client's network. A share fills as much more slowly as it is
// smaller, so that one network always leaves a third of the whole, in any minute.
type bucket struct {
	size   int
	whole  *rate.Limiter            // nil if size has always been 0
	shares map[uint64]*rate.Limiter // those that are not full, by network
}

// perMinute returns the rate and the burst of a limiter.
func perMinute(n int) (rate.Limit, int) { return rate.Limit(float64(n) / 60), n }

// shareOf returns the share of one network.
func shareOf(size int) int { return max(size*2/3, 1) }

func (b *bucket) resize(size int) {
	if size == b.size {
		return
	}
	b.size = size
	if b.whole == nil {
		b.whole, b.shares = rate.NewLimiter(perMinute(size)), map[uint64]*rate.Limiter{}
		return
	}
	setRate(b.whole, size)
	for _, share := range b.shares {
		setRate(share, shareOf(size))
	}
}

func setRate(l *rate.Limiter, n int) {
	every, burst := perMinute(n)
	l.SetLimit(every)
	l.SetBurst(burst)
}

// A priority decides how much of the whole and of a share is left to names of a higher one.
type priority uint8

const (
	backupName priority = iota
	otherName
	floodName
)

// has reports whether a limiter has a poll for names of the priority. A full one always has.
func has(l *rate.Limiter, p priority) bool {
	size := float64(l.Burst())
	reserve := [...]float64{backupName: 0, otherName: size / 2, floodName: size * 2 / 3}[p]
	return l.Tokens() >= min(reserve+1, size)
}

// left reports whether the share of a network has a poll for names of the priority.
func (b *bucket) left(network uint64, p priority) bool {
	share := b.shares[network]
	return share == nil || has(share, p)
}

// take removes a poll, which the bucket and the share of the network have. It forgets the
// shares that are full again.
func (b *bucket) take(network uint64) {
	maps.DeleteFunc(b.shares, func(_ uint64, l *rate.Limiter) bool { return l.Tokens() >= float64(l.Burst()) })
	share := b.shares[network]
	if share == nil {
		share = rate.NewLimiter(perMinute(shareOf(b.size)))
		b.shares[network] = share
	}
	share.Allow()
	b.whole.Allow()
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

// demand starts a poll soon, because a client of the network asks for a name that the source
// may have by now. The channel is closed when the poll has been published. All who call
// demand before it begins share it. demand returns nil if the source must not be read yet,
// or not for this network. If the poll returns no list, failed is called before.
func (p *poller) demand(name string, as priority, network uint64, failed func()) <-chan struct{} {
	if p.Static {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r, left := &p.demanded, p.bucket.left(network, as)
	if as == backupName && left && len(r.wanted) < maxHints {
		r.wanted = append(r.wanted, strings.Clone(name))
	}
	if r.done == nil {
		penalty := p.Remote && p.failures > 0 && time.Now().Before(p.ended.Add(p.penaltyLocked()))
		if penalty || !left || p.bucket.size == 0 || !has(p.bucket.whole, as) {
			return nil
		}
		p.bucket.take(network)
		r.done = make(chan struct{})
		metrics.OnDemandSyncs.WithLabelValues(p.Name).Inc()
		select {
		case p.now <- struct{}{}:
		default: // it has not begun since the last one
		}
	}
	if len(r.failed) < maxRetries {
		r.failed = append(r.failed, failed)
	}
	return r.done
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
