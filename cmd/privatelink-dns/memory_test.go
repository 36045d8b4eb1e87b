package main

import (
	"runtime"
	"testing"
	"time"
)

func TestLimitFor(t *testing.T) {
	for _, tc := range []struct {
		name           string
		live, overhead uint64
		want           int64
	}{
		{"small process", 1 << 20, 8 << 20, leastLimit},
		{"100,000 records", 28 << 20, 10 << 20, leastLimit},
		{"and a full cache", 52 << 20, 14 << 20, (52<<20)*12/10 + 14<<20 + margin},
		{"a million records, with the gaps that a load leaves", 300 << 20, 90 << 20, (300<<20)*12/10 + 90<<20 + margin},
	} {
		if got := limitFor(tc.live, tc.overhead); got != tc.want {
			t.Errorf("%s: %d; want %d", tc.name, got, tc.want)
		}
	}
}

// Gaps between objects cannot be returned. They do not cause one collection after
// the other.
func TestRemainder(t *testing.T) {
	var rest remainder
	for _, tc := range []struct {
		name   string
		unused uint64
		want   bool
		left   remainder // after a return
	}{
		{"little garbage", 5 << 20, false, 0},
		{"after a load", 200 << 20, true, 80 << 20},
		{"the gaps stay", 81 << 20, false, 0},
		{"garbage beside the gaps", 93 << 20, true, 70 << 20},
		{"the gaps were filled", 10 << 20, false, 0},
		{"after the next load", 40 << 20, true, 4 << 20},
	} {
		if got := rest.worth(tc.unused); got != tc.want {
			t.Errorf("%s: worth(%d) = %v; want %v", tc.name, tc.unused, got, tc.want)
		} else if got {
			rest = tc.left
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
