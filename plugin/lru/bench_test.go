package lru

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	_ "github.com/coredns/coredns/plugin/cache"
	"github.com/miekg/dns"
)

// A discardWriter discards the responses.
type discardWriter struct{ writer }

func (*discardWriter) WriteMsg(*dns.Msg) error { return nil }

// benchCaches create a cache before a next plugin: lru, or the stock plugin cache whose
// success and denial parts both have the size.
var benchCaches = []struct {
	name string
	make func(b testing.TB, size int, next plugin.Handler) plugin.Handler
}{
	{"lru", func(_ testing.TB, size int, next plugin.Handler) plugin.Handler {
		return &LRU{Next: next, stale: time.Hour, prefetch: 10, store: newStore(size, time.Hour)}
	}},
	{"cache", func(b testing.TB, size int, next plugin.Handler) plugin.Handler {
		c := caddy.NewTestController("dns", fmt.Sprintf("cache {\nsuccess %d\ndenial %d\n}", size, size))
		c.ServerBlockKeys = []string{"."}
		setup, err := caddy.DirectiveAction("dns", "cache")
		if err == nil {
			err = setup(c)
		}
		if err != nil {
			b.Fatal(err)
		}
		return dnsserver.GetConfig(c).Plugin[0](next)
	}},
}

const (
	blobName     = "account.blob.core.windows.net."
	blobEndpoint = "blob.ams08prdstr05a.store.core.windows.net."
)

// benchHits are responses that are served from memory.
var benchHits = []struct{ name, qname, qtype, reply string }{
	{"A", "www.example.org.", "A", "NOERROR: www.example.org. 3600 A 192.0.2.1"},
	{"chain", blobName, "A", "NOERROR: " + blobName + " 3600 CNAME " + blobEndpoint + "; " + blobEndpoint + " 3600 A 192.0.2.1"},
	{"NODATA", "www.example.org.", "AAAA", "NOERROR: / example.org. 3600 SOA ns.example.org. host.example.org. 1 2 3 4 3600"},
	{"NXDOMAIN", "no.example.org.", "A", "NXDOMAIN: / example.org. 3600 SOA ns.example.org. host.example.org. 1 2 3 4 3600"},
}

// benchResponds returns a next plugin with one response.
func benchResponds(t testing.TB, text string) plugin.Handler {
	m := parseReply(t, text)
	return plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		return dns.RcodeSuccess, w.WriteMsg(responseTo(m, r))
	})
}

// A benchNames is a next plugin that has an A record for every name, at the end of a
// CNAME record if chained. If empty is not 0, it has a TXT record of that many empty
// strings instead. The records are decoded from the wire like those of an upstream.
type benchNames struct {
	asked   atomic.Int64
	chained bool
	empty   int
}

func (*benchNames) Name() string { return "names" }

func (n *benchNames) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	n.asked.Add(1)
	m, name := new(dns.Msg).SetReply(r), r.Question[0].Name
	if n.chained {
		target := strings.SplitN(name, ".", 2)[0] + ".store.core.windows.net."
		m.Answer = append(m.Answer, &dns.CNAME{Hdr: benchHeader(name, dns.TypeCNAME), Target: target})
		name = target
	}
	if n.empty > 0 {
		m.Answer = []dns.RR{&dns.TXT{Hdr: benchHeader(name, dns.TypeTXT), Txt: make([]string, n.empty)}}
	} else {
		m.Answer = append(m.Answer, &dns.A{Hdr: benchHeader(name, dns.TypeA), A: []byte{192, 0, 2, 1}})
	}
	wire, err := m.Pack()
	if err == nil {
		m = new(dns.Msg)
		err = m.Unpack(wire)
	}
	if err != nil {
		return dns.RcodeServerFailure, err
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

func benchHeader(name string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: 3600}
}

func benchQueries(n int, format string) []*dns.Msg {
	queries := make([]*dns.Msg, n)
	for i := range queries {
		queries[i] = query(fmt.Sprintf(format, i), "A")
	}
	return queries
}

