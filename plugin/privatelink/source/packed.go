package source

import (
	"encoding/binary"
	"iter"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// packed has the endpoints of a file in few objects. The list of a source has their names,
// and they are needed again only when a file changes: an endpoint may be in several
// files. Most texts differ from those of the endpoint before in a few characters, so each
// text is stored as its difference. An endpoint with one name needs about 50 bytes, and
// as a struct 600. The alternative, to read the unchanged files again, would lose the
// endpoints of a file that is broken or gone by then.
type packed struct {
	chunks [][]byte // each with whole endpoints
	number int
}

const chunkSize = 64 << 10

// A packer adds endpoints.
type packer struct {
	packed
	last unpacked
}

// unpacked has the texts that the next endpoint is compared with.
type unpacked struct {
	privateendpoint.Endpoint
	name    privateendpoint.DNSConfig
	address string
}

func (p *packer) add(e *privateendpoint.Endpoint) {
	if n := len(p.chunks); n == 0 || len(p.chunks[n-1]) > chunkSize*3/4 {
		p.chunks = append(p.chunks, make([]byte, 0, chunkSize))
	}
	w, last := writer{p.chunks[len(p.chunks)-1]}, &p.last
	w.text(last.ID, e.ID)
	w.text(e.ID, e.Resource)
	w.number(e.Line - last.Line)
	w.text(last.File, e.File)
	w.flags(e.Connected, e.Terraform, e.Manual)
	w.text(last.Status, e.Status)
	w.text(last.Provisioning, e.Provisioning)
	w.text(last.Target, e.Target)
	w.text(last.VNet, e.VNet)
	w.text(last.Groups, e.Groups)
	w.number(len(e.DNS))
	for _, config := range e.DNS {
		w.text(last.name.FQDN, config.FQDN)
		w.number(len(config.Addresses))
		for _, address := range config.Addresses {
			w.text(last.address, address)
			last.address = address
		}
		last.name.FQDN = config.FQDN
	}
	last.Endpoint = *e
	p.chunks[len(p.chunks)-1] = w.data
	p.number++
}

// all yields the endpoints in the order in which they were added.
func (p *packed) all() iter.Seq[privateendpoint.Endpoint] {
	return func(yield func(privateendpoint.Endpoint) bool) {
		var last unpacked
		for _, chunk := range p.chunks {
			for r := (reader{chunk}); len(r.data) > 0; {
				if r.endpoint(&last); !yield(last.Endpoint) {
					return
				}
			}
		}
	}
}

// endpoint replaces the endpoint with the one that follows it.
func (r *reader) endpoint(last *unpacked) {
	e := privateendpoint.Endpoint{ID: r.text(last.ID)}
	e.Resource, e.Line, e.File = r.text(e.ID), last.Line+r.number(), r.text(last.File)
	e.Connected, e.Terraform, e.Manual = r.flags()
	e.Status, e.Provisioning = r.text(last.Status), r.text(last.Provisioning)
	e.Target, e.VNet, e.Groups = r.text(last.Target), r.text(last.VNet), r.text(last.Groups)
	if n := r.number(); n > 0 {
		e.DNS = make([]privateendpoint.DNSConfig, n)
	}
	for i := range e.DNS {
		last.name.FQDN = r.text(last.name.FQDN)
		e.DNS[i].FQDN = last.name.FQDN
		if n := r.number(); n > 0 {
			e.DNS[i].Addresses = make([]string, n)
		}
		for j := range e.DNS[i].Addresses {
			last.address = r.text(last.address)
			e.DNS[i].Addresses[j] = last.address
		}
	}
	last.Endpoint = e
}

// A writer appends values.
type writer struct{ data []byte }

func (w *writer) number(n int) { w.data = binary.AppendVarint(w.data, int64(n)) }

// flags appends three booleans as one byte.
func (w *writer) flags(a, b, c bool) {
	w.data = append(w.data, bit(a)|bit(b)<<1|bit(c)<<2)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// text appends a text as its difference from another one: the lengths of what both begin
// and end with, and what is between. 0 is an equal text.
func (w *writer) text(before, text string) {
	if before == text {
		w.data = append(w.data, 0)
		return
	}
	begin, end, most := 0, 0, min(len(before), len(text))
	for begin < most && before[begin] == text[begin] {
		begin++
	}
	for end < most-begin && before[len(before)-1-end] == text[len(text)-1-end] {
		end++
	}
	between := text[begin : len(text)-end]
	w.data = binary.AppendUvarint(w.data, uint64(begin)+1)      //nolint:gosec // G115: not negative
	w.data = binary.AppendUvarint(w.data, uint64(end))          //nolint:gosec // G115: not negative
	w.data = binary.AppendUvarint(w.data, uint64(len(between))) //nolint:gosec // G115: not negative
	w.data = append(w.data, between...)
}

// A reader reads the values that a writer has appended.
type reader struct{ data []byte }

func (r *reader) number() int {
	n, size := binary.Varint(r.data)
	r.data = r.data[size:]
	return int(n)
}

func (r *reader) length() int {
	n, size := binary.Uvarint(r.data)
	r.data = r.data[size:]
	return int(n) //nolint:gosec // G115: the length of a text
}

func (r *reader) flags() (a, b, c bool) {
	all := r.data[0]
	r.data = r.data[1:]
	return all&1 != 0, all&2 != 0, all&4 != 0
}

func (r *reader) text(before string) string {
	begin := r.length() - 1
	if begin < 0 {
		return before
	}
	end := r.length()
	size := r.length()
	text := before[:begin] + string(r.data[:size]) + before[len(before)-end:]
	r.data = r.data[size:]
	return text
}
