package lru

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// After a correction of forward the answers of the wrong upstream are not served.
func TestReloadWithOtherUpstream(t *testing.T) {
	wrong, _ := countingUpstream(t)
	right, asked := countingUpstream(t)
	instance, err := caddy.Start(input("lru\nforward . " + wrong))
	if err != nil {
		t.Fatal(err)
	}
	resolve(t, instance, "www.example.")
	if instance, err = instance.Restart(input("lru\nforward . " + right)); err != nil {
		t.Fatal(err)
	}
	resolve(t, instance, "www.example.")
	if asked.Load() != 1 {
		t.Errorf("the right upstream got %d queries; want 1", asked.Load())
	}
	stop(t, instance)
}

// After failed and successful reloads there is one store, and the gauge is the number of
// its entries.
func TestEntriesAfterReloads(t *testing.T) {
	addr, _ := countingUpstream(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	before := testutil.ToFloat64(entriesGauge)
	same, other := "lru 100\nforward . "+addr, "lru 200\nforward . "+addr
	instance, err := caddy.Start(input(same))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 150 {
		resolve(t, instance, fmt.Sprintf("n%d.example.", i%10))
		next := input([]string{same, other}[i/10%2]).(caddy.CaddyfileInput)
		if i%3 > 0 { // the port is in use
			next.Contents = []byte(strings.Replace(string(next.Contents), ":0", ":"+port, 1))
		}
		after, err := instance.Restart(next)
		if (err != nil) != (i%3 > 0) {
			t.Fatalf("reload %d: %v", i, err)
		}
		instance = after
		if got, want := entriesInUse(t), testutil.ToFloat64(entriesGauge)-before; float64(got) != want {
			t.Fatalf("after reload %d: %d entries, the gauge counts %v", i, got, want)
		}
	}
	resolve(t, instance, "www.example.")
	stop(t, instance)
	if got := testutil.ToFloat64(entriesGauge) - before; got != 0 {
		t.Errorf("the gauge counts %v entries after the end; want 0", got)
	}
}

// entriesInUse returns the number of entries of the only store.
func entriesInUse(t *testing.T) int {
	storesMu.Lock()
	defer storesMu.Unlock()
	if len(stores) != 1 {
		t.Fatalf("%d stores; want 1", len(stores))
	}
	for _, s := range stores {
		if s.users != 1 {
			t.Fatalf("%d users of the store; want 1", s.users)
		}
		return s.len()
	}
	return 0
}

// The end of an instance does not wait for flights. A flight that ends later does not
// store its failure, because the next instance may use the store.
func TestFlightsAfterShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.timesOut(3 * time.Second)
		l := newLRU(u, 10)
		go func() { _, _ = l.ServeDNS(t.Context(), &writer{}, query("www.example.", "A")) }()
		synctest.Wait()
		began := time.Now()
		l.flights.stop()
		if got := show(ask(t, l, query("other.example.", "A"))); got != "SERVFAIL:" || u.asked.Load() != 1 {
			t.Errorf("a question after the end: %s, %d queries upstream; want SERVFAIL and 1", got, u.asked.Load())
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("the end takes %s", d)
		}
		l.flights.wait()
		if n := l.store.len(); n != 0 {
			t.Errorf("%d entries; want none", n)
		}
	})
}

func resolve(t *testing.T, instance *caddy.Instance, name string) {
	t.Helper()
	m, err := dns.Exchange(query(name, "A"), instance.Servers()[0].LocalAddr().String())
	if err != nil || len(m.Answer) != 1 {
		t.Fatalf("%s: %v, %v", name, m, err)
	}
	// Caddy does not stop a server that does not read yet.
	if _, _, err := (&dns.Client{Net: "tcp"}).Exchange(query(name, "A"), instance.Servers()[0].Addr().String()); err != nil {
		t.Fatal(err)
	}
}

func stop(t *testing.T, instance *caddy.Instance) {
	t.Helper()
	if err := errors.Join(append(instance.ShutdownCallbacks(), instance.Stop())...); err != nil {
		t.Error(err)
	}
}
