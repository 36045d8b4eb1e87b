// Package clients counts answers by the network of the client, for the status page.
//
// Counting takes no lock and allocates nothing: a table has a fixed number of rows, which
// are found by a hash and counted with atomic additions. Each socket of plugin fastpath
// has a table of its own, because two CPUs that add to one counter slow each other down.
// A read merges the tables. The alternative, a map with a lock, costs a socket more than
// the rest of an answer when the other socket has the lock.
package clients

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync/atomic"
)

// A Kind is the kind of an answer.
type Kind uint8

// The kinds.
const (
	Private Kind = iota // from the records of the zones
	Public              // a public address for a name that the zones lack
	Refused
	kinds
)

const (
	bits   = 10
	rows   = 1 << bits // of a table
	probes = 16        // rows that a network may have
	tables = 16
)

// A Table has counters by network. Several goroutines may use one; it is faster with one.
type Table struct {
	rows   [rows]row
	others [kinds]atomic.Uint64 // of networks without a row
}

type row struct {
	key     atomic.Uint64 // 0 if the row is free
	answers [kinds]atomic.Uint64
}

// all has the tables. They outlive a reload, so that the counters continue. A flood of
// refused queries with forged addresses must not leave other networks without a row.
var (
	all     [tables]atomic.Pointer[Table]
	next    atomic.Uint32
	shared  Table
	refused Table
)

// Take returns a table for one goroutine. If there are many, some of them share one.
func Take() *Table {
	at := &all[next.Add(1)%tables]
	at.CompareAndSwap(nil, &Table{})
	return at.Load()
}

// Count counts an answer of a goroutine without a table.
func Count(client netip.Addr, k Kind) {
	if k == Refused {
		refused.Count(client, k)
		return
	}
	shared.Count(client, k)
}

// Count counts an answer. It does not allocate.
func (t *Table) Count(client netip.Addr, k Kind) {
	key := KeyOf(client)
	at := key * 0x9E3779B97F4A7C15 >> (64 - bits) // Fibonacci hashing
	for range probes {
		r := &t.rows[at%rows]
		have := r.key.Load()
		if have == 0 && r.key.CompareAndSwap(0, key) {
			have = key
		}
		if have == key || r.key.Load() == key {
			r.answers[k].Add(1)
			return
		}
		at++
	}
	t.others[k].Add(1)
}

const (
	ipv4 = 1 << 56
	ipv6 = 2 << 56
)

// KeyOf returns the network of a client, /24 for IPv4 and /56 for IPv6, as a number. It is
// never 0.
func KeyOf(client netip.Addr) uint64 {
	if client.Is4() || client.Is4In6() {
		octets := client.As4()
		return ipv4 | uint64(binary.BigEndian.Uint32(octets[:])>>8)
	}
	octets := client.As16() // zeros of an invalid address
	return ipv6 | binary.BigEndian.Uint64(octets[:])>>8
}

// NetworkOf returns the network of a client, or the zero value without an address.
func NetworkOf(client netip.Addr) netip.Prefix {
	if !client.IsValid() {
		return netip.Prefix{}
	}
	return PrefixOf(KeyOf(client))
}

// PrefixOf returns the network with the number.
func PrefixOf(key uint64) netip.Prefix {
	if key&ipv6 == 0 {
		var octets [4]byte
		binary.BigEndian.PutUint32(octets[:], uint32(key)<<8)
		return netip.PrefixFrom(netip.AddrFrom4(octets), 24)
	}
	var octets [16]byte
	binary.BigEndian.PutUint64(octets[:], key<<8)
	return netip.PrefixFrom(netip.AddrFrom16(octets), 56)
}

// A Network has the answers to a network since the start of the process.
type Network struct {
	Prefix netip.Prefix // invalid for the networks beyond the bound
	Counts [kinds]uint64
}

// Networks returns the answers by network, the most frequent ones first. Networks that
// have no row are one element with an invalid prefix.
func Networks() (sorted []Network) {
	byKey := map[uint64]*Network{}
	for i := range all {
		if t := all[i].Load(); t != nil {
			t.addTo(byKey)
		}
	}
	shared.addTo(byKey)
	refused.addTo(byKey)
	for _, n := range byKey {
		if n.total() > 0 {
			sorted = append(sorted, *n)
		}
	}
	slices.SortFunc(sorted, func(a, b Network) int {
		return cmp.Or(cmp.Compare(b.total(), a.total()), a.Prefix.Addr().Compare(b.Prefix.Addr()))
	})
	return sorted
}

func (n *Network) total() (sum uint64) {
	for _, c := range n.Counts {
		sum += c
	}
	return sum
}

func (t *Table) addTo(byKey map[uint64]*Network) {
	add := func(key uint64, answers *[kinds]atomic.Uint64) {
		n := byKey[key]
		if n == nil {
			n = &Network{}
			if key != 0 {
				n.Prefix = PrefixOf(key)
			}
			byKey[key] = n
		}
		for k := range answers {
			n.Counts[k] += answers[k].Load()
		}
	}
	for i := range t.rows {
		if key := t.rows[i].key.Load(); key != 0 {
			add(key, &t.rows[i].answers)
		}
	}
	add(0, &t.others)
}
