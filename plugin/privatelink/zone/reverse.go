package zone

import (
	"bytes"
	"cmp"
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
	pointers  []Pointer // ascending by address, then by name; nil without Set.PTR
	reverse   *Zone     // that counts the answers for reverse names
}

// A Pointer is one name of an address. The directory has a sorted slice, which takes 32
// octets for each address of a record. A map would take three times as much.
type Pointer struct {
	Record *Record
	Next   *Pointer // another name of the address, or nil
	addr   [16]byte // as netip.Addr.As16
}

// reverseZone is the name by which answers for reverse names are counted. There is no
// zone of that name.
const reverseZone dnsname.Name = "arpa."

// point adds the names of all addresses. A wildcard is not a name of a host.
func (x *directory) point(zones map[dnsname.Name]*Zone, ttl uint32) {
	x.reverse = &Zone{Name: reverseZone, TTL: ttl}
	n := 0
	for _, z := range zones {
		for r := range z.Records() {
			n += len(r.Addrs)
		}
	}
	x.pointers = make([]Pointer, 0, n)
	for _, z := range zones {
		for r := range z.Records() {
			if strings.HasPrefix(string(r.Name), wildcardLabel) {
				continue
			}
			for _, addr := range r.Addrs {
				x.pointers = append(x.pointers, Pointer{Record: r, addr: addr.As16()})
			}
		}
	}
	slices.SortFunc(x.pointers, func(a, b Pointer) int {
		return cmp.Or(bytes.Compare(a.addr[:], b.addr[:]), strings.Compare(string(a.Record.Name), string(b.Record.Name)))
	})
	for i := range len(x.pointers) - 1 {
		if x.pointers[i].addr == x.pointers[i+1].addr {
			x.pointers[i].Next = &x.pointers[i+1]
		}
	}
}

// lookupAddress returns the answer for a name outside every zone. It is the names of an
// address if the name is its reverse name and a record has the address.
func (x *directory) lookupAddress(name string) Answer {
	if x.pointers == nil {
		return Answer{}
	}
	addr, ok := addressOf(name)
	if !ok {
		return Answer{}
	}
	i := sort.Search(len(x.pointers), func(i int) bool { return bytes.Compare(x.pointers[i].addr[:], addr[:]) >= 0 })
	if i == len(x.pointers) || x.pointers[i].addr != addr {
		return Answer{}
	}
	return Answer{Result: Reverse, Zone: x.reverse, Pointer: &x.pointers[i]}
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
