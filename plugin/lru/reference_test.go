package lru

import (
	"fmt"
	"slices"
	"time"
)

// A referenceList is a simple implementation of a store: one list, the most recently
// used key first.
type referenceList struct {
	size  int
	stale time.Duration
	list  []referenceEntry
}

type referenceEntry struct {
	key    key
	expiry time.Time // including the stale time
}

func (l *referenceList) find(k key) int {
	return slices.IndexFunc(l.list, func(e referenceEntry) bool { return e.key == k })
}

func (l *referenceList) get(k key) bool {
	i := l.find(k)
	if i >= 0 {
		used := l.list[i]
		l.list = slices.Insert(slices.Delete(l.list, i, i+1), 0, used)
	}
	return i >= 0
}

func (l *referenceList) add(e *entry) {
	end := e.stored.Add(e.ttl)
	if e.kind == positive {
		end = end.Add(l.stale)
	}
	if i := l.find(e.key); i >= 0 {
		l.list = slices.Delete(l.list, i, i+1)
	}
	if len(l.list) == l.size {
		evicted := len(l.list) - 1
		for i, old := range l.list {
			if !old.expiry.After(e.stored) && old.expiry.Before(l.list[evicted].expiry) {
				evicted = i
			}
		}
		l.list = slices.Delete(l.list, evicted, evicted+1)
	}
	l.list = slices.Insert(l.list, 0, referenceEntry{e.key, end})
}

// keys returns the keys in the order of storeKeys: the most recently used one is last.
func (l *referenceList) keys() []key {
	keys := make([]key, 0, len(l.list))
	for _, e := range slices.Backward(l.list) {
		keys = append(keys, e.key)
	}
	return keys
}

// checkStore checks the invariants of a store. Heap and list have the same entries, each
// entry has its index in the heap, and no entry expires before its parent.
func checkStore(s *store) error {
	h := &s.expiry
	if s.entries.len() > s.size || h.Len() != s.entries.len() {
		return fmt.Errorf("%d entries in the list, %d in the heap; the size is %d", s.entries.len(), h.Len(), s.size)
	}
	for i, e := range h.entries {
		if int(e.index) != i {
			return fmt.Errorf("%s is at %d of the heap and has the index %d", e.key.name, i, e.index)
		}
		if i > 0 && h.Less(i, (i-1)/2) {
			return fmt.Errorf("%s expires before its parent", e.key.name)
		}
		if s.entries.find(e.key) != e {
			return fmt.Errorf("%s is another entry in the list than in the heap", e.key.name)
		}
	}
	return nil
}

// storeKeys returns the keys of a store, the last used one last.
func storeKeys(s *store) []key {
	keys := []key{}
	for e := s.entries.oldest; e != nil; e = e.newer {
		keys = append(keys, e.key)
	}
	return keys
}
