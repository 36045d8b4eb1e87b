package stream

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Replies are sent as they become ready, each once.
func TestOutOfOrder(t *testing.T) {
	for _, tc := range []struct{ name, asked, want string }{
		{"from memory", "memory 1, memory 2", "0s: a memory 1, 0s: a memory 2"},
		{"a slow one first", "2s 1, memory 2, 1s 3, memory 4", "0s: a memory 2, 0s: a memory 4, 1s: a 1s 3, 2s: a 2s 1"},
		{"the same message twice", "1s 1, 1s 1", "1s: a 1s 1, 1s: a 1s 1"},
		{"without text", ", memory", "0s: a, 0s: a memory"},
		{"a zone transfer between queries", "large 1, 1s 2", "0s: large, 1s: a 1s 2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, start := newWorld(t, roomy, usual), time.Now()
				c := w.dial("10.0.0.1")
				asked := strings.Split(tc.asked, ", ")
				go c.Write(framed(asked...))
				got := replies(t, c, start, len(asked))
				slices.Sort(got) // two at the same time have no order
				if text := strings.ReplaceAll(strings.Join(got, ", "), strings.Repeat("x", 60_000), "large"); text != tc.want {
					t.Errorf("%s; want %s", text, tc.want)
				}
				w.stop()
			})
		})
	}
}

// Each bound closes the connection at its time, and not before.
func TestTimes(t *testing.T) {
	long := strings.Repeat("l", 3000)
	for _, tc := range []struct {
		name, sent string // each part after so much time
		replies    int
		want       time.Duration
		reason     reason
	}{
		{"nothing is sent", "", 0, 10 * time.Second, idle},
		{"a query, then nothing", "memory", 1, 10 * time.Second, idle},
		{"a slow query, then nothing", "30s", 1, 40 * time.Second, idle},
		{"queries that keep it open", "memory 9s memory 9s memory", 3, 28 * time.Second, idle},
		{"one octet of a length", "_0", 0, 3 * time.Second, message},
		{"an incomplete message", "_0 2s _5 _m", 0, 3 * time.Second, message},
		{"an octet now and then", "_0 1s _9 1s _m 1s _e 1s _m", 0, 3 * time.Second, message},
		{"an incomplete message after a slow query", "5s _0", 1, 5 * time.Second, message},
		{"the second message incomplete", "memory 1s _0 1s _9", 1, 4 * time.Second, message},
		{"a long message", long, 1, 10 * time.Second, idle},
		{"messages without a reply", "silent 4s silent 4s silent 4s silent", 0, 10 * time.Second, idle},
		{"a message without a header", "memory 1s _0 _3 _a _b _c", 1, time.Second, malformed},
		{"a long message, then a short one", long + " memory", 2, 10 * time.Second, idle},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, start := newWorld(t, roomy, usual), time.Now()
				before := testutil.ToFloat64(closed[tc.reason])
				c := w.dial("10.0.0.1")
				var sending sync.WaitGroup
				sending.Go(func() { send(c, tc.sent) })
				replies(t, c, start, tc.replies)
				if got := closedAfter(t, c, start); got != tc.want {
					t.Errorf("closed after %v; want %v", got, tc.want)
				}
				sending.Wait()
				w.stop()
				if n := testutil.ToFloat64(closed[tc.reason]) - before; n != 1 {
					t.Errorf("%v connections were closed for the reason %d; want 1", n, tc.reason)
				}
			})
		})
	}
}

// send writes the parts of a script: "1s" waits, except as the first part, and "_x" is one
// octet, where a digit is its value. All else is a message.
func send(c net.Conn, script string) {
	for i, part := range strings.Fields(script) {
		octet, isOctet := strings.CutPrefix(part, "_")
		d, err := time.ParseDuration(part)
		switch {
		case isOctet && octet[0] <= '9':
			_, _ = c.Write([]byte{octet[0] - '0'})
		case isOctet:
			_, _ = c.Write([]byte(octet))
		case err == nil && i > 0:
			time.Sleep(d)
		default:
			_ = writeMessage(c, part)
		}
	}
}

// A client that reads slowly, but reads, gets a whole zone transfer.
func TestSlowTransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, roomy, usual)
		c := w.dial("10.0.0.1")
		ask(t, c, "large 20")
		for range 20 {
			time.Sleep(5 * time.Second)
			replies(t, c, time.Now(), 1)
			if n := w.pool.inUse(); n > 5*highWater {
				t.Fatalf("%d octets wait for the client; want %d at most", n, 5*highWater)
			}
		}
		w.stop()
	})
}

