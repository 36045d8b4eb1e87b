package lru

import (
	"container/heap"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// A store holds at most its size of entries: those used last. One that nobody
// may have any more makes room before one that was only used longer ago. It is
// one list under one lock: pieces of it would each evict on their own, and what
// was used last would not be what stays.
type store struct {
	size  int
	stale time.Duration // entries are of use that long after their time

	mu      sync.Mutex
	entries *simplelru.LRU[key, *entry]
	expiry  byEnd // the entry that ends first is at 0
}

func newStore(size int, stale time.Duration) *store {
	s := &store{size: size, stale: stale}
	// The size is above zero, which is all that can be wrong.
	s.entries, _ = simplelru.NewLRU(size, func(_ key, e *entry) {
		heap.Remove(&s.expiry, e.index)
		entriesGauge.Dec()
	})
	s.expiry.stale = stale
	return s
}

// get returns the entry of a key, fresh or not, and makes it the last used one.
func (s *store) get(k key) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries.Get(k)
	if !ok {
		return nil
	}
	e.hits.Add(1)
	return e
}

// peek returns the entry of a key and leaves it as long unused as it is.
func (s *store) peek(k key) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, _ := s.entries.Peek(k)
	return e
}

// add puts an entry in the place of the key's old one.
func (s *store) add(k key, e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries.Remove(k); s.entries.Len() == s.size {
		s.makeRoom(e.stored)
	}
	s.entries.Add(k, e)
	heap.Push(&s.expiry, e)
	entriesGauge.Inc()
}

// remove drops the entry of a key, if there is one.
func (s *store) remove(k key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries.Remove(k)
}

func (s *store) makeRoom(now time.Time) {
	if first := s.expiry.entries[0]; !s.expiry.end(first).After(now) {
		s.entries.Remove(first.key)
		return
	}
	s.entries.RemoveOldest()
	evictions.Inc()
}

func (s *store) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries.Len()
}

// purge empties a store that nobody uses any more.
func (s *store) purge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries.Purge()
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
	h.entries[i].index, h.entries[j].index = i, j
}

// Push implements heap.Interface.
func (h *byEnd) Push(x any) {
	e := x.(*entry)
	e.index = len(h.entries)
	h.entries = append(h.entries, e)
}

// Pop implements heap.Interface.
func (h *byEnd) Pop() any {
	last := h.entries[len(h.entries)-1]
	h.entries[len(h.entries)-1] = nil
	h.entries = h.entries[:len(h.entries)-1]
	return last
}
