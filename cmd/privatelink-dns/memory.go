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
	margin     = 12 << 20 // for the garbage of a second or two

	quiet    = 2 * time.Second // without a collection: nothing is being loaded
	returned = 6 << 20         // unused memory that is worth a return to the system
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
		var rest remainder
		for range collected {
			debug.SetMemoryLimit(min(limitFor(read("/gc/heap/live:bytes"), overhead()), ceiling))
			if !soon(collected) && rest.worth(unused()) {
				runtime.GC() // which empties the pools, whose buffers the next one frees
				debug.FreeOSMemory()
				rest = remainder(gaps()) // without the garbage that has appeared since
			}
		}
	}()
}

// limitFor returns the limit for an amount of live data and of memory that a
// collection does not free. The runtime counts both towards the limit. With a limit
// below their sum, it would collect without end.
func limitFor(live, overhead uint64) int64 {
	const most = math.MaxInt64 / 4
	return max(leastLimit, int64(min(live, most))*12/10+int64(min(overhead, most))+margin) //nolint:gosec // G115: bounded
}

// overhead returns the memory of the runtime that is neither data nor free: stacks,
// its own tables, and the gaps between objects. A load leaves many gaps.
func overhead() uint64 {
	all := read("/memory/classes/total:bytes")
	for _, part := range []string{"heap/released", "heap/free", "heap/objects"} {
		all -= min(all, read("/memory/classes/"+part+":bytes"))
	}
	return all
}

// A remainder is the unused memory that cannot be returned to the system: the gaps
// between objects. Each return collects garbage, so one that returns nothing
// would cause the next one.
type remainder uint64

// worth reports whether enough of the unused memory can be returned.
func (r *remainder) worth(unused uint64) bool {
	*r = min(*r, remainder(unused))
	return unused > uint64(*r)+returned
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
	return read("/memory/classes/heap/free:bytes") + gaps() + objects - min(objects, live)
}

// gaps returns the unused memory between objects.
func gaps() uint64 { return read("/memory/classes/heap/unused:bytes") }

func read(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
