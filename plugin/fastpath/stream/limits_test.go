package stream

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// inUse returns the octets of all connections.
func (p *Pool) inUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memory
}

// closed returns the connections that are closed, in the order of dial.
func (w *world) closed() string {
	synctest.Wait()
	var all []string
	for i, p := range w.pipes {
		if p.closed.Load() {
			all = append(all, fmt.Sprint(i))
		}
	}
	return strings.Join(all, " ")
}

// At a limit, the connection that has waited longest for its client is closed. One with a
// query in progress never is.
func TestLimits(t *testing.T) {
	limits := Limits{Connections: 4, PerNetwork: 2, Memory: 1 << 20}
	for _, tc := range []struct {
		name, clients string // "ADDRESS QUERY", a second apart; an empty QUERY is not sent
		want          string // the clients that are closed, in the order of clients
	}{
		{"below the limits", "10.0.0.1 , 10.0.0.2 , 10.0.1.1 , 10.0.1.2 ", ""},
		{"a third one of a network", "10.0.0.1 , 10.0.0.2 , 10.0.0.3 ", "0"},
		{"the first one has asked since", "10.0.0.1 memory, 10.0.0.2 , 10.0.0.3 ", "0"},
		{"the first one waits for a reply", "10.0.0.1 60s, 10.0.0.2 , 10.0.0.3 ", "1"},
		{"all wait for replies", "10.0.0.1 60s, 10.0.0.2 60s, 10.0.0.3 ", "2"},
		{"a fifth one of all", "10.0.0.1 , 10.0.1.1 , 10.0.2.1 , 10.0.3.1 , 10.0.4.1 ", "0"},
		{"a fifth one, the first ones are busy", "10.0.0.1 60s, 10.0.1.1 60s, 10.0.2.1 , 10.0.3.1 , 10.0.4.1 ", "2"},
		{"other networks are not touched", "10.0.1.1 , 10.0.0.1 , 10.0.0.2 , 10.0.0.3 , 10.0.0.4 ", "1 2"},
		{"IPv6", "fd00::1 , fd00::2 , fd00:0:0:ff::3 , fd00:0:0:100::1 ", "0"},
		{"a client that does not read", "10.0.0.1 0s, 10.0.0.2 60s, 10.0.0.3 ", "0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, limits, Times{Idle: time.Hour, Message: time.Hour, Write: time.Hour})
				for _, client := range strings.Split(tc.clients, ", ") {
					from, query, _ := strings.Cut(client, " ")
					c := w.dial(from)
					if query != "" {
						ask(t, c, query)
					}
					if query == "memory" {
						replies(t, c, time.Now(), 1)
					}
					time.Sleep(time.Second)
				}
				if got := w.closed(); got != tc.want {
					t.Errorf("closed are %q; want %q", got, tc.want)
				}
				w.stop()
			})
		})
	}
}

// Clients that do not read hold no place, whatever queries they have in progress.
func TestBusyClientsThatDoNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{Connections: 4, PerNetwork: 2, Memory: 1 << 20}, usual)
		for range 2 {
			if _, err := w.dial("10.0.0.1").Write(framed("60s", "memory")); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		}
		c := w.dial("10.0.0.2")
		ask(t, c, "memory")
		if got := replies(t, c, time.Now(), 1); got[0] != "0s: a memory" || w.closed() != "0" {
			t.Errorf("%s, and closed are %q; want the first one", got[0], w.closed())
		}
		w.stop()
	})
}

// The more connections are open, the less a connection may be idle.
func TestIdle(t *testing.T) {
	for _, tc := range []struct {
		open int
		want time.Duration
	}{{0, 10 * time.Second}, {1, 10 * time.Second}, {50, 10 * time.Second}, {75, 5500 * time.Millisecond}, {100, time.Second}} {
		p := NewPool(Limits{Connections: 100})
		p.open = tc.open
		if got := p.Idle(10 * time.Second); got != tc.want {
			t.Errorf("%d open: %v; want %v", tc.open, got, tc.want)
		}
	}
}

// Without file descriptors, accepting goes on, and makes room.
func TestNoDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, roomy, usual)
		first, second := w.dial("10.0.0.1"), w.dial("10.0.0.2")
		ask(t, second, "60s")
		w.listener.failures <- syscall.EMFILE
		time.Sleep(retryTime)
		if got := w.closed(); got != "0" {
			t.Errorf("closed are %q; want the first one", got)
		}
		w.listener.failures <- syscall.ECONNABORTED
		time.Sleep(retryTime)
		third := w.dial("10.0.0.3")
		ask(t, third, "memory")
		replies(t, third, time.Now(), 1)
		for _, c := range []net.Conn{first, second, third} {
			c.Close()
		}
		w.stop()
	})
}
