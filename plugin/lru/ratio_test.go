package lru

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	random "github.com/coredns/coredns/plugin/pkg/cache"
	twoqueue "github.com/hashicorp/golang-lru/v2"
)

const (
	ratioSize  = 10240   // a multiple of 256, so that plugin cache has the same size
	ratioNames = 100_000 // with different popularity
	ratioWarm  = 60_000  // questions before the counted ones
	ratioCount = 140_000
	ratioStep  = 500 * time.Microsecond
)

// The share of questions for popular names that is answered from memory. All caches get
// the same sequence. In the second one each popular name is followed by a name that is
// never asked for again, like those of a scan, a crawler or a mail filter.
func BenchmarkHitRatio(b *testing.B) {
	for _, scan := range []bool{false, true} {
		pattern := map[bool]string{false: "Zipf", true: "Zipf and scan"}[scan]
		for _, c := range benchCaches {
			b.Run(pattern+"/"+c.name, func(b *testing.B) {
				benchRatio(b, scan, func() func(string, int) bool {
					next := &benchNames{}
					cache, w := c.make(b, ratioSize, next), &discardWriter{}
					return func(name string, _ int) bool {
						before := next.asked.Load()
						_, _ = cache.ServeDNS(b.Context(), w, query(name, "A"))
						return next.asked.Load() == before
					}
				})
			})
		}
		b.Run(pattern+"/2Q", func(b *testing.B) {
			benchRatio(b, scan, func() func(string, int) bool { return benchStores[2].make(ratioSize, time.Hour) })
		})
	}
}

// The same with scan, at the default size, with the TTL of Azure's storage names and at
// 2,000 questions per second. It uses the stores without the plugins, because the plugins
// have no simulated time.
func BenchmarkHitRatioDefault(b *testing.B) {
	for _, c := range benchStores {
		b.Run(c.name, func(b *testing.B) {
			benchRatio(b, true, func() func(string, int) bool { return c.make(defaultEntries, time.Minute) })
		})
	}
}

// benchStores create a store for records with a TTL. The returned function looks up a
// name at a time, in steps of 500 µs. It reports whether the store has an unexpired entry
// of the name, and adds a missing one.
var benchStores = []struct {
	name string
	make func(size int, ttl time.Duration) func(name string, at int) bool
}{
	{"lru", func(size int, ttl time.Duration) func(string, int) bool {
		s := newStore(size, time.Hour)
		return func(name string, at int) bool {
			k, now := storeKey(name), storeStart.Add(time.Duration(at)*ratioStep)
			if e := s.get(k); e != nil && e.fresh(now) {
				return true
			}
			s.add(storeEntry(k, positive, now, ttl))
			return false
		}
	}},
	{"random", func(size int, ttl time.Duration) func(string, int) bool {
		s, steps := random.New[int](size), int(ttl/ratioStep)
		return func(name string, at int) bool {
			k := random.Hash([]byte(name))
			if end, ok := s.Get(k); ok && at < end {
				return true
			}
			s.Add(k, at+steps)
			return false
		}
	}},
	{"2Q", func(size int, ttl time.Duration) func(string, int) bool {
		steps := int(ttl / ratioStep)
		s, err := twoqueue.New2Q[string, int](size)
		if err != nil {
			panic(err) // the size is above zero
		}
		return func(name string, at int) bool {
			if end, ok := s.Get(name); ok && at < end {
				return true
			}
			s.Add(name, at+steps)
			return false
		}
	}},
}

// benchRatio asks one sequence of names.
func benchRatio(b *testing.B, scan bool, start func() (ask func(name string, at int) bool)) {
	found := 0
	for b.Loop() {
		ask := start()
		zipf := rand.NewZipf(rand.New(rand.NewPCG(4, 4)), 1.01, 1, ratioNames-1)
		found = 0
		for i := range ratioWarm + ratioCount {
			hit := ask(fmt.Sprintf("name%d.example.org.", zipf.Uint64()), 2*i)
			if hit && i >= ratioWarm {
				found++
			}
			if scan {
				ask(fmt.Sprintf("once%d.example.org.", i), 2*i+1)
			}
		}
	}
	b.ReportMetric(100*float64(found)/ratioCount, "%hits")
	b.ReportMetric(0, "ns/op")
}
