package source

import (
	"net/netip"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/arena"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A room has the names and the addresses of entries in few objects, because a source may
// have many entries.
type room struct {
	texts arena.Texts
	addrs []netip.Addr
	next  int // how many addresses to allocate next
}

// The addresses that are allocated at once: few at first, because most sources are small.
const (
	fewAddrs  = 4
	manyAddrs = 256
)

// keep returns the entry with a copy of its name and its addresses.
func (r *room) keep(e Entry) Entry {
	e.FQDN = dnsname.Name(r.texts.Keep(string(e.FQDN)))
	if cap(r.addrs)-len(r.addrs) < len(e.Addrs) {
		r.next = min(max(4*r.next, fewAddrs), manyAddrs)
		r.addrs = make([]netip.Addr, 0, max(r.next, len(e.Addrs)))
	}
	at := len(r.addrs)
	r.addrs = append(r.addrs, e.Addrs...)
	e.Addrs = r.addrs[at:len(r.addrs):len(r.addrs)]
	return e
}

// fitting returns the entries in a slice that has little unused memory.
func fitting(entries []Entry) []Entry {
	if cap(entries)-len(entries) <= cap(entries)/16 {
		return entries
	}
	return slices.Clone(entries)
}
