package integration

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// A flood of random names of four domains, at an upstream that takes 100 ms and then 1.5 s.
// Of 20 normal names per second none fails, and the time that they take is within twice
// the upstream's. Unbound, in the same run, is the reference for the flood.
func TestFloodBesideUnbound(t *testing.T) {
	for _, delay := range []time.Duration{100 * time.Millisecond, 1500 * time.Millisecond} {
		for _, places := range []int{200, 2048} {
			t.Run(fmt.Sprint(delay, " max_concurrent ", places), func(t *testing.T) {
				addr := fakedns.Raw{UDP: func(q []byte, send func([]byte)) { sendAfter(delay, send, fakedns.Good(q)) }}.Listen(t)
				ours := behind(t, fmt.Sprint("max_concurrent ", places), addr).flood(t, 3000)
				t.Logf("ours: %s", ours)
				if ours.failed > 0 || ours.slowest() > 2*delay+time.Second {
					t.Errorf("normal names: %s; want no failure, and about %s at most", ours, 2*delay)
				}
				if places == 200 {
					return
				}
				unbound := (&server{t: t, env: map[string]string{"PORT": port(unboundForwarder(t, addr))}}).flood(t, 3000)
				t.Logf("Unbound: %s", unbound)
				if ours.answered < unbound.answered*8/10 {
					t.Errorf("%d names of the flood are answered; Unbound answers %d", ours.answered, unbound.answered)
				}
			})
		}
	}
}

func port(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }

type flooded struct {
	sent, answered int // of the flood
	failed         int // of the normal names
	took           []time.Duration
}

// slowest returns the 99th percentile of the normal names.
func (f flooded) slowest() time.Duration {
	if len(f.took) == 0 {
		return 0
	}
	return f.took[len(f.took)*99/100]
}

func (f flooded) String() string {
	return fmt.Sprintf("%d of %d names of the flood answered; %d normal names answered, p99 %s, %d failed", f.answered, f.sent, len(f.took), f.slowest(), f.failed)
}

// flood sends random names for three seconds, and normal names beside them.
func (s *server) flood(t *testing.T, rate int) (f flooded) {
	const length = 3 * time.Second
	conn, err := net.Dial("udp", s.addr(""))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var answered atomic.Int32
	go func() {
		buf := make([]byte, 1500)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			if n > 3 && buf[3]&0xf == 0 {
				answered.Add(1)
			}
		}
	}()
	var mu sync.Mutex
	var all sync.WaitGroup
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	began, normal := time.Now(), 0
	for now := range tick.C {
		for want := int(min(now.Sub(began), length).Seconds() * float64(rate)); f.sent < want; f.sent++ {
			r := new(dns.Msg).SetQuestion(fmt.Sprintf("n%d-%d.flood%d.example.", began.UnixNano(), f.sent, f.sent%4), dns.TypeA)
			if wire, err := r.Pack(); err == nil {
				conn.Write(wire) //nolint:errcheck // a flood has losses
			}
		}
		if now.Sub(began) > length {
			break
		}
		for ; normal < int(now.Sub(began)/(50*time.Millisecond)); normal++ {
			number := normal
			all.Go(func() {
				start := time.Now()
				r := new(dns.Msg).SetQuestion(fmt.Sprintf("www.n%d-%d.org.", began.UnixNano(), number), dns.TypeA)
				m, _, err := (&dns.Client{Timeout: 6 * time.Second}).Exchange(r, s.addr(""))
				if err != nil { // a datagram was lost on a busy machine
					start = time.Now()
					m, _, err = (&dns.Client{Timeout: 6 * time.Second}).Exchange(r, s.addr(""))
				}
				mu.Lock()
				defer mu.Unlock()
				if err != nil || m.Rcode != dns.RcodeSuccess {
					f.failed++
				} else {
					f.took = append(f.took, time.Since(start))
				}
			})
		}
	}
	all.Wait()
	slices.Sort(f.took)
	f.answered = int(answered.Load())
	return f
}
