package fastpath

import (
	"encoding/binary"
	"unsafe"

	"github.com/miekg/dns"
)

// Records reads the records of a reply that another responder has made.
type Records struct {
	Type   uint16
	Owner  string // in lower case, or "" for the name of the question
	Target string // of a CNAME, SVCB or HTTPS record, in lower case; otherwise ""

	q    *Query
	off  int
	left int
	bad  bool
}

// Records returns a reader of the reply's records. Its strings are valid until
// the next call of Next.
func (q *Query) Records() Records {
	return Records{q: q, off: headerSize + len(q.question), left: int(q.answers) + int(q.negative)}
}

// Next reads the next record. It returns false after the last one.
func (r *Records) Next() bool {
	if r.left == 0 || r.bad {
		return false
	}
	r.left--
	r.Owner, r.Target = "", ""
	b, end := r.q.reply, r.off+2
	if r.off+2 > len(b) || b[r.off] != 0xc0 || b[r.off+1] != headerSize {
		r.Owner, end = r.name(0, r.off)
	}
	if r.bad || end+10 > len(b) {
		r.bad = true
		return false
	}
	r.Type = binary.BigEndian.Uint16(b[end:])
	data := end + 10
	r.off = data + int(binary.BigEndian.Uint16(b[end+8:]))
	switch r.Type {
	case dns.TypeCNAME:
		r.Target, _ = r.name(1, data)
	case dns.TypeSVCB, dns.TypeHTTPS:
		r.Target, _ = r.name(1, data+2)
	}
	return !r.bad
}

// Keep returns a copy of a string of Records, which is valid until the next call of Keep
// or Scratch.
func (q *Query) Keep(name string) string {
	b := append(q.Scratch(), name...)
	return unsafe.String(&b[0], len(b)) // a name has one octet at least
}

// Whole reports whether every record could be read. A name with octets that a
// Query's name cannot have is one that cannot.
func (r *Records) Whole() bool { return !r.bad && r.left == 0 }

// name returns a name of the reply, and the offset after it.
func (r *Records) name(room, off int) (name string, end int) {
	b, text, n := r.q.reply, &r.q.names[room], 0
	for jumps := 0; off < len(b); {
		length := int(b[off])
		off++
		switch {
		case length == 0:
			if end == 0 {
				end = off
			}
			return finishText(text, n), end
		case length >= 0xc0 && off < len(b) && jumps < 16:
			if end == 0 {
				end = off + 1
			}
			off = (length&0x3f)<<8 | int(b[off])
			jumps++
			continue
		case length > 63 || off+length > len(b) || n+length+2 > maxWire:
			r.bad = true
			return "", 0
		}
		for _, c := range b[off : off+length] {
			if text[n] = letters[c]; text[n] == 0 {
				r.bad = true
				return "", 0
			}
			n++
		}
		text[n] = '.'
		n++
		off += length
	}
	r.bad = true
	return "", 0
}

func finishText(text *[maxWire]byte, n int) string {
	if n == 0 {
		return "."
	}
	return unsafe.String(&text[0], n) // valid until the next record
}
