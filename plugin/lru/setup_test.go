package lru

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/forward"
	"github.com/miekg/dns"
)

func TestMain(m *testing.M) {
	dnsserver.Quiet, caddy.Quiet = true, true
	if err := dnsserver.SetDirectives([]string{"bind", "lru", "forward"}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestParse(t *testing.T) {
	for _, tc := range []struct{ name, corefile, want string }{
		{"defaults", "lru", "{65536 1h0m0s 10}"},
		{"entries", "lru 1000", "{1000 1h0m0s 10}"},
		{"properties", "lru 1 {\nstale 30m\nprefetch 20\n}", "{1 30m0s 20}"},
		{"off", "lru {\nstale 0s\nprefetch 0\n}", "{65536 0s 0}"},
		{"no entries", "lru 0", "Testfile:1 - Error during parsing: lru: 0 is below the minimum of 1"},
		{"too many entries", "lru 100000000", "Testfile:1 - Error during parsing: lru: 100000000 is above the maximum of 16777216"},
		{"entries is no number", "lru 10k", `Testfile:1 - Error during parsing: lru: "10k" is not a number`},
		{"two values", "lru 1 2", "Testfile:1 - Error during parsing: lru: 2 values, the syntax is: lru [ENTRIES]"},
		{"twice", "lru\nlru", "Testfile:2 - Error during parsing: lru: specified more than once in a server block"},
		{"unknown property", "lru {\nttl 5\n}", "Testfile:2 - Error during parsing: ttl: unknown property, the known ones are prefetch, stale"},
		{"property twice", "lru {\nstale 1h\nstale 2h\n}", "Testfile:3 - Error during parsing: stale: specified more than once"},
		{"stale without value", "lru {\nstale\n}", "Testfile:2 - Error during parsing: stale: no value, one is expected"},
		{"stale is no duration", "lru {\nstale 60\n}", `Testfile:2 - Error during parsing: stale: "60" is not a duration, such as 30m or 1h`},
		{"stale below 0", "lru {\nstale -1h\n}", "Testfile:2 - Error during parsing: stale: -1h is below the minimum of 0s"},
		{"stale above a day", "lru {\nstale 48h\n}", "Testfile:2 - Error during parsing: stale: 48h is above the maximum of 24h"},
		{"prefetch is no number", "lru {\nprefetch 10%\n}", `Testfile:2 - Error during parsing: prefetch: "10%" is not a number`},
		{"prefetch above 90", "lru {\nprefetch 100\n}", "Testfile:2 - Error during parsing: prefetch: 100 is above the maximum of 90"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, err := parse(caddy.NewTestController("dns", tc.corefile))
			got := fmt.Sprintf("{%d %s %d}", cfg.entries, cfg.stale, cfg.prefetch)
			if err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}

// countingUpstream starts an upstream on the network and counts its queries.
func countingUpstream(t *testing.T) (addr string, asked *atomic.Int32) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int32)
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		asked.Add(1)
		_ = w.WriteMsg(responseTo(parseReply(t, "NOERROR: "+r.Question[0].Name+" 100 A 192.0.2.1"), r))
	})}
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String(), asked
}

func input(corefile string) caddy.Input {
	return caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(".:0 {\nbind 127.0.0.1\n" + corefile + "\n}"), ServerTypeName: "dns"}
}

// startServer starts a server with these directives and returns its addresses.
func startServer(t *testing.T, corefile string) (addr map[string]string) {
	t.Helper()
	instance, err := caddy.Start(input(corefile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(append(instance.ShutdownCallbacks(), instance.Stop())...); err != nil {
			t.Error(err)
		}
	})
	s := instance.Servers()[0]
	return map[string]string{"udp": s.LocalAddr().String(), "tcp": s.Addr().String()}
}

// Two server blocks for the same zone have separate caches, because their upstreams
// differ.
func TestServerBlocksShareNothing(t *testing.T) {
	first, askedFirst := countingUpstream(t)
	second, askedSecond := countingUpstream(t)
	text := ".:0 {\nbind 127.0.0.1\nlru 100\nforward . " + first + "\n}\n.:0 {\nbind 127.0.0.2\nlru 100\nforward . " + second + "\n}"
	instance, err := caddy.Start(caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(text), ServerTypeName: "dns"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range instance.Servers() {
		if _, err := dns.Exchange(query("www.example.", "A"), s.LocalAddr().String()); err != nil {
			t.Fatal(err)
		}
	}
	if askedFirst.Load() != 1 || askedSecond.Load() != 1 {
		t.Errorf("%d and %d queries upstream; want one each", askedFirst.Load(), askedSecond.Load())
	}
	if err := errors.Join(append(instance.ShutdownCallbacks(), instance.Stop())...); err != nil {
		t.Error(err)
	}
}

// A reload keeps the entries while the directive and the plugins after it are
// unchanged. An instance that ends without a successor leaves no store.
func TestReload(t *testing.T) {
	addr, asked := countingUpstream(t)
	instance, err := caddy.Start(input("lru 100\nforward . " + addr))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name, corefile string
		queries        int32 // upstream, so far
	}{
		{"first", "", 1},
		{"same directives", "lru 100\nforward . " + addr, 1},
		{"comment", "lru 100\n# the upstream\nforward . " + addr, 1},
		{"forward changed", "lru 100\nforward . " + addr + " {\nmax_fails 3\n}", 2},
		{"same again", "lru 100\nforward . " + addr + " {\nmax_fails 3\n}", 2},
		{"other entries", "lru 200\nforward . " + addr + " {\nmax_fails 3\n}", 3},
	} {
		if step.corefile != "" {
			if instance, err = instance.Restart(input(step.corefile)); err != nil {
				t.Fatal(err)
			}
		}
		m, err := dns.Exchange(query("www.example.", "A"), instance.Servers()[0].LocalAddr().String())
		if err != nil || len(m.Answer) != 1 {
			t.Fatalf("%s: %v, %v", step.name, m, err)
		}
		if n := asked.Load(); n != step.queries {
			t.Errorf("%s: %d queries upstream so far; want %d", step.name, n, step.queries)
		}
	}
	if err := errors.Join(append(instance.ShutdownCallbacks(), instance.Stop())...); err != nil {
		t.Error(err)
	}
	storesMu.Lock()
	defer storesMu.Unlock()
	if len(stores) != 0 {
		t.Errorf("%d stores are left", len(stores))
	}
}
