package lru

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// storeStart is the simulated start time of the tests of the store.
var storeStart = time.Unix(1_000_000_000, 0)

func storeKey(name string) key {
	return key{name: name, qtype: dns.TypeA, qclass: dns.ClassINET}
}

func storeEntry(k key, kind kind, stored time.Time, life time.Duration) *entry {
	return &entry{key: k, kind: kind, stored: stored, ttl: life}
}

// After each of a fixed sequence of adds, gets and peeks, the store has the same keys in
// the same order as a simple list.
func TestStoreMatchesReferenceList(t *testing.T) {
	const steps = 4000
	for _, tc := range []struct {
		size  int
		stale time.Duration
	}{{1, 0}, {1, time.Minute}, {2, 0}, {16, 0}, {16, time.Minute}, {100, 20 * time.Second}, {300, time.Hour}} {
		t.Run(fmt.Sprintf("size %d, stale %v", tc.size, tc.stale), func(t *testing.T) {
			random := rand.New(rand.NewPCG(4, uint64(tc.size)))
			s, reference, now := newStore(tc.size, tc.stale), &referenceList{size: tc.size, stale: tc.stale}, storeStart
			defer s.purge()
			for step := range steps {
				now = now.Add(time.Duration(random.Int64N(int64(500 * time.Millisecond))))
				k := storeKey(fmt.Sprintf("n%d.test.", random.IntN(2*tc.size+1)))
				switch random.IntN(10) {
				case 0:
					if got, want := s.peek(k) != nil, reference.find(k) >= 0; got != want {
						t.Fatalf("step %d: peek(%s) = %t; want %t", step, k.name, got, want)
					}
				case 1, 2, 3, 4:
					if got, want := s.get(k) != nil, reference.get(k); got != want {
						t.Fatalf("step %d: get(%s) = %t; want %t", step, k.name, got, want)
					}
				default:
					e := storeEntry(k, kind(random.IntN(3)), now, time.Second+time.Duration(random.Int64N(int64(100*time.Second))))
					s.add(e)
					reference.add(e)
				}
				if got, want := storeKeys(s), reference.keys(); !slices.Equal(got, want) {
					t.Fatalf("step %d: the store has %v; want %v", step, got, want)
				}
				if err := checkStore(s); err != nil {
					t.Fatalf("step %d: %v", step, err)
				}
			}
		})
	}
}

