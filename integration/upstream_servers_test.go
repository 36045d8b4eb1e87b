package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// A switched upstream answers with an address of its own, or is silent.
type switched struct {
	silent atomic.Bool
	asked  atomic.Int32
	addr   string
}

func newSwitched(t *testing.T, last byte, rcode int) *switched {
	s := &switched{}
	s.addr = fakedns.Raw{UDP: func(q []byte, send func([]byte)) {
		if !strings.Contains(string(q), "example") { // a probe
			if !s.silent.Load() {
				send(fakedns.Good(q))
			}
			return
		}
		s.asked.Add(1)
		if s.silent.Load() {
			return
		}
		send(fakedns.With(q, func(m *dns.Msg) {
			m.Rcode = rcode
			m.Answer[0].(*dns.A).A = net.IPv4(192, 0, 2, last)
			if rcode != dns.RcodeSuccess {
				soa, _ := dns.NewRR("example. 600 SOA ns.example. mail.example. 1 2 3 4 600")
				m.Answer, m.Ns = nil, []dns.RR{soa}
			}
		}))
	}}.Listen(t)
	return s
}

// timed looks a name up and fails if that takes longer.
func timed(t *testing.T, s *server, name, want string, most time.Duration) {
	t.Helper()
	began := time.Now()
	r := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	m, _, err := (&dns.Client{Timeout: 6 * time.Second}).Exchange(r, s.addr(""))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	got := dns.RcodeToString[m.Rcode]
	for _, rr := range m.Answer {
		got += " " + rr.(*dns.A).A.String()
	}
	if took := time.Since(began); got != want || took > most {
		t.Errorf("%s: %s after %s; want %s within %s", name, got, took, want, most)
	}
}

// One of two upstreams dies and returns: a client waits for one retry at most.
func TestUpstreamDiesAndReturns(t *testing.T) {
	t.Parallel()
	a, b := newSwitched(t, 1, 0), newSwitched(t, 2, 0)
	s := behind(t, "health_check 200ms", a.addr, b.addr)
	timed(t, s, "a0.corp.example", "NOERROR 192.0.2.1", time.Second)
	a.silent.Store(true)
	timed(t, s, "a1.corp.example", "NOERROR 192.0.2.2", 2*time.Second)
	for i := range 50 {
		timed(t, s, fmt.Sprintf("b%d.corp.example", i), "NOERROR 192.0.2.2", 190*time.Millisecond)
	}
	s.logs("Upstream " + a.addr + " is down: no response for 4s")
	a.silent.Store(false)
	s.logs("Upstream " + a.addr + " responds again after ")
	timed(t, s, "c.corp.example", "NOERROR 192.0.2.1", time.Second)
}

// Two hubs and a provider that knows no name of the company.
func TestLyingProvider(t *testing.T) {
	t.Parallel()
	a, b, provider := newSwitched(t, 1, 0), newSwitched(t, 2, 0), newSwitched(t, 3, dns.RcodeNameError)
	s := prepare(t, `.:{$PORT} {
    bind 127.0.0.1
    privatelink {
        record vault.privatelink.blob.core.windows.net 10.20.0.4
    }
    lru 1000 {
        stale 1h
    }
    upstream . {$HUB1} {$HUB2} {
        fallback {$PROVIDER}
        private corp.example
        health_check 200ms
    }
}
other.example:{$PORT} {
    bind 127.0.0.1
    upstream . {$HUB1}
}
`)
	s.env["HUB1"], s.env["HUB2"], s.env["PROVIDER"] = a.addr, b.addr, provider.addr
	s.start()
	timed(t, s, "known.shop.example", "NOERROR 192.0.2.1", time.Second)
	if n := provider.asked.Load(); n != 0 {
		t.Errorf("%d queries at the provider while the hubs are up", n)
	}
	a.silent.Store(true)
	b.silent.Store(true)
	timed(t, s, "first.shop.example", "SERVFAIL", 5*time.Second)
	s.logs("All upstreams of . are down: the fallback resolvers are asked, except for private names")
	timed(t, s, "news.shop.example", "NXDOMAIN", time.Second)
	asked := provider.asked.Load()
	for _, private := range []string{
		"www.corp.example", "4.0.20.10.in-addr.arpa", "vm.internal", "someone.blob.core.windows.net", "none.privatelink.blob.core.windows.net",
	} {
		timed(t, s, private, "SERVFAIL", 2*time.Second)
	}
	timed(t, s, "a.other.example", "SERVFAIL", 5*time.Second)
	if n := provider.asked.Load(); n != asked {
		t.Errorf("%d private names are sent to the provider", n-asked)
	}
	timed(t, s, "known.shop.example", "NOERROR 192.0.2.1", time.Second)
	timed(t, s, "vault.privatelink.blob.core.windows.net", "NOERROR 10.20.0.4", time.Second)
	a.silent.Store(false)
	timed(t, s, "news.shop.example", "NOERROR 192.0.2.1", time.Second)
}

// DNS over TLS: the connections of the pool die without a sign, all at once, and each query
// needs one retry at most.
func TestDeadTLSConnections(t *testing.T) {
	t.Parallel()
	var dead atomic.Bool
	var connections atomic.Int32
	var mu sync.Mutex
	old := map[net.Conn]bool{}
	addr, ca := tlsUpstream(t, func(conn net.Conn) {
		connections.Add(1)
		mu.Lock()
		if !dead.Load() {
			old[conn] = true
		}
		mu.Unlock()
		fakedns.Messages(conn, func(q []byte) []byte {
			mu.Lock()
			defer mu.Unlock()
			if dead.Load() && old[conn] {
				return nil
			}
			return fakedns.Good(q)
		})
	})
	s := prepare(t, strings.NewReplacer("{$MORE}", "tls {$DIR}/ca.pem\n        tls_servername dns.example", "{$UPSTREAM}", "tls://"+addr).Replace(upstreamOnly))
	s.write("ca.pem", ca)
	s.start()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { timed(t, s, fmt.Sprintf("a%d.corp.example", i), "NOERROR 192.0.2.1", 4*time.Second) })
	}
	all.Wait()
	mu.Lock()
	dead.Store(true)
	mu.Unlock()
	before := connections.Load()
	connections.Store(0)
	for i := range 50 {
		all.Go(func() { timed(t, s, fmt.Sprintf("b%d.corp.example", i), "NOERROR 192.0.2.1", 4*time.Second) })
	}
	all.Wait()
	if n := connections.Load(); n > 8 {
		t.Errorf("%d fresh connections for 50 queries, after %d", n, before)
	}
}

// tlsUpstream listens with a certificate for dns.example and returns its CA.
func tlsUpstream(t *testing.T, serve func(conn net.Conn)) (addr, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"dns.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return l.Addr().String(), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
