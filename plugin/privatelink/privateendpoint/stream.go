package privateendpoint

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"
)

// Stream is Decode for a text that is one array of resources, as Azure CLI and
// PowerShell write it. It keeps one resource at a time in memory and calls the functions
// for each. It reports false if the text is not such an array, or has an error: Decode
// then reads the text or returns the error, and what the functions got is void.
func Stream(r io.Reader, endpoint func(*Endpoint), record func(*RecordSet)) bool {
	a := array{r: r, buffer: make([]byte, 0, 64<<10), line: 1}
	for n, known := 0, true; ; n++ {
		e, ok := a.next()
		if !ok || n > maxResources {
			return false
		}
		if e.RawMessage == nil {
			return known
		}
		var p Page
		added, err := e.add(&p, element.nested)
		if err != nil {
			return false
		}
		known = added || known && n > 0
		for i := range p.Endpoints {
			endpoint(&p.Endpoints[i])
		}
		for i := range p.Records {
			record(&p.Records[i])
		}
	}
}

// An array is read element by element. It has objects only.
type array struct {
	r      io.Reader
	err    error // of r
	buffer []byte
	at     int // in the buffer, of the first byte that has not been read
	line   int // of that byte
	begun  bool
}

// next returns the next element, which is valid until the next call, or an empty one at
// the end of the text. It reports false if the text is not an array of objects. It finds
// the ends of objects only: who decodes an object finds its other errors.
func (a *array) next() (e element, ok bool) {
	first := !a.begun
	if a.begun = true; first && !a.skip('[') {
		return element{}, false
	}
	if a.skip(']') {
		a.peek()
		return element{}, a.at == len(a.buffer) && errors.Is(a.err, io.EOF)
	}
	if !first && !a.skip(',') || a.peek() != '{' {
		return element{}, false
	}
	e.line = a.line
	size := a.object()
	e.RawMessage = a.buffer[a.at : a.at+size]
	a.at += size
	a.line += bytes.Count(e.RawMessage, []byte("\n"))
	return e, size > 0 && utf8.Valid(e.RawMessage)
}

// skip reads the delimiter, and reports false if it does not follow.
func (a *array) skip(delimiter byte) bool {
	if a.peek() != delimiter {
		return false
	}
	a.at++
	return true
}

// peek reads blanks and returns the byte after them, or 0 at the end.
func (a *array) peek() byte {
	for a.at < len(a.buffer) || a.fill() {
		switch c := a.buffer[a.at]; c {
		case '\n':
			a.line++
		case ' ', '\t', '\r':
		default:
			return c
		}
		a.at++
	}
	return 0
}

// object returns the length of the object that follows, or 0 if it has no end.
func (a *array) object() int {
	depth, quoted := 0, false
	for i := a.at; ; i++ {
		for i >= len(a.buffer) {
			i -= a.at // fill moves the unread bytes to the front
			if !a.fill() {
				return 0
			}
		}
		switch c := a.buffer[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1 - a.at
			}
		}
	}
}

// fill reads more bytes, and reports false at the end, or if a resource is too large.
func (a *array) fill() bool {
	if a.at > 0 {
		a.buffer = a.buffer[:copy(a.buffer, a.buffer[a.at:])]
		a.at = 0
	}
	if len(a.buffer) == cap(a.buffer) {
		if len(a.buffer) > maxResource {
			return false
		}
		a.buffer = slices.Grow(a.buffer, len(a.buffer))
	}
	for n := 0; n == 0 && a.err == nil; {
		n, a.err = a.r.Read(a.buffer[len(a.buffer):cap(a.buffer)])
		a.buffer = a.buffer[:len(a.buffer)+n]
		if n > 0 {
			return true
		}
	}
	return false
}
