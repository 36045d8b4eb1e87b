package lru

import (
	"container/heap"
	"sync"
	"time"
)

// A store holds the most recently used entries, size at most. Expired entries are
// evicted before others. The store is one list under one lock. Shards would evict
// independently and no longer keep the most recently used entries.
type store struct {
	size  int
	stale time.Duration // how long positive entries may be served after their TTL

	mu      sync.Mutex
	entries index
	expiry  expiryHeap // the entry that expires first is at 0
}

func newStore(size int, stale time.Duration) *store {
	return &store{size: size, stale: stale, entries: newIndex(), expiry: expiryHeap{stale: stale}}
}

// get returns the entry of a key, expired or not, and makes it the most recently used
// one.
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

// peek returns the entry of a key without counting this as a use.
func (s *store) peek(k key) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries.find(k)
}

// add stores an entry and replaces the old one of its key.
func (s *store) add(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(s.entries.byHash[s.entries.hash(e.key)])
	if s.entries.len() == s.size {
		s.evictLocked(e.stored)
	}
	s.entries.put(e)
	heap.Push(&s.expiry, e)
	entriesGauge.Inc()
}

// remove removes the entry of a key, if there is one.
func (s *store) remove(k key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(s.entries.find(k))
}

// evictLocked removes an expired entry, or the least recently used one if none has
// expired.
func (s *store) evictLocked(now time.Time) {
	if first := s.expiry.entries[0]; !s.expiry.expiry(first).After(now) {
		s.removeLocked(first)
		return
	}
	s.removeLocked(s.entries.oldest)
	evictions.Inc()
}

func (s *store) removeLocked(e *entry) {
	if e == nil {
		return
	}
	s.entries.remove(e)
	heap.Remove(&s.expiry, int(e.index))
	entriesGauge.Dec()
}

// purge removes all entries.
func (s *store) purge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.entries.oldest != nil {
		s.removeLocked(s.entries.oldest)
	}
}

// An expiryHeap is a heap of entries by expiry, including the stale time.
type expiryHeap struct {
	stale   time.Duration
	entries []*entry
}

func (h *expiryHeap) expiry(e *entry) time.Time {
	if e.kind == positive {
		return e.stored.Add(e.ttl + h.stale)
	}
	return e.stored.Add(e.ttl)
}

func (h *expiryHeap) Len() int { return len(h.entries) }
func (h *expiryHeap) Less(i, j int) bool {
	return h.expiry(h.entries[i]).Before(h.expiry(h.entries[j]))
}
func (h *expiryHeap) Swap(i, j int) {
	h.entries[i], h.entries[j] = h.entries[j], h.entries[i]
	h.entries[i].index, h.entries[j].index = int32(i), int32(j) //nolint:gosec // G115: at most maxEntries
}

// Push implements heap.Interface.
func (h *expiryHeap) Push(x any) {
	e := x.(*entry)
	e.index = int32(len(h.entries)) //nolint:gosec // G115: at most maxEntries
	h.entries = append(h.entries, e)
}

// Pop implements heap.Interface.
func (h *expiryHeap) Pop() any {
	last := h.entries[len(h.entries)-1]
	h.entries[len(h.entries)-1] = nil
	h.entries = h.entries[:len(h.entries)-1]
	return last
}