// Sequential hits.
func BenchmarkHit(b *testing.B) {
	for _, h := range benchHits {
		for _, c := range benchCaches {
			b.Run(h.name+"/"+c.name, func(b *testing.B) {
				cache := c.make(b, 1024, benchResponds(b, h.reply))
				r, w, ctx := query(h.qname, h.qtype), &discardWriter{}, b.Context()
				b.ReportAllocs()
				for b.Loop() {
					if _, err := cache.ServeDNS(ctx, w, r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// Hits of 1,000 names on all processors.
func BenchmarkHitParallel(b *testing.B) {
	for _, c := range benchCaches {
		b.Run(c.name, func(b *testing.B) {
			cache, ctx := c.make(b, 65536, &benchNames{}), b.Context()
			for _, r := range benchQueries(1000, "name%d.example.org.") {
				_, _ = cache.ServeDNS(ctx, &discardWriter{}, r)
			}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				queries, w := benchQueries(1000, "name%d.example.org."), &discardWriter{}
				for i := 0; pb.Next(); i++ {
					_, _ = cache.ServeDNS(ctx, w, queries[i%len(queries)])
				}
			})
		})
	}
}

// Misses in a full cache: 1,024 entries, and 65,536 names in turn. The time includes the
// next plugin's work, which is the same for both caches.
func BenchmarkMiss(b *testing.B) {
	for _, clients := range []int{1, 100} {
		for _, c := range benchCaches {
			b.Run(fmt.Sprintf("%d clients/%s", clients, c.name), func(b *testing.B) {
				next := &benchNames{}
				cache, ctx := c.make(b, 1024, next), b.Context()
				queries := benchQueries(65536, "name%d.example.org.")
				for _, r := range queries[:8192] {
					_, _ = cache.ServeDNS(ctx, &discardWriter{}, r)
				}
				var turn atomic.Int64
				turn.Store(8192)
				ask := func() {
					r := queries[int(turn.Add(1))%len(queries)]
					_, _ = cache.ServeDNS(ctx, &discardWriter{}, r)
				}
				before := next.asked.Load()
				b.ReportAllocs()
				if clients == 1 {
					for b.Loop() {
						ask()
					}
				} else {
					b.SetParallelism(clients / runtime.GOMAXPROCS(0))
					b.ResetTimer()
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							ask()
						}
					})
				}
				b.ReportMetric(float64(next.asked.Load()-before)/float64(b.N), "upstream/op")
			})
		}
	}
}

// The memory for an answer of a CNAME and an A record, and for the largest one that an
// attacker can create: an empty string takes one octet on the wire and 16 in memory. The
// caches are larger than needed, because the 256 shards of plugin cache fill unevenly.
func BenchmarkMemory(b *testing.B) {
	for _, answer := range []struct {
		name, format, qtype string
		chained             bool
		empty               int
		entries             int64
	}{
		{"chain", "account%d.blob.core.windows.net.", "A", true, 0, 65536},
		{"largest", "n%04d.", "TXT", false, 1150, 256},
	} {
		for _, c := range benchCaches {
			b.Run(answer.name+"/"+c.name, func(b *testing.B) {
				var perEntry float64
				for b.Loop() {
					before, next := benchHeap(), &benchNames{chained: answer.chained, empty: answer.empty}
					cache := c.make(b, 16*int(answer.entries), next)
					for i := range answer.entries {
						_, _ = cache.ServeDNS(b.Context(), &discardWriter{}, query(fmt.Sprintf(answer.format, i), answer.qtype))
					}
					perEntry = float64(benchHeap()-before) / float64(answer.entries)
					_, _ = cache.ServeDNS(b.Context(), &discardWriter{}, query(fmt.Sprintf(answer.format, 0), answer.qtype))
					if got := next.asked.Load(); got != answer.entries {
						b.Fatalf("the next plugin was asked %d times; want %d", got, answer.entries)
					}
				}
				b.ReportMetric(perEntry, "bytes/entry")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func benchHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// The names of the rows list the allocations of a hit. No hit has more.
func TestHitAllocations(t *testing.T) {
	for _, tc := range []struct {
		name  string
		hit   int // index in benchHits
		upper bool
		edns  bool
		want  float64
	}{
		{"A: message, octets, answer, A", 0, false, false, 4},
		{"A, in upper case: message, octets, answer, A, lower-case name", 0, true, false, 5},
		{"A, EDNS: message, octets, answer, A", 0, false, true, 4},
		{"chain: message, octets, answer, CNAME, target, A", 1, false, false, 6},
		{"NODATA: message, octets, authority, SOA, three names, and one of the decoder", 2, false, false, 8},
		{"NXDOMAIN: message, octets, authority, SOA, three names, and one of the decoder", 3, false, false, 8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := benchHits[tc.hit]
			cache := benchCaches[0].make(t, 1024, benchResponds(t, h.reply))
			r, w, ctx := query(h.qname, h.qtype), &discardWriter{}, t.Context()
			if tc.upper {
				r.Question[0].Name = strings.ToUpper(h.qname)
			}
			if tc.edns {
				r.SetEdns0(1232, false)
			}
			_, _ = cache.ServeDNS(ctx, w, r)
			if got := testing.AllocsPerRun(100, func() { _, _ = cache.ServeDNS(ctx, w, r) }); got != tc.want {
				t.Errorf("%v allocations; want %v", got, tc.want)
			}
		})
	}
}
