package source

import (
	"encoding/binary"
	"iter"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// packed has the endpoints of a file in few objects. The list of a source has their names,
// and they are needed again only when a file changes: an endpoint may be in several
// files. Most texts differ from those of the endpoint before in a few characters, so each
// text is stored as its difference, and the differences are compressed. An endpoint needs
// some 10 to 30 bytes, and as a struct 600. The alternative, to read the unchanged files
// again, would lose the endpoints of a file that is broken or gone by then.
type packed struct {
	pieces  pieces
	parents []string // of resource IDs: all up to the last slash
	number  int
}

// maxParents bounds the parents, because each endpoint may have its own.
const maxParents = 4096

// A packer adds endpoints.
type packer struct {
	packed
	last unpacked
	w    writer
}

// unpacked has the texts that the next endpoint is compared with.
type unpacked struct {
	privateendpoint.Endpoint
	name    privateendpoint.DNSConfig
	address string
}

func (p *packer) add(e *privateendpoint.Endpoint) {
	w, last := &p.w, &p.last
	w.data = w.data[:0]
	w.id(last.ID, e.ID)
	w.text(e.ID, e.Resource)
	w.number(e.Line - last.Line)
	w.text(last.File, e.File)
	w.flags(e.Connected, e.Terraform, e.Manual)
	w.text(last.Status, e.Status)
	w.text(last.Provisioning, e.Provisioning)
	w.id(last.Target, e.Target)
	w.id(last.VNet, e.VNet)
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
	p.pieces.append(w.data)
	p.parents = w.parents
	p.number++
}

// finish returns the endpoints in little memory.
func (p *packer) finish() packed {
	return packed{p.pieces.compact(), p.parents, p.number}
}

// all yields the endpoints in the order in which they were added.
func (p *packed) all() iter.Seq[privateendpoint.Endpoint] {
	return func(yield func(privateendpoint.Endpoint) bool) {
		var last unpacked
		for piece := range p.pieces.all() {
			for r := (reader{piece, p.parents}); len(r.data) > 0; {
				if r.endpoint(&last); !yield(last.Endpoint) {
					return
				}
			}
		}
	}
}

// endpoint replaces the endpoint with the one that follows it.
func (r *reader) endpoint(last *unpacked) {
	e := privateendpoint.Endpoint{ID: r.id(last.ID)}
	e.Resource, e.Line, e.File = r.text(e.ID), last.Line+r.number(), r.text(last.File)
	e.Connected, e.Terraform, e.Manual = r.flags()
	e.Status, e.Provisioning = r.text(last.Status), r.text(last.Provisioning)
	e.Target, e.VNet, e.Groups = r.id(last.Target), r.id(last.VNet), r.text(last.Groups)
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
type writer struct {
	data    []byte
	parents []string
	known   map[string]int // number of the parent, from 1
}

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

// id appends a resource ID: the number of its parent and the difference of its name, or 0
// and the difference of the whole.
func (w *writer) id(before, text string) {
	number, at := 0, parentOf(text)
	if text != before {
		number = w.parent(text[:at])
	}
	w.number(number)
	if number == 0 {
		w.text(before, text)
		return
	}
	w.text(before[parentOf(before):], text[at:])
}

// parent returns the number of a parent, or 0 if there are too many.
func (w *writer) parent(text string) int {
	number, known := w.known[text]
	if known || len(w.parents) == maxParents {
		return number
	}
	if w.known == nil {
		w.known = map[string]int{}
	}
	text = strings.Clone(text) // without the name
	w.parents = append(w.parents, text)
	w.known[text] = len(w.parents)
	return len(w.parents)
}

// parentOf returns the length of the ID without its name.
func parentOf(id string) int { return strings.LastIndexByte(id, '/') + 1 }

// A reader reads the values that a writer has appended.
type reader struct {
	data    []byte
	parents []string
}

func (r *reader) id(before string) string {
	number := r.number()
	if number == 0 {
		return r.text(before)
	}
	return r.parents[number-1] + r.text(before[parentOf(before):])
}

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
