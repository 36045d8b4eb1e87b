package state

import (
	"encoding/json"
	"io"
	"net/netip"
	"strconv"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/atomicfile"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// Save replaces the state file atomically. Its buffer has one record, not the file.
func Save(path string, s State) error {
	return atomicfile.Replace(path, 0o600, func(w io.Writer) error {
		e := &encoder{w: w}
		e.state(s)
		return e.err
	})
}

// An encoder writes JSON in pieces and keeps the first error. encoding/json would
// allocate several times the size of the file.
type encoder struct {
	w    io.Writer
	line []byte
	one  []byte // the text of an ID
	err  error
}

func (e *encoder) flush() {
	if e.err == nil {
		_, e.err = e.w.Write(e.line)
	}
	e.line = e.line[:0]
}

func (e *encoder) raw(text string) { e.line = append(e.line, text...) }

// text appends a JSON string.
func (e *encoder) text(s string) { e.line = quote(e.line, s) }

// id appends an ID as a JSON string.
func (e *encoder) id(id source.ID) {
	e.one, _ = id.AppendText(e.one[:0]) // cannot fail
	e.line = quote(e.line, e.one)
}

// quote appends a JSON string. Names and resource IDs are plain ASCII. encoding/json
// quotes all other text.
func quote[T string | []byte](line []byte, s T) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(string(s)) // a string cannot fail
			return append(line, quoted...)
		}
	}
	return append(append(append(line, '"'), s...), '"')
}

// next begins the element i of an array or an object.
func (e *encoder) next(i int) {
	if i > 0 {
		e.raw(",")
	}
	e.raw("\n")
	e.flush()
}

func (e *encoder) state(s State) {
	e.raw(`{"version": ` + strconv.Itoa(version) + `, "serials": {`)
	for i, zone := range sorted(s.Serials) {
		e.next(i)
		e.text(zone.String())
		e.raw(": " + strconv.FormatUint(uint64(s.Serials[zone]), 10))
	}
	e.raw(`}, "sources": {`)
	for i, name := range sorted(s.Sources) {
		e.next(i)
		e.text(name)
		e.raw(": ")
		e.source(s.Sources[name])
	}
	e.raw("}}\n")
	e.flush()
}

func (e *encoder) source(s Source) {
	e.raw(`{`)
	if s.Partial {
		e.raw(`"partial": true, `)
	}
	e.raw(`"parts": {`)
	for i, part := range sorted(s.Parts) {
		e.next(i)
		e.text(part)
		e.raw(": " + strconv.Itoa(s.Parts[part]))
	}
	e.raw(`}, "entries": [`)
	for i := range s.Entries {
		e.next(i)
		since := uint32(0)
		if i < len(s.Since) {
			since = s.Since[i]
		}
		e.entry(&s.Entries[i], since)
	}
	e.raw("]}")
}

func (e *encoder) entry(entry *source.Entry, since uint32) {
	e.raw(`{"fqdn": `)
	e.text(entry.FQDN.String())
	e.raw(`, "ipAddresses": [`)
	for i, addr := range entry.Addrs {
		if i > 0 {
			e.raw(", ")
		}
		e.address(addr)
	}
	e.raw(`], "endpoint": `)
	e.id(entry.Endpoint)
	if entry.Target != (source.ID{}) {
		e.raw(`, "target": `)
		e.id(entry.Target)
	}
	if since > 0 {
		e.raw(`, "since": ` + strconv.FormatUint(uint64(since), 10))
	}
	e.raw("}")
}

func (e *encoder) address(addr netip.Addr) {
	e.line = append(e.line, '"')
	e.line = addr.AppendTo(e.line)
	e.line = append(e.line, '"')
}
