package lru

import "hash/maphash"

// An index has the entries of a store by key and in the order of their use. The entries
// are the elements of its list, and its map has hashes instead of keys. For one entry this
// takes 52 octets. golang-lru needs 176, for a list element and two copies of the key. If two keys have the same hash, the later entry replaces the earlier
// one. Clients cannot choose such keys, because the seed is random.
type index struct {
	seed   maphash.Seed
	byHash map[uint64]*entry
	newest *entry
	oldest *entry
}

func newIndex() index { return index{seed: maphash.MakeSeed(), byHash: map[uint64]*entry{}} }

func (x *index) hash(k key) uint64 {
	more := uint64(k.qtype)<<32 | uint64(k.qclass)<<16 | uint64(k.loopProbe)<<48
	if k.do {
		more |= 1
	}
	if k.cd {
		more |= 2
	}
	return maphash.String(x.seed, k.name) ^ more*0x9e3779b97f4a7c15
}

func (x *index) len() int { return len(x.byHash) }

// find returns the entry of a key, or nil.
func (x *index) find(k key) *entry {
	if e := x.byHash[x.hash(k)]; e != nil && e.key == k {
		return e
	}
	return nil
}

// use makes the entry the most recently used one.
func (x *index) use(e *entry) {
	if x.newest != e {
		x.unlink(e)
		x.link(e)
	}
}

// put adds an entry as the most recently used one. The index must not have its hash yet.
func (x *index) put(e *entry) {
	x.byHash[x.hash(e.key)] = e
	x.link(e)
}

func (x *index) remove(e *entry) {
	delete(x.byHash, x.hash(e.key))
	x.unlink(e)
}

func (x *index) link(e *entry) {
	e.older, e.newer = x.newest, nil
	if x.newest != nil {
		x.newest.newer = e
	} else {
		x.oldest = e
	}
	x.newest = e
}

func (x *index) unlink(e *entry) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		x.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		x.oldest = e.newer
	}
	e.older, e.newer = nil, nil
}
