package lru

import (
	"encoding/binary"
	"strings"

	"github.com/miekg/dns"
)

// records are the records of an entry in wire format, which needs a third of the memory
// and can be sent without changes. It has no pointers for the garbage collector.
//
// An owner that is the name of the question is a compression pointer to it, so that it
// has the letter case of the client. Other names are compressed only with each other, so
// that no part of them has it.
type records struct {
	octets             string
	answers, authority uint16
	plain              uint16 // octets without compression
}

const (
	questionAt = 12 // the offset of the question's name in a message
	recordHead = 10 // octets of a record between its owner and its data
)

// pack returns the records of the entry in wire format. It returns false if one of them
// cannot be packed.
func (e *entry) pack() (records, bool) {
	m := dns.Msg{Question: []dns.Question{{Name: e.key.name}}, Answer: e.answer, Ns: e.ns}
	size := m.Len()
	buf := make([]byte, size+len(e.answer)+len(e.ns))
	off, err := dns.PackDomainName(e.key.name, buf, questionAt, nil, false)
	begin := off + 4
	off = begin
	compression := map[string]int{}
	for _, section := range [][]dns.RR{e.answer, e.ns} {
		for _, rr := range section {
			if err == nil {
				off, err = packRecord(rr, e.key.name, buf, off, compression)
			}
		}
	}
	if err != nil || size > dns.MaxMsgSize {
		return records{}, false
	}
	plain := size - begin
	return records{string(buf[begin:off]), uint16(len(e.answer)), uint16(len(e.ns)), uint16(plain)}, true //nolint:gosec // G115: bounded by size
}

// packRecord packs a record at off. For an owner that is the name of the question, it
// packs the root one octet further, and then overwrites it with a compression pointer.
func packRecord(rr dns.RR, name string, buf []byte, off int, compression map[string]int) (int, error) {
	h := rr.Header()
	if !strings.EqualFold(h.Name, name) || name == "." {
		return dns.PackRR(rr, buf, off, compression, true)
	}
	owner := h.Name
	h.Name = "."
	end, err := dns.PackRR(rr, buf, off+1, compression, true)
	h.Name = owner
	if err == nil {
		buf[off], buf[off+1] = 0xc0, questionAt
	}
	return end, err
}

// unpack returns new records for a client that has asked for name.
func (p *records) unpack(name string) (answer, ns []dns.RR) {
	buf := make([]byte, questionAt+len(name)+1+4+len(p.octets)) // the octets of a name, and one more, are its text at most
	off, err := dns.PackDomainName(name, buf, questionAt, nil, false)
	if err != nil {
		return nil, nil // not the name of a question that was decoded
	}
	u := unpacker{msg: append(buf[:off+4], p.octets...), off: off + 4, name: name}
	return u.section(int(p.answers)), u.section(int(p.authority))
}

// An unpacker decodes records. The owner of most records is the name of the question or
// the target of the previous CNAME record, which are not decoded again.
type unpacker struct {
	msg      []byte
	off      int
	name     string
	targetAt int
	target   string
}

func (u *unpacker) section(n int) []dns.RR {
	if n == 0 {
		return nil
	}
	rrs := make([]dns.RR, 0, n)
	for range n {
		rr := u.next()
		if rr == nil {
			return nil
		}
		rrs = append(rrs, rr)
	}
	return rrs
}

func (u *unpacker) next() dns.RR {
	owner := u.owner()
	head := u.msg[u.off:]
	if owner == "" {
		return u.any("")
	}
	h := dns.RR_Header{
		Name: owner, Rrtype: binary.BigEndian.Uint16(head[2:]), Class: binary.BigEndian.Uint16(head[4:]),
		Ttl: binary.BigEndian.Uint32(head[6:]), Rdlength: binary.BigEndian.Uint16(head[10:]),
	}
	data := u.off + 2 + recordHead
	end := data + int(h.Rdlength)
	switch h.Rrtype {
	case dns.TypeA:
		u.off = end
		return &dns.A{Hdr: h, A: u.msg[data:end:end]}
	case dns.TypeAAAA:
		u.off = end
		return &dns.AAAA{Hdr: h, AAAA: u.msg[data:end:end]}
	case dns.TypeCNAME:
		target, _, err := dns.UnpackDomainName(u.msg, data)
		if err != nil {
			return nil
		}
		u.targetAt, u.target, u.off = data, target, end
		return &dns.CNAME{Hdr: h, Target: target}
	}
	return u.any(owner)
}

// owner returns the owner of the next record if it is a compression pointer to a decoded
// name, otherwise "".
func (u *unpacker) owner() string {
	if u.msg[u.off] < 0xc0 {
		return ""
	}
	switch int(binary.BigEndian.Uint16(u.msg[u.off:]) & 0x3fff) {
	case questionAt:
		return u.name
	case u.targetAt:
		return u.target
	}
	return ""
}

func (u *unpacker) any(owner string) dns.RR {
	rr, end, err := dns.UnpackRR(u.msg, u.off)
	if err != nil {
		return nil
	}
	if owner != "" {
		rr.Header().Name = owner
	}
	u.off = end
	return rr
}