// The time of an incomplete message is the time that the server waits for it. While it
// waits for the client to read, or for replies, that time does not run.
func TestServerThatDoesNotRead(t *testing.T) {
	for _, tc := range []struct {
		name, asked string
		n           int
		pause       time.Duration
	}{
		{"many slow queries", "4s", 150, 0},
		{"a client that pauses", "memory large", 500, 8 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, start := newWorld(t, roomy, usual), time.Now()
			c := w.dial("10.0.0.1")
			var sending sync.WaitGroup
			sending.Go(func() {
				if _, err := c.Write(framed(slices.Repeat([]string{tc.asked}, tc.n)...)); err != nil {
					t.Errorf("%s: %v", tc.name, err)
				}
			})
			time.Sleep(tc.pause)
			replies(t, c, start, tc.n)
			last := time.Since(start)
			if got := closedAfter(t, c, start); got < last+usual.Idle {
				t.Errorf("%s: closed after %v, with the last reply after %v", tc.name, got, last)
			}
			sending.Wait()
			w.stop()
		})
	}
}

// A connection that the client has reset is closed, whatever queries are in progress.
func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, roomy, usual)
		c := w.dial("10.0.0.1")
		ask(t, c, "60s")
		ask(t, c, "RST")
		if got := w.closed(); got != "0" {
			t.Errorf("closed are %q; want the connection", got)
		}
		w.stop()
	})
}

// A client that has closed its side for writing gets its replies.
func TestHalfClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(t, roomy, usual), time.Now()
		c := w.dial("10.0.0.1")
		ask(t, c, "2s", "END")
		if got := replies(t, c, start, 1); got[0] != "2s: a 2s" {
			t.Errorf("the reply is %s", got[0])
		}
		if got := closedAfter(t, c, start); got != 2*time.Second {
			t.Errorf("closed after %v; want 2s", got)
		}
		w.stop()
	})
}

// No query beyond the bound is read until another one has its reply.
func TestInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, roomy, usual)
		c := w.dial("10.0.0.1")
		go func() {
			for range 2 * maxInProgress {
				ask(t, c, "1s "+strings.Repeat("x", 600)) // one message for each read
			}
		}()
		synctest.Wait()
		if n := w.backend.passed.Load(); n != maxInProgress {
			t.Errorf("%d queries are in progress; want %d", n, maxInProgress)
		}
		replies(t, c, time.Now(), 2*maxInProgress)
		w.stop()
	})
}

// After as many queries as the connection may have, it is closed.
func TestQueriesOfAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		times := usual
		times.Queries = 3
		w, start := newWorld(t, roomy, times), time.Now()
		c := w.dial("10.0.0.1")
		go send(c, "1s memory memory memory memory")
		replies(t, c, start, 3)
		if got := closedAfter(t, c, start); got != time.Second {
			t.Errorf("closed after %v; want 1s", got)
		}
		w.stop()
	})
}

// Whatever the octets of messages arrive in, and whichever instance answers, each message
// gets its own reply, once.
func TestRandomConnections(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			w := newWorld(t, roomy, usual)
			clients := make(chan string, 5)
			for i := range cap(clients) {
				script := rand.New(rand.NewPCG(seed, uint64(i)))
				c := w.dial("10.0.0.1")
				go func() { clients <- randomClient(c, script) }()
			}
			for range 5 {
				time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
				b, l := w.serve("a", usual)
				if err := w.lease.Close(0); err != nil {
					t.Error(err)
				}
				w.backend, w.lease = b, l
			}
			for range cap(clients) {
				if problem := <-clients; problem != "" {
					t.Errorf("seed %d: %s", seed, problem)
				}
			}
			w.stop()
		})
	}
}

// randomClient sends messages in parts of any length, and returns what is wrong with the
// replies.
func randomClient(c net.Conn, random *rand.Rand) string {
	defer c.Close()
	var asked, want []string
	for i := range 50 {
		m := fmt.Sprintf("memory %d", i)
		if random.IntN(2) == 0 {
			m = fmt.Sprintf("%dms %d %s", random.IntN(3000), i, strings.Repeat("x", random.IntN(10)*random.IntN(200)))
		}
		asked, want = append(asked, m), append(want, strings.TrimRight("a "+m, " "))
	}
	go func() {
		octets := framed(asked...)
		for len(octets) > 0 {
			n := min(1+random.IntN(700), len(octets))
			if _, err := c.Write(octets[:n]); err != nil {
				return
			}
			octets = octets[n:]
		}
	}()
	var got []string
	for range want {
		m, err := readMessage(c)
		if err != nil {
			return fmt.Sprintf("after %d replies: %v", len(got), err)
		}
		got = append(got, m)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		at := slices.IndexFunc(want, func(m string) bool { return !slices.Contains(got, m) })
		return fmt.Sprintf("the replies lack %.20q", want[max(0, at)])
	}
	return ""
}
