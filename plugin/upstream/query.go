package upstream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/miekg/dns"
)

const (
	headerSize = 12
	// optSize is the OPT record that a query has, without options.
	optSize = 11
	// ednsSize is a UDP size that needs no fragments (DNS Flag Day 2020).
	ednsSize = 1232
)

// A query is one question that is sent upstream. It has no records of the client's
// additional section, because EDNS is hop by hop (RFC 6891, 6.1.1), so that no option of
// a client reaches an upstream. It is not modified, because several attempts use it.
type query struct {
	name  string
	qtype uint16
	wire  []byte // with the ID 0
	end   int    // of the question section
	edns  bool
}

// newQuery returns the query for a request with one question.
func newQuery(r *dns.Msg) (*query, error) {
	question := r.Question[0]
	q := &query{name: question.Name, qtype: question.Qtype, wire: make([]byte, headerSize+len(question.Name)+2+4+optSize)}
	end, err := dns.PackDomainName(question.Name, q.wire, headerSize, nil, false)
	if err != nil {
		return nil, fmt.Errorf("pack %q: %w", question.Name, err)
	}
	q.wire[2] = bit(r.RecursionDesired, 0)
	q.wire[3] = bit(r.AuthenticatedData, 5) | bit(r.CheckingDisabled, 4)
	q.wire[5] = 1 // QDCOUNT
	binary.BigEndian.PutUint16(q.wire[end:], question.Qtype)
	binary.BigEndian.PutUint16(q.wire[end+2:], question.Qclass)
	q.end = end + 4
	q.wire = q.wire[:q.end]
	if opt := r.IsEdns0(); opt != nil {
		q.edns = true
		q.wire[11] = 1 // ARCOUNT
		q.wire = append(q.wire, 0, 0, byte(dns.TypeOPT), ednsSize>>8, ednsSize&0xff, 0, 0, bit(opt.Do(), 7), 0, 0, 0)
	}
	return q, nil
}

func bit(set bool, n int) byte {
	if set {
		return 1 << n
	}
	return 0
}

// withoutEDNS returns the query for a server that does not support EDNS (RFC 6891, 6.2.2).
func (q *query) withoutEDNS() *query {
	plain := *q
	plain.wire, plain.edns = bytes.Clone(q.wire[:q.end]), false
	plain.wire[11] = 0 // ARCOUNT
	plain.wire[3] = 0  // AD and CD are of the same age
	return &plain
}

// newID returns a random ID. The generator is ChaCha8 with a seed of the system.
func newID() uint16 { return uint16(rand.Uint32()) } //nolint:gosec // math/rand/v2 is secure unless seeded

// A mismatch is the reason to discard a response.
type mismatch uint8

const (
	matches mismatch = iota
	wrongSize
	wrongID
	wrongQR
	wrongOpcode
	wrongQuestion
	malformed
	mismatches // the number of reasons
)

// reasons are the labels of the metric.
var reasons = [mismatches]string{wrongSize: "size", wrongID: "id", wrongQR: "qr", wrongOpcode: "opcode", wrongQuestion: "question", malformed: "malformed"}

// compare checks the header and the question of a response (RFC 5452, 9.1).
func (q *query) compare(b []byte, id uint16) mismatch {
	switch {
	case len(b) < headerSize:
		return wrongSize
	case binary.BigEndian.Uint16(b) != id:
		return wrongID
	case b[2]&0x80 == 0:
		return wrongQR
	case b[2]>>3&0xf != dns.OpcodeQuery:
		return wrongOpcode
	case headerOnly(b):
		return matches
	case b[4] != 0 || b[5] != 1 || len(b) < q.end || !q.asks(b):
		return wrongQuestion
	}
	return matches
}

// headerOnly reports whether a response is FORMERR or NOTIMP without any record. A server
// that does not support EDNS may omit the question. After such a response, the same query
// is sent without EDNS, and then to the next upstream.
func headerOnly(b []byte) bool {
	rcode := b[3] & 0xf
	return len(b) == headerSize && b[5] == 0 && (rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented)
}

// asks compares the question section, the name without case. A name of a response cannot
// be compressed here, because its pointer would point into the header.
func (q *query) asks(b []byte) bool {
	name := q.end - 4
	for i := headerSize; i < name; i++ {
		if lower(b[i]) != lower(q.wire[i]) { // a length is below 'A'
			return false
		}
	}
	return bytes.Equal(b[name:q.end], q.wire[name:q.end])
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// parse returns the message of a response to the query, or the reason to discard it.
func (q *query) parse(b []byte, id uint16) (*dns.Msg, mismatch) {
	if reason := q.compare(b, id); reason != matches {
		return nil, reason
	}
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		return nil, malformed
	}
	return m, matches
}
