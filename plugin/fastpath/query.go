package fastpath

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unsafe"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	headerSize = 12
	maxWire    = 255  // octets of a name (RFC 1035, 2.3.4)
	maxPacket  = 512  // as much of a query as the server reads
	maxReply   = 4096 // longer replies are left to the chain
	minSize    = 512  // a client's EDNS size below this one counts as this one (RFC 6891, 6.2.3)
	optSize    = 11   // octets of an OPT record without options
	cookieSize = 24   // octets of our cookies (RFC 9018)
)

// A Query is a packet that asks one question of class IN, and the reply to it.
// It is reused for the next packet: a responder must not keep any part of it.
type Query struct {
	Name   string // in lower case, with its trailing dot; of letters, digits, hyphens, underscores and asterisks
	Type   uint16
	Client netip.Addr // IPv4 addresses are never mapped into IPv6

	RecursionDesired  bool
	AuthenticData     bool
	CheckingDisabled  bool
	EDNS, DO          bool
	optUDP            uint16 // the size in the client's OPT record
	stream            bool   // the query came over a connection
	keepalive         bool   // it has the option edns-tcp-keepalive (RFC 7828)
	cookie            []byte // the data of the first option COOKIE, or nil
	cookieValid       bool
	cookieReply       []byte // of the reply, in cookieRoom
	cookieRoom        [cookieSize]byte
	idle              uint16 // how long the connection may be idle, in units of 100 ms
	mixed             bool   // the name was sent with upper case letters
	question          []byte // as sent
	id                uint16
	received          time.Time // of the batch, or zero
	why               reason    // that the chain has to answer
	target            *target
	text              [maxWire]byte
	names             [2][maxWire]byte // room for the names of a Record
	answeredBy        prometheus.Counter
	scratch           [maxWire]byte
	counters          []prometheus.Counter
	countersSpace     [8]prometheus.Counter
	limit             int // octets that the client accepts
	reply             []byte
	plain             int // octets of the reply without compression
	answers, negative uint16
}

// Now returns the time at which the packet was received.
func (q *Query) Now() time.Time {
	if q.received.IsZero() {
		q.received = time.Now()
	}
	return q.received
}

// Stream reports whether the query came over a connection.
func (q *Query) Stream() bool { return q.stream }

// Cookie returns the cookie that the client has sent, and whether it has sent one. It is
// valid until the reply is sent.
func (q *Query) Cookie() (cookie []byte, sent bool) { return q.cookie, q.cookie != nil }

// ReplyCookie adds a cookie to the reply. It keeps whether the client's was valid.
func (q *Query) ReplyCookie(cookie [cookieSize]byte, valid bool) {
	q.cookieRoom, q.cookieValid = cookie, valid
	q.cookieReply = q.cookieRoom[:]
}

// CookieValid reports whether the client has a valid cookie, after ReplyCookie.
func (q *Query) CookieValid() bool { return q.cookieValid }

// Count increments the counter if the reply is sent. A responder must count the same as
// its ServeDNS method.
func (q *Query) Count(c prometheus.Counter) { q.counters = append(q.counters, c) }

// letters maps the octets of usual names to lower case, and the others to 0. A
// name with other octets has escapes in the chain's notation, and is left to it.
var letters = func() (all [256]byte) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyz0123456789-_*") {
		all[c] = c
	}
	for c := byte('A'); c <= 'Z'; c++ {
		all[c] = c + 'a' - 'A'
	}
	return all
}()

const (
	maskNoQuery = 0xfe8f // QR, Opcode, AA, TC, RA, the reserved bit and RCODE
	flagRD      = 1 << 8
	flagAD      = 1 << 5
	flagCD      = 1 << 4
)

// parse reads a packet. It accepts only packets that every decoder understands in
// the same way: a header without surprises, one question, at most one OPT record,
// and nothing after that.
func (q *Query) parse(packet []byte) reason {
	if len(packet) < headerSize || binary.BigEndian.Uint16(packet[2:])&maskNoQuery != 0 ||
		binary.BigEndian.Uint32(packet[4:]) != 1<<16 || binary.BigEndian.Uint16(packet[8:]) != 0 {
		return notPlain
	}
	flags := binary.BigEndian.Uint16(packet[2:])
	q.id = binary.BigEndian.Uint16(packet)
	q.RecursionDesired, q.AuthenticData, q.CheckingDisabled = flags&flagRD != 0, flags&flagAD != 0, flags&flagCD != 0
	end := q.parseName(packet)
	if end == 0 || len(packet) < end+4 || binary.BigEndian.Uint16(packet[end+2:]) != dns.ClassINET {
		return notPlain
	}
	q.Type = binary.BigEndian.Uint16(packet[end:])
	if !ordinary(q.Type) {
		return otherType
	}
	q.question = packet[headerSize : end+4]
	q.EDNS, q.DO, q.keepalive, q.optUDP = false, false, false, 0
	q.cookie, q.cookieValid, q.cookieReply = nil, false, nil
	q.setLimit()
	rest := packet[end+4:]
	switch binary.BigEndian.Uint16(packet[10:]) {
	case 0:
		if len(rest) != 0 {
			return notPlain
		}
	case 1:
		if !q.parseOPT(rest) {
			return notPlain
		}
	default:
		return notPlain
	}
	return answered
}

// ordinary reports whether the type is a data type. The server and the plugins before
// the responders handle the other types, and DS, specially.
func ordinary(qtype uint16) bool {
	return qtype != dns.TypeNone && qtype != dns.TypeOPT && qtype != dns.TypeDS && (qtype < 128 || qtype > 255)
}

// parseName reads the name of the question and returns the offset after it, or 0.
// The text is the wire format without its first octet and with dots in the place
// of the other lengths.
func (q *Query) parseName(packet []byte) int {
	q.mixed = false
	off, n := headerSize, 0
	for {
		if off >= len(packet) {
			return 0
		}
		length := int(packet[off])
		off++
		if length == 0 {
			break
		}
		if length > 63 || off+length > len(packet) || n+length+2 > maxWire {
			return 0
		}
		for _, c := range packet[off : off+length] {
			lower := letters[c]
			if lower == 0 {
				return 0
			}
			q.mixed = q.mixed || lower != c
			q.text[n] = lower
			n++
		}
		q.text[n] = '.'
		n++
		off += length
	}
	if n == 0 {
		q.text[0], n = '.', 1
	}
	q.Name = unsafe.String(&q.text[0], n) // responders do not keep it
	return off
}
