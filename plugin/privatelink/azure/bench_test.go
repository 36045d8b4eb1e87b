package azure

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// BenchmarkFetch syncs 2,000 endpoints from an ARM that takes 200 ms a page, at
// the start of the process and from then on. The work of the fake ARM is in the
// time and in the allocations.
func BenchmarkFetch(b *testing.B) {
	for _, size := range []int{100, 200} {
		b.Run(fmt.Sprintf("first, %d a page", size), func(b *testing.B) {
			arm, src := start(b, fakearm.Config{PageSize: size, Delay: 200 * time.Millisecond}, many(2000)...)
			b.ReportAllocs()
			for b.Loop() {
				fresh := &Source{Scope: Scope{Subscription: subscription}, Cloud: src.Cloud, Credential: identity{arm}, Options: src.Options}
				if _, err := fresh.Fetch(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("next, %d a page", size), func(b *testing.B) {
			_, src := start(b, fakearm.Config{PageSize: size, Delay: 200 * time.Millisecond}, many(2000)...)
			if _, err := src.Fetch(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := src.Fetch(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			var memory runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&memory)
			b.ReportMetric(float64(memory.HeapAlloc)/1e6, "MB-kept")
			runtime.KeepAlive(src)
		})
	}
}
