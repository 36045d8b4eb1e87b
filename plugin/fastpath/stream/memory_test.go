package stream

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// A client that does not read is closed. Its memory stays within the bound.
func TestSlowReaders(t *testing.T) {
	for _, tc := range []struct {
		name, asked string
		limit       int
		want        time.Duration
		reason      reason
	}{
		{"a reply from memory", "memory", 1 << 20, 10 * time.Second, slow},
		{"a reply of the server", "0s", 1 << 20, 10 * time.Second, slow},
		{"a late reply", "20s", 1 << 20, 30 * time.Second, slow},
		{"a zone transfer", "large 1000", 1 << 20, 10 * time.Second, slow},
		{"many large replies", strings.Repeat("soon 1, ", 30), 1 << 20, 0, memory},
		{"many replies from memory", strings.Repeat("memory large, ", 30), 1 << 20, 10 * time.Second, slow},
		{"several of them", strings.Repeat("large 1, ", 10), 1 << 20, 10 * time.Second, slow},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limits := roomy
				limits.Memory = tc.limit
				w := newWorld(t, limits, usual)
				before := testutil.ToFloat64(closed[tc.reason])
				c := w.dial("10.0.0.1")
				if _, err := c.Write(framed(strings.Split(tc.asked, ", ")...)); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				time.Sleep(tc.want - min(tc.want, time.Millisecond))
				synctest.Wait()
				if n := w.pool.inUse(); n > tc.limit {
					t.Errorf("%d octets are reserved; want %d at most", n, tc.limit)
				}
				if tc.want > 0 && testutil.ToFloat64(closed[tc.reason]) != before {
					t.Error("closed too early")
				}
				time.Sleep(2 * time.Millisecond)
				synctest.Wait()
				if n := testutil.ToFloat64(closed[tc.reason]) - before; n != 1 {
					t.Errorf("%v connections were closed for the reason; want 1", n)
				}
				w.stop()
			})
		})
	}
}

// The memory of one connection is bounded, however many queries it sends ahead, and the
// server does not answer more than the client reads.
func TestMemoryOfAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, roomy, usual)
		c := w.dial("10.0.0.1")
		go func() {
			_, _ = c.Write(framed(slices.Repeat([]string{"memory large"}, 2000)...))
		}()
		synctest.Wait()
		if n := w.pool.inUse(); n > 2*writeSize {
			t.Errorf("%d octets of replies are in memory; want %d at most", n, 2*writeSize)
		}
		replies(t, c, time.Now(), 2000)
		w.stop()
	})
}

// If all connections need too much memory, the one with the most is closed, and a client
// that reads gets its reply.
func TestWhoIsClosedForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := roomy
		limits.Memory = 200_000
		w := newWorld(t, limits, usual)
		for range 3 {
			if _, err := w.dial("10.0.0.1").Write(framed("large 1", "large 1")); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		good, start := w.dial("10.0.0.2"), time.Now()
		ask(t, good, "1s")
		if got := replies(t, good, start, 1); got[0] != "1s: a 1s" {
			t.Errorf("the reply is %s", got)
		}
		if got := w.closed(); len(strings.Fields(got)) != 2 || strings.Contains(got, "3") {
			t.Errorf("closed are %s; want two of those that do not read", got)
		}
		w.stop()
	})
}

// Long messages in the server are bounded, also those of connections that are closed. The
// usual ones are passed on.
func TestLongMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := roomy
		limits.Memory = 10 * unpacked * 3000
		w := newWorld(t, limits, usual)
		for range 20 {
			c := w.dial("10.0.0.1")
			ask(t, c, "30s "+strings.Repeat("x", 2900))
			c.Close()
		}
		synctest.Wait()
		if n := w.backend.passed.Load(); n != 10 {
			t.Errorf("%d long messages are in the server; want 10", n)
		}
		good, start := w.dial("10.0.0.2"), time.Now()
		ask(t, good, "1s")
		if got := replies(t, good, start, 1); got[0] != "1s: a 1s" {
			t.Errorf("the reply is %s", got)
		}
		time.Sleep(time.Minute)
		last := w.dial("10.0.0.3")
		ask(t, last, "1s "+strings.Repeat("x", 2900))
		replies(t, last, start, 1)
		w.stop()
	})
}
