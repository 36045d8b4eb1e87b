package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The memory that the process may use, beside the text of the program. The Go
// runtime lets garbage grow to the size of the live data, and while records are
// loaded, most of the data is live for a moment only. So the limit follows the live
// data more closely, but does not make a small process collect all the time.
const (
	leastLimit = 70 << 20
	margin     = 26 << 20 // for stacks, spans and the garbage of a second or two

	quiet    = 2 * time.Second // without a collection: nothing is being loaded
	returned = 12 << 20        // unused memory that is worth a return to the system
)

// limitMemory adjusts the limit after each collection, and returns memory after a
// load. A GOGC or GOMEMLIMIT of the user's has precedence. The ceiling is a limit
// that the process has from its cgroup.
func limitMemory() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	ceiling := debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(min(leastLimit, ceiling))
	collected := make(chan struct{}, 1)
	notifyCollections(collected)
	go func() {
		for range collected {
			debug.SetMemoryLimit(min(limitFor(read("/gc/heap/live:bytes")), ceiling))
			if !soon(collected) && unused() > returned {
				debug.FreeOSMemory()
			}
		}
	}()
}

// limitFor returns the limit for an amount of live data.
func limitFor(live uint64) int64 {
	return max(leastLimit, int64(min(live, math.MaxInt64/2))*13/10+margin) //nolint:gosec // G115: bounded
}

// soon reports whether there is another collection before it has been quiet.
func soon(collected chan struct{}) bool {
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	select {
	case <-collected:
		select {
		case collected <- struct{}{}: // for the loop
		default:
		}
		return true
	case <-timer.C:
		return false
	}
}

// notifyCollections sends after each collection, if there is room. The finalizer of
// an object that nothing refers to runs after each.
func notifyCollections(collected chan<- struct{}) {
	type sentinel struct{ _ [16]byte }
	var again func(*sentinel)
	again = func(s *sentinel) {
		select {
		case collected <- struct{}{}:
		default:
		}
		runtime.SetFinalizer(s, again)
	}
	runtime.SetFinalizer(&sentinel{}, again)
}

// unused returns the memory that the process has and does not need: free, or
// garbage that is not collected yet.
func unused() uint64 {
	objects, live := read("/memory/classes/heap/objects:bytes"), read("/gc/heap/live:bytes")
	return read("/memory/classes/heap/free:bytes") + read("/memory/classes/heap/unused:bytes") + objects - min(objects, live)
}

func read(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
