package zone

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"net/netip"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/arena"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// An index has the records of a zone by the labels before the zone's name. The zero
// value is empty. An index that nobody adds to may be read without a lock.
//
// With many records, the cost of a lookup is its cache misses, which follow one
// another. Here there are three: a slot, the cell with the record and its address, and
// the text of the name. A map of pointers to records has six. It also needs twice the
// memory, and each of its strings and slices is an object of its own for the garbage
// collector.
type index struct {
	suffix int      // length of the zone's name, with the dot before it
	slots  []uint64 // hash<<32 | number of the record + 1; 0 is empty
	cells  [][]cell // by the number of the record, see place
	// origins has the provenances by the same number. No query reads them.
	origins [][]Provenance
	uses    [][]use // by the same number
	count   int
	names   arena.Texts
}

// A cell is a record with room for one address, which is all that most records have.
// It fills one line of the cache.
type cell struct {
	Record
	room [1]netip.Addr
}

var seed = maphash.MakeSeed()

// hashOf returns the hash of the labels, as the upper half of a slot.
func hashOf(labels string) uint64 { return maphash.String(seed, labels) >> 32 << 32 }

// start is the first place for the hash. Neighboring places follow.
func (x *index) start(hash uint64) int {
	return int((hash >> 32) * uint64(len(x.slots)) >> 32) //nolint:gosec // G115: less than the number of slots
}

func (x *index) next(place int) int {
	if place++; place < len(x.slots) {
		return place
	}
	return 0
}

// find returns the record of the labels, or nil.
func (x *index) find(labels string) *Record {
	if c := x.cell(labels); c != nil {
		return &c.Record
	}
	return nil
}

func (x *index) cell(labels string) *cell {
	if n := x.number(labels); n >= 0 {
		return x.at(n)
	}
	return nil
}

// number returns the number of the record of the labels, or -1.
func (x *index) number(labels string) int {
	if x.count == 0 {
		return -1
	}
	hash := hashOf(labels)
	for i := x.start(hash); x.slots[i] != 0; i = x.next(i) {
		if x.slots[i]>>32<<32 == hash {
			if n := int(uint32(x.slots[i])) - 1; x.labels(&x.at(n).Record) == labels { //nolint:gosec // G115: the lower half
				return n
			}
		}
	}
	return -1
}

// labels returns the labels of a record of this index.
func (x *index) labels(r *Record) string { return string(r.Name[:len(r.Name)-x.suffix]) }

// add adds a record without addresses. Its labels are new, and its name is in the
// zone that the others are in.
func (x *index) add(owner, zone dnsname.Name) *cell {
	x.suffix = len(zone) + 1
	if x.count >= len(x.slots)/4*3 {
		x.grow()
	}
	chunk, offset := place(x.count)
	if chunk == len(x.cells) {
		x.cells = append(x.cells, make([]cell, roomOf(chunk)))
		x.origins = append(x.origins, make([]Provenance, roomOf(chunk)))
		x.uses = append(x.uses, make([]use, roomOf(chunk)))
	}
	c := &x.cells[chunk][offset]
	c.Name = dnsname.Name(x.names.Keep(string(owner)))
	x.count++
	x.insert(hashOf(x.labels(&c.Record)) | uint64(x.count)) //nolint:gosec // G115: below 2^32, or the memory would be full
	return c
}

func (x *index) insert(slot uint64) {
	i := x.start(slot)
	for x.slots[i] != 0 {
		i = x.next(i)
	}
	x.slots[i] = slot
}

// grow makes room for half as many records more. The slots have all of the hash that
// their places depend on.
func (x *index) grow() {
	old := x.slots
	x.slots = make([]uint64, max(8, len(old)/2*3))
	for _, slot := range old {
		if slot != 0 {
			x.insert(slot)
		}
	}
}

// The cells are in chunks, because pointers to them must stay valid when there are
// more. The first ones are small: most zones have few records. Then each has
// mostCells.
const (
	fewCells  = 8
	mostCells = 1024
)

// place returns the chunk and the offset of a record. The chunks of a small index have
// 8, 8, 16, 32 … 512 cells, so that chunk i begins at number 4<<i.
func place(number int) (chunk, offset int) {
	if number < mostCells {
		chunk = bits.Len(uint(number) / fewCells) //nolint:gosec // G115: not negative
		if chunk == 0 {
			return 0, number
		}
		return chunk, number - roomOf(chunk)
	}
	return number/mostCells + smallChunks - 1, number % mostCells
}

// smallChunks is the number of chunks that have fewer than mostCells.
const smallChunks = 8

func roomOf(chunk int) int {
	if chunk >= smallChunks {
		return mostCells
	}
	return fewCells << max(chunk-1, 0)
}

func (x *index) at(number int) *cell {
	chunk, offset := place(number)
	return &x.cells[chunk][offset]
}

func (x *index) provenance(number int) *Provenance {
	chunk, offset := place(number)
	return &x.origins[chunk][offset]
}

func (x *index) use(number int) *use {
	chunk, offset := place(number)
	return &x.uses[chunk][offset]
}

// numbered returns the record of the labels and its number, from 1, or nil.
func (x *index) numbered(labels string) (*Record, uint32) {
	if n := x.number(labels); n >= 0 {
		return &x.at(n).Record, uint32(n) + 1 //nolint:gosec // G115: below 2^32, as in add
	}
	return nil, 0
}

// all yields the records in the order in which they were added.
func (x *index) all() iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		for i := range x.count {
			if !yield(&x.at(i).Record) {
				return
			}
		}
	}
}

// equal reports whether both have the same labels with the same addresses.
func (x *index) equal(other *index) bool {
	if x.count != other.count {
		return false
	}
	for r := range x.all() {
		if same := other.find(x.labels(r)); same == nil || !slices.Equal(same.Addrs, r.Addrs) {
			return false
		}
	}
	return true
}

// set sets the addresses of a record that has none. Several are shared with the
// caller, and neither modifies them.
func (c *cell) set(addrs []netip.Addr) {
	c.Addrs = addrs[:len(addrs):len(addrs)]
	if len(addrs) == 1 {
		c.room[0] = addrs[0]
		c.Addrs = c.room[:]
	}
}
