package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// A quota is the number of queries that Resource Graph has left for the identity, as
// its last response has it. The zero value waits for nothing.
type quota struct {
	mu    sync.Mutex
	left  int
	reset time.Time
}

// note reads the headers of a response.
func (q *quota) note(h http.Header) {
	left, err := strconv.Atoi(h.Get("x-ms-user-quota-remaining"))
	if err != nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.left, q.reset = left, time.Now().Add(clock(h.Get(resetsAfter)))
}

// resetsAfter is the header with the time until the quota is reset, hh:mm:ss.
const resetsAfter = "x-ms-user-quota-resets-after"

// wait waits until a query is left. A long wait is left to the syncer.
func (q *quota) wait(ctx context.Context) error {
	q.mu.Lock()
	left, wait := q.left, time.Until(q.reset)
	q.mu.Unlock()
	switch {
	case left > 0 || wait <= 0:
		return nil
	case wait > maxRetryDelay:
		return &source.RetryAfterError{Err: errors.New("the quota of queries is used up: the next sync asks again"), After: wait}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// clock returns the duration of a text hh:mm:ss, or 0.
func clock(text string) time.Duration {
	var h, m, s int
	if n, err := fmt.Sscanf(text, "%d:%d:%d", &h, &m, &s); n != 3 || err != nil || h < 0 || m < 0 || s < 0 || h > 24 {
		return 0
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
}
