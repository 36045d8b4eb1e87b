package zone

import (
	"bytes"
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A directory finds names that the zones themselves do not have.
type directory struct {
	claims table
	// endpoints has the records by DNS zone endpoint, because these names do not
	// follow from the name of the record.
	endpoints map[string]*Record
	reverse   *Zone // with the pointers; nil without Set.PTR
}

// A pointer is one name of an address. The zone has a sorted slice, which takes 24
// octets for each address of a record. A map would take several times as much.
type pointer struct {
	record *Record
	addr   [16]byte // as netip.Addr.As16
}

// reverseZone is the name by which answers for reverse names are counted. There is no
// zone of that name.
const reverseZone dnsname.Name = "arpa."

// newReverse returns a zone with the names of all addresses, by address and name. A
// wildcard is not a name of a host.
func newReverse(zones map[dnsname.Name]*Zone, ttl uint32) *Zone {
	n := 0
	for _, z := range zones {
		for r := range z.Records() {
			n += len(r.Addrs)
		}
	}
	all := make([]pointer, 0, n)
	for _, z := range zones {
		for r := range z.Records() {
			if strings.HasPrefix(string(r.Name), wildcardLabel) {
				continue
			}
			for _, addr := range r.Addrs {
				all = append(all, pointer{r, addr.As16()})
			}
		}
	}
	slices.SortFunc(all, func(a, b pointer) int {
		return cmp.Or(bytes.Compare(a.addr[:], b.addr[:]), strings.Compare(string(a.record.Name), string(b.record.Name)))
	})
	return &Zone{Name: reverseZone, TTL: ttl, pointers: all}
}

// lookupAddress returns the answer for a name outside every zone: Reverse if it is the
// reverse name of an address that a record has. The compiler must be able to inline it.
func (x *directory) lookupAddress(name string) Answer {
	if x.reverse == nil {
		return Answer{}
	}
	return x.reverse.lookupAddress(name)
}

func (z *Zone) lookupAddress(name string) Answer {
	if len(z.namesOf(name)) == 0 {
		return Answer{}
	}
	return Answer{Result: Reverse, Zone: z}
}

// namesOf returns the pointers of a reverse name in lower case.
func (z *Zone) namesOf(name string) []pointer {
	addr, ok := addressOf(name)
	if !ok {
		return nil
	}
	first := sort.Search(len(z.pointers), func(i int) bool { return bytes.Compare(z.pointers[i].addr[:], addr[:]) >= 0 })
	end := first
	for end < len(z.pointers) && z.pointers[end].addr == addr {
		end++
	}
	return z.pointers[first:end]
}

// Names yields the names of the address, sorted. name is the reverse name that was
// looked up.
func (a Answer) Names(name string) iter.Seq[dnsname.Name] {
	return func(yield func(dnsname.Name) bool) {
		for _, p := range a.Zone.namesOf(strings.ToLower(name)) {
			if !yield(p.record.Name) {
				return
			}
		}
	}
}

// AddressOf returns the address of a reverse name in lower case.
func AddressOf(name string) (netip.Addr, bool) {
	addr, ok := addressOf(name)
	return netip.AddrFrom16(addr).Unmap(), ok
}

// addressOf returns the address of a reverse name (RFC 1035, 3.5, and RFC 3596, 2.5). It
// does not allocate.
func addressOf(name string) (addr [16]byte, ok bool) {
	if labels, ok := strings.CutSuffix(name, ".in-addr.arpa."); ok {
		return fromIPv4(labels)
	}
	if labels, ok := strings.CutSuffix(name, ".ip6.arpa."); ok {
		return fromIPv6(labels)
	}
	return addr, false
}

// mapped is the prefix of IPv4 addresses in As16.
var mapped = [12]byte{10: 0xff, 11: 0xff}

func fromIPv4(labels string) (addr [16]byte, ok bool) {
	copy(addr[:], mapped[:])
	for i := len(addr) - 1; i >= len(mapped); i-- {
		label, rest, more := strings.Cut(labels, ".")
		if addr[i], ok = octet(label); !ok || more != (i > len(mapped)) {
			return addr, false
		}
		labels = rest
	}
	return addr, true
}

// octet returns the value of a decimal number without leading zeros.
func octet(label string) (byte, bool) {
	if label == "" || len(label) > 3 || label[0] == '0' && label != "0" {
		return 0, false
	}
	n := 0
	for i := range len(label) {
		if label[i] < '0' || label[i] > '9' {
			return 0, false
		}
		n = 10*n + int(label[i]-'0')
	}
	return byte(n), n <= 255 //nolint:gosec // G115: false if it is too large
}

func fromIPv6(labels string) (addr [16]byte, ok bool) {
	if len(labels) != 4*len(addr)-1 { // 32 digits with dots between them
		return addr, false
	}
	for i := range 2 * len(addr) {
		digit := strings.IndexByte("0123456789abcdef", labels[len(labels)-1-2*i])
		if digit < 0 || i > 0 && labels[len(labels)-2*i] != '.' {
			return addr, false
		}
		addr[i/2] = addr[i/2]<<4 | byte(digit) //nolint:gosec // G115: below 16
	}
	return addr, [12]byte(addr[:12]) != mapped
}
