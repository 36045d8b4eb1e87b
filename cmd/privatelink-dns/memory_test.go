package main

import (
	"runtime"
	"testing"
	"time"
)

func TestLimitFor(t *testing.T) {
	for _, tc := range []struct {
		name string
		live uint64
		want int64
	}{
		{"small process", 1 << 20, leastLimit},
		{"100,000 records", 32 << 20, leastLimit},
		{"and a full cache", 52 << 20, (52<<20)*13/10 + margin},
		{"a million records", 400 << 20, (400<<20)*13/10 + margin},
	} {
		if got := limitFor(tc.live); got != tc.want {
			t.Errorf("%s: %d; want %d", tc.name, got, tc.want)
		}
	}
}

func TestNotifyCollections(t *testing.T) {
	collected := make(chan struct{}, 1)
	notifyCollections(collected)
	for range 3 { // the sentinel lives on
		runtime.GC()
		select {
		case <-collected:
		case <-time.After(10 * time.Second):
			t.Fatal("a collection is not reported")
		}
	}
}
