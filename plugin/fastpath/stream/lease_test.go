package stream

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A reload closes no connection. The queries in progress are answered by the instance that
// has them, which ends after them.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(t, roomy, usual), time.Now()
		c := w.dial("10.0.0.1")
		ask(t, c, "3s 1")
		synctest.Wait()
		old, lease := w.backend, w.lease
		w.backend, w.lease = w.serve("b", usual)
		go func() {
			if err := lease.Close(0); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		ask(t, c, "memory 2")
		if got := replies(t, c, start, 1)[0]; got != "0s: b memory 2" {
			t.Error(got)
		}
		ask(t, c, "1s 3")
		synctest.Wait()
		if old.stopped.Load() {
			t.Error("the old instance has ended before its query")
		}
		for _, want := range []string{"1s: b 1s 3", "3s: a 3s 1"} {
			if got := replies(t, c, start, 1)[0]; got != want {
				t.Errorf("%s; want %s", got, want)
			}
		}
		synctest.Wait()
		if !old.stopped.Load() || w.backend.stopped.Load() {
			t.Error("the old instance has not ended, or the new one has")
		}
		w.stop()
	})
}

// In a reload that fails, the new instance ends first, and has answered nothing.
func TestFailedReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(t, roomy, usual), time.Now()
		c := w.dial("10.0.0.1")
		_, lease := w.serve("b", usual)
		ask(t, c, "memory 0")
		if got := replies(t, c, start, 1)[0]; got != "0s: a memory 0" {
			t.Error(got)
		}
		if err := lease.Close(0); err != nil {
			t.Error(err)
		}
		ask(t, c, "memory 1")
		if got := replies(t, c, start, 1)[0]; got != "0s: a memory 1" {
			t.Error(got)
		}
		w.stop()
	})
}

// The last instance answers what it has, closes the connections, and ends within five
// seconds.
func TestStop(t *testing.T) {
	for _, tc := range []struct {
		name, asked string
		want        string
		took        time.Duration
	}{
		{"an idle connection", "", "", queueTime},
		{"a query", "2s", "2s: a 2s", 2 * time.Second},
		{"a query that takes too long", "20s", "", stopTime},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, start := newWorld(t, roomy, usual), time.Now()
				c := w.dial("10.0.0.1")
				if tc.asked != "" {
					ask(t, c, tc.asked)
				}
				go func() {
					if tc.want != "" {
						if got := replies(t, c, start, 1)[0]; got != tc.want {
							t.Errorf("%s; want %s", got, tc.want)
						}
					}
					closedAfter(t, c, start)
				}()
				if err := w.lease.Close(0); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took != tc.took {
					t.Errorf("the end took %v; want %v", took, tc.took)
				}
				if w.listener.here.Load() || !w.backend.stopped.Load() {
					t.Error("connections come here still, or the backend has not ended")
				}
				w.backend.serving.Wait()
			})
		})
	}
}

// A client that connects as the last instance ends is served, or closed.
func TestConnectAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, roomy, usual)
		go w.stop()
		synctest.Wait() // the listener waits for the clients that the kernel has accepted
		c := w.dial("10.0.0.1")
		ask(t, c, "1s")
		if got := replies(t, c, time.Now(), 1)[0]; got != "1s: a 1s" {
			t.Error(got)
		}
	})
}

// A listener that cannot be steered is closed, and the next attempt is a new one.
func TestRefusedSteering(t *testing.T) {
	p, want := NewPool(roomy), errors.New("refused")
	for range 2 {
		l := &refusing{newListener(), want}
		if _, err := p.Serve("refused", &fakeBackend{}, func() (Listener, error) { return l, nil }); !errors.Is(err, want) {
			t.Errorf("Serve = %v; want %v", err, want)
		}
		if _, err := l.Accept(); err == nil {
			t.Error("the listener is open")
		}
	}
}

type refusing struct {
	*fakeListener
	err error
}

func (l *refusing) Steer(bool) error { return l.err }

// In a reload, the new instance may be a moment late. The old one goes on until then.
func TestLateInstance(t *testing.T) {
	for _, tc := range []struct {
		name string
		late time.Duration
		want string
		took time.Duration
	}{
		{"in time", 500 * time.Millisecond, "b memory", 500 * time.Millisecond},
		{"there already", 0, "b memory", 0},
		{"too late", time.Hour, "closed", time.Second + queueTime},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, start := newWorld(t, roomy, usual), time.Now()
				c := w.dial("10.0.0.1")
				synctest.Wait()
				lease := w.lease
				if tc.late < time.Minute {
					defer func() { w.stop() }()
				}
				next := time.AfterFunc(tc.late, func() { w.backend, w.lease = w.serve("b", usual) })
				defer next.Stop()
				synctest.Wait()
				if err := lease.Close(time.Second); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if took := time.Since(start); took != tc.took {
					t.Errorf("the end of the old instance took %v; want %v", took, tc.took)
				}
				got := "closed"
				if writeMessage(c, "memory") == nil {
					got = strings.Join(replies(t, c, time.Now(), 1), "")
				}
				if !strings.HasSuffix(got, tc.want) {
					t.Errorf("then: %s; want %s", got, tc.want)
				}
			})
		})
	}
}
