package upstream

import (
	"sync/atomic"
	"time"
)

const (
	// minRetry and maxRetry bound the time to a retry. Windows retries after 1 s, most
	// stub resolvers after 2 s or more.
	minRetry = 200 * time.Millisecond
	maxRetry = time.Second
	// firstRetry is used without a measurement.
	firstRetry = 400 * time.Millisecond
)

// A roundTrip estimates the round trip time of an upstream (RFC 6298, 2). The zero value
// has no samples. A response belongs to exactly one attempt, because each attempt has its
// own ID and socket, so a late response is a valid sample.
type roundTrip struct {
	packed atomic.Uint64 // the mean and the deviation in microseconds
}

func (r *roundTrip) add(d time.Duration) {
	sample := min(d.Microseconds(), 1<<31)
	for {
		old := r.packed.Load()
		mean, deviation := int64(old>>32), int64(old&(1<<32-1))
		if old == 0 {
			mean, deviation = sample, sample/2
		} else {
			deviation += (max(mean-sample, sample-mean) - deviation) / 4
			mean += (sample - mean) / 8
		}
		if r.packed.CompareAndSwap(old, uint64(max(mean, 1))<<32|uint64(deviation)) {
			return
		}
	}
}

// mean returns the smoothed round trip, or 0.
func (r *roundTrip) mean() time.Duration {
	return time.Duration(r.packed.Load()>>32) * time.Microsecond
}

// retry returns the time after which attempt number n is followed by the next one.
func (r *roundTrip) retry(n int) time.Duration {
	packed, d := r.packed.Load(), firstRetry
	if packed != 0 {
		d = time.Duration(packed>>32+4*(packed&(1<<32-1))) * time.Microsecond
	}
	return min(max(d, minRetry)<<n, maxRetry)
}