// A full store of the entries a, b and so on, each used once in this order, gets one
// more. Each row names the removed entry, and counts an eviction if it had not expired.
func TestStoreEvicts(t *testing.T) {
	type stored struct {
		kind kind
		life time.Duration
	}
	const long = 10 * time.Hour
	for _, tc := range []struct {
		name    string
		stale   time.Duration
		entries []stored
		after   time.Duration
		removed string
		evicted float64
	}{
		{"none has expired: the least recently used", 0, []stored{{positive, time.Minute}, {positive, 50 * time.Second}, {negative, time.Minute}}, 30 * time.Second, "a", 1},
		{"one expires now", 0, []stored{{positive, long}, {positive, long}, {positive, 10 * time.Second}}, 10 * time.Second, "c", 0},
		{"one has expired, though used last", 0, []stored{{positive, time.Minute}, {positive, time.Minute}, {positive, 10 * time.Second}}, 30 * time.Second, "c", 0},
		{"two have expired: the first to expire", 0, []stored{{positive, long}, {positive, 20 * time.Second}, {positive, 10 * time.Second}}, 30 * time.Second, "c", 0},
		{"in the stale window: not expired", time.Hour, []stored{{positive, long}, {positive, long}, {positive, 10 * time.Second}}, 30 * time.Second, "a", 1},
		{"after the stale window", time.Hour, []stored{{positive, long}, {positive, long}, {positive, 10 * time.Second}}, time.Hour + 11*time.Second, "c", 0},
		{"a negative answer has no stale window", time.Hour, []stored{{positive, long}, {positive, long}, {negative, 10 * time.Second}}, 30 * time.Second, "c", 0},
		{"a failure has no stale window", time.Hour, []stored{{positive, long}, {failure, failureTTL}, {positive, 10 * time.Second}}, 30 * time.Second, "b", 0},
		{"size 1, not expired", 0, []stored{{positive, time.Minute}}, 30 * time.Second, "a", 1},
		{"size 1, expired", 0, []stored{{positive, time.Second}}, 30 * time.Second, "a", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, evictedBefore := newStore(len(tc.entries), tc.stale), testutil.ToFloat64(evictions)
			defer s.purge()
			for i, h := range tc.entries {
				k := storeKey(string(rune('a' + i)))
				s.add(storeEntry(k, h.kind, storeStart, h.life))
			}
			s.add(storeEntry(storeKey("new"), positive, storeStart.Add(tc.after), time.Minute))
			for i := range tc.entries {
				name := string(rune('a' + i))
				if got, want := s.peek(storeKey(name)) != nil, name != tc.removed; got != want {
					t.Errorf("%s is stored = %t; want %t", name, got, want)
				}
			}
			if s.peek(storeKey("new")) == nil {
				t.Error("the new entry is not stored")
			}
			if got := testutil.ToFloat64(evictions) - evictedBefore; got != tc.evicted {
				t.Errorf("%v evictions; want %v", got, tc.evicted)
			}
			if err := checkStore(s); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStoreReplacesAnEntry(t *testing.T) {
	s, a, b := newStore(2, time.Hour), storeKey("a"), storeKey("b")
	defer s.purge()
	old := storeEntry(a, positive, storeStart, time.Second)
	s.add(old)
	s.add(storeEntry(b, positive, storeStart, time.Hour))
	s.get(a)
	evictedBefore := testutil.ToFloat64(evictions)
	again := storeEntry(a, negative, storeStart.Add(time.Minute), time.Minute)
	s.add(again)
	if got := s.get(a); got != again {
		t.Errorf("get(a) = %v; want the second entry", got)
	}
	if s.peek(b) == nil || s.len() != 2 || testutil.ToFloat64(evictions) != evictedBefore {
		t.Errorf("%d entries, b is stored = %t; want 2 and no eviction", s.len(), s.peek(b) != nil)
	}
	if got := [2]uint32{old.hits.Load(), again.hits.Load()}; got != [2]uint32{1, 1} {
		t.Errorf("hits of the two = %v; want 1 each", got)
	}
	if err := checkStore(s); err != nil {
		t.Error(err)
	}
}

// A get counts as a use, a peek does not.
func TestStorePeekDoesNotCountAsUse(t *testing.T) {
	s, keys := newStore(2, 0), []key{storeKey("a"), storeKey("b"), storeKey("c")}
	defer s.purge()
	s.add(storeEntry(keys[0], positive, storeStart, time.Hour))
	s.add(storeEntry(keys[1], positive, storeStart, time.Hour))
	if e := s.peek(keys[0]); e == nil || e.hits.Load() != 0 {
		t.Errorf("peek(a) = %v; want an entry without hits", e)
	}
	s.add(storeEntry(keys[2], positive, storeStart, time.Hour))
	if s.peek(keys[0]) != nil || s.peek(keys[1]) == nil {
		t.Error("b was evicted for c; want a")
	}
}

// Entries differ by name, type, class, DO and CD.
func TestStoreKeys(t *testing.T) {
	base := storeKey("a.test.")
	keys := []key{base, base, base, base, base, base}
	keys[1].name, keys[2].qtype, keys[3].qclass, keys[4].do, keys[5].cd = "b.test.", dns.TypeAAAA, dns.ClassCHAOS, true, true
	s := newStore(len(keys), 0)
	defer s.purge()
	for _, k := range keys {
		s.add(storeEntry(k, positive, storeStart, time.Hour))
	}
	for _, k := range keys {
		if e := s.get(k); e == nil || e.key != k {
			t.Errorf("get(%v) = %v; want its own entry", k, e)
		}
	}
}

// The gauge is the sum of all stores, after evictions and after purge.
func TestStoreEntriesGauge(t *testing.T) {
	before := testutil.ToFloat64(entriesGauge)
	small, large := newStore(3, 0), newStore(100, 0)
	for i := range 10 {
		k := storeKey(fmt.Sprint(i % 7))
		small.add(storeEntry(k, positive, storeStart.Add(time.Duration(i)*time.Second), time.Second))
		large.add(storeEntry(k, negative, storeStart, time.Hour))
	}
	if got := testutil.ToFloat64(entriesGauge) - before; got != 3+7 || small.len() != 3 || large.len() != 7 {
		t.Errorf("the gauge is %v, the stores have %d and %d; want 10, 3 and 7", got, small.len(), large.len())
	}
	small.purge()
	if got := testutil.ToFloat64(entriesGauge) - before; got != 7 || small.len() != 0 || small.peek(storeKey("1")) != nil {
		t.Errorf("after purge the gauge is %v, the store has %d; want 7 and 0", got, small.len())
	}
	small.purge()
	large.purge()
	if got := testutil.ToFloat64(entriesGauge) - before; got != 0 {
		t.Errorf("after purge of all the gauge is %v; want 0", got)
	}
}

// Under concurrent use a store never has more entries than its size.
func TestStoreConcurrentUse(t *testing.T) {
	const size, users, steps = 50, 16, 3000
	s, before := newStore(size, time.Second), testutil.ToFloat64(entriesGauge)
	var wg sync.WaitGroup
	for user := range users {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(4, uint64(user)))
			for step := range steps {
				k := storeKey(fmt.Sprint(random.IntN(3 * size)))
				switch random.IntN(4) {
				case 0:
					now := storeStart.Add(time.Duration(step) * time.Millisecond)
					s.add(storeEntry(k, kind(random.IntN(3)), now, time.Duration(random.IntN(3000))*time.Millisecond))
				case 1:
					s.peek(k)
				case 2:
					if e := s.get(k); e != nil && e.key != k {
						t.Errorf("get(%s) = entry of %s", k.name, e.key.name)
					}
				case 3:
					if n := s.len(); n > size {
						t.Errorf("%d entries; want %d at most", n, size)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := checkStore(s); err != nil {
		t.Error(err)
	}
	if got := testutil.ToFloat64(entriesGauge) - before; got != float64(s.len()) {
		t.Errorf("the gauge is %v; want %d", got, s.len())
	}
	s.purge()
}

// If two keys have the same hash, the later entry replaces the earlier one, and no key
// gets the entry of the other.
func TestStoreCollision(t *testing.T) {
	s, a, b := newStore(10, 0), storeKey("a."), storeKey("b.")
	defer s.purge()
	first := storeEntry(a, positive, storeStart, time.Hour)
	s.add(first)
	s.entries.byHash[s.entries.hash(b)] = first // as if the hashes were equal
	delete(s.entries.byHash, s.entries.hash(a))
	if got := s.get(b); got != nil {
		t.Errorf("get(b.) returns the entry of %s", got.key.name)
	}
	s.remove(b)
	if s.len() != 1 {
		t.Errorf("remove(b.) removes the entry of a.")
	}
}
