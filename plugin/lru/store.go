package lru

import (
	"container/heap"
	"sync"
	"time"
)

// A store holds at most its size of entries: those used last. One that nobody
// may have any more makes room before one that was only used longer ago. It is
// one list under one lock: pieces of it would each evict on their own, and what
// was used last would not be what stays.
type store struct {
	size  int
	stale time.Duration // entries are of use that long after their time

	mu      sync.Mutex
	entries index
	expiry  byEnd // the entry that ends first is at 0
}

func newStore(size int, stale time.Duration) *store {
	return &store{size: size, stale: stale, entries: newIndex(), expiry: byEnd{stale: stale}}
}

// get returns the entry of a key, fresh or not, and makes it the last used one.
func (s *store) get(k key) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries.find(k)
	if e == nil {
		return nil
	}
	s.entries.use(e)
	e.hits.Add(1)
	return e
}

// peek returns the entry of a key and leaves it as long unused as it is.
func (s *store) peek(k key) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries.find(k)
}

// add puts an entry in the place of the key's old one.
func (s *store) add(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(s.entries.places[s.entries.hash(e.key)])
	if s.entries.len() == s.size {
		s.makeRoomLocked(e.stored)
	}
	s.entries.put(e)
	heap.Push(&s.expiry, e)
	entriesGauge.Inc()
}

// remove drops the entry of a key, if there is one.
func (s *store) remove(k key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(s.entries.find(k))
}

func (s *store) makeRoomLocked(now time.Time) {
	if first := s.expiry.entries[0]; !s.expiry.end(first).After(now) {
		s.dropLocked(first)
		return
	}
	s.dropLocked(s.entries.oldest)
	evictions.Inc()
}

func (s *store) dropLocked(e *entry) {
	if e == nil {
		return
	}
	s.entries.remove(e)
	heap.Remove(&s.expiry, int(e.index))
	entriesGauge.Dec()
}

func (s *store) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries.len()
}

// purge empties a store that nobody uses any more.
func (s *store) purge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.entries.oldest != nil {
		s.dropLocked(s.entries.oldest)
	}
}

// byEnd is a heap of entries, the one that is of no more use first at its head.
type byEnd struct {
	stale   time.Duration
	entries []*entry
}

func (h *byEnd) end(e *entry) time.Time {
	if e.kind == positive {
		return e.stored.Add(e.life + h.stale)
	}
	return e.stored.Add(e.life)
}

func (h *byEnd) Len() int           { return len(h.entries) }
func (h *byEnd) Less(i, j int) bool { return h.end(h.entries[i]).Before(h.end(h.entries[j])) }
func (h *byEnd) Swap(i, j int) {
	h.entries[i], h.entries[j] = h.entries[j], h.entries[i]
	h.entries[i].index, h.entries[j].index = int32(i), int32(j) //nolint:gosec // G115: at most maxEntries
}

// Push implements heap.Interface.
func (h *byEnd) Push(x any) {
	e := x.(*entry)
	e.index = int32(len(h.entries)) //nolint:gosec // G115: at most maxEntries
	h.entries = append(h.entries, e)
}

// Pop implements heap.Interface.
func (h *byEnd) Pop() any {
	last := h.entries[len(h.entries)-1]
	h.entries[len(h.entries)-1] = nil
	h.entries = h.entries[:len(h.entries)-1]
	return last
}
