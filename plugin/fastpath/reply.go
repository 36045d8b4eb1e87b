package fastpath

import (
	"encoding/binary"
	"strings"

	"github.com/miekg/dns"
)

// A Header is the part of a reply's header that its responder decides.
type Header struct {
	Rcode                             uint8
	Authoritative, RecursionAvailable bool
	AuthenticData                     bool
}

// Begin begins the reply, and discards one that has been begun.
func (q *Query) Begin(h Header) {
	flags := uint16(1<<15) | uint16(h.Rcode)
	for _, f := range [...]struct {
		set bool
		bit uint16
	}{{h.Authoritative, 1 << 10}, {q.RecursionDesired, flagRD}, {h.RecursionAvailable, 1 << 7}, {h.AuthenticData, flagAD}, {q.CheckingDisabled, flagCD}} {
		if f.set {
			flags |= f.bit
		}
	}
	b := binary.BigEndian.AppendUint16(q.reply[:0], q.id)
	b = binary.BigEndian.AppendUint16(b, flags)
	b = append(b, 0, 1, 0, 0, 0, 0, 0, 0)
	q.reply = append(b, q.question...)
	q.plain, q.answers, q.negative = len(q.reply), 0, 0
}

// A Ref is a name in the reply, which later names are compressed with. The zero
// offset is a name that has to be written.
type Ref struct {
	offset int
	name   string
}

// Asked returns the name of the question.
func (q *Query) Asked() Ref { return Ref{headerSize, q.Name} }

// Suffix returns the name, which ends r. A name in upper case would change the
// spelling of the names that are compressed with it, so it is not used.
func (q *Query) Suffix(r Ref, name string) Ref {
	if r.offset == 0 || r.offset == headerSize && q.mixed {
		return Ref{0, name}
	}
	return Ref{r.offset + len(r.name) - len(name), name}
}

// Address adds an A or an AAAA record to the answer.
func (q *Query) Address(owner Ref, rrtype uint16, ttl uint32, address []byte) {
	q.record(owner, rrtype, ttl)
	q.data(address)
	q.answers++
}

// CNAME adds a CNAME record to the answer and returns its target.
func (q *Query) CNAME(owner Ref, ttl uint32, target string) Ref {
	q.record(owner, dns.TypeCNAME, ttl)
	q.reply = binary.BigEndian.AppendUint16(q.reply, uint16(wireLen(target))) //nolint:gosec // G115: at most 255
	at := len(q.reply)
	q.reply = AppendName(q.reply, target)
	q.plain += 2 + wireLen(target)
	q.answers++
	return Ref{at, target}
}

// Answer adds a record with names that are not compressed to the answer.
func (q *Query) Answer(owner Ref, rrtype uint16, ttl uint32, data []byte) {
	q.record(owner, rrtype, ttl)
	q.data(data)
	q.answers++
}

// Authority adds a record with names that are not compressed to the authority
// section, after the last record of the answer.
func (q *Query) Authority(owner Ref, rrtype uint16, ttl uint32, data []byte) {
	q.record(owner, rrtype, ttl)
	q.data(data)
	q.negative++
}

// Scratch returns room for the data of a record, until the next call.
func (q *Query) Scratch() []byte { return q.scratch[:0] }

// Sections adds records in wire format, to a reply without records. Names in them
// may be compressed with the question's name as a whole, and with each other.
// The plain octets are those of the same records without compression.
func (q *Query) Sections(records string, answers, authority uint16, plain int) {
	q.reply = append(q.reply, records...)
	q.answers, q.negative = answers, authority
	q.plain += plain
}

// Age lowers the TTLs of the records by so many seconds.
func (q *Query) Age(seconds uint32) {
	b, off := q.reply, headerSize+len(q.question)
	for range int(q.answers) + int(q.negative) {
		for b[off] != 0 && b[off] < 0xc0 {
			off += 1 + int(b[off])
		}
		if b[off] != 0 { // a reference has two octets
			off++
		}
		ttl := b[off+5:]
		left := binary.BigEndian.Uint32(ttl)
		binary.BigEndian.PutUint32(ttl, left-min(seconds, left))
		off += 11 + int(binary.BigEndian.Uint16(b[off+9:]))
	}
}

func (q *Query) record(owner Ref, rrtype uint16, ttl uint32) {
	if owner.offset == 0 {
		q.reply = AppendName(q.reply, owner.name)
	} else {
		q.reply = binary.BigEndian.AppendUint16(q.reply, 0xc000|uint16(owner.offset)) //nolint:gosec // G115: within maxReply
	}
	q.reply = binary.BigEndian.AppendUint16(q.reply, rrtype)
	q.reply = binary.BigEndian.AppendUint16(q.reply, dns.ClassINET)
	q.reply = binary.BigEndian.AppendUint32(q.reply, ttl)
	q.plain += wireLen(owner.name) + 8
}

func (q *Query) data(data []byte) {
	q.reply = binary.BigEndian.AppendUint16(q.reply, uint16(len(data))) //nolint:gosec // G115: the data of an RRset that fits
	q.reply = append(q.reply, data...)
	q.plain += 2 + len(data)
}

// Fits reports whether the reply is sent as it is. The chain makes one that is too long
// for the client, so a responder must not record that one.
func (q *Query) Fits() bool {
	if q.cookieReply != nil {
		return q.plain+optSize+optionSize+cookieSize <= q.limit
	}
	if q.EDNS {
		return q.plain+optSize <= q.limit
	}
	return q.plain <= q.limit
}

// finish completes the reply and reports whether the chain would send it whole.
// The chain decides that by the length without compression.
func (q *Query) finish() bool {
	fits := q.Fits()
	if q.EDNS {
		q.reply = append(q.reply, 0, 0, byte(dns.TypeOPT), byte(q.optUDP>>8), byte(q.optUDP), 0, 0, 0, 0, 0, 0)
		if q.DO {
			q.reply[len(q.reply)-4] = flagDO >> 8
		}
		q.reply[11] = 1
		q.finishOptions(len(q.reply))
	}
	binary.BigEndian.PutUint16(q.reply[6:], q.answers)
	binary.BigEndian.PutUint16(q.reply[8:], q.negative)
	return fits
}

const optionSize = 4 // octets of an option without its data

// finishOptions adds the options of the OPT record that ends there.
func (q *Query) finishOptions(end int) {
	if q.cookieReply != nil {
		q.reply = append(q.reply, 0, dns.EDNS0COOKIE, 0, cookieSize)
		q.reply = append(q.reply, q.cookieReply...)
	}
	if q.stream && q.keepalive {
		q.reply = append(q.reply, 0, dns.EDNS0TCPKEEPALIVE, 0, 2, byte(q.idle>>8), byte(q.idle))
	}
	binary.BigEndian.PutUint16(q.reply[end-2:], uint16(len(q.reply)-end)) //nolint:gosec // G115: two short options
}

// wireLen returns the octets of a name in wire format, without compression.
func wireLen(name string) int {
	if name == "." {
		return 1
	}
	return len(name) + 1
}

// AppendName appends a name in wire format. The name has a trailing dot and no
// escapes.
func AppendName(b []byte, name string) []byte {
	if name == "." {
		return append(b, 0)
	}
	for name != "" {
		dot := strings.IndexByte(name, '.')
		b = append(b, byte(dot))
		b = append(b, name[:dot]...)
		name = name[dot+1:]
	}
	return append(b, 0)
}
