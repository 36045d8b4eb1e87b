package privateendpoint

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A scanner reads a JSON text value by value, and has one value in memory. It finds only
// where values end. Who decodes a value finds its errors.
type scanner struct {
	r      io.Reader
	most   int   // bytes of a value
	err    error // of r
	buffer []byte
	at     int // in the buffer, of the first byte that has not been read
	line   int // of that byte
}

func newScanner(r io.Reader, most int) scanner {
	return scanner{r: r, most: most, buffer: make([]byte, 0, min(most, 64<<10)), line: 1}
}

// peek reads blanks and returns the byte after them, or 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.buffer) || s.fill() {
		switch c := s.buffer[s.at]; c {
		case '\n':
			s.line++
		case ' ', '\t', '\r':
		default:
			return c
		}
		s.at++
	}
	return 0
}

// ended reports whether the whole text has been read.
func (s *scanner) ended() bool {
	s.peek()
	return s.at == len(s.buffer) && errors.Is(s.err, io.EOF)
}

// skip reads the delimiter, and reports false if it does not follow.
func (s *scanner) skip(delimiter byte) bool {
	if s.peek() != delimiter {
		return false
	}
	s.at++
	return true
}

// next reads the value that follows, which is valid until the next call. It reports false,
// and reads nothing, if the value has no end or is too large.
func (s *scanner) next() (element, bool) {
	var size int
	switch s.peek() {
	case '{', '[', '"':
		size = s.bracketed()
	default:
		size = s.word()
	}
	e := element{s.buffer[s.at : s.at+size], s.line}
	if size == 0 || !utf8.Valid(e.RawMessage) {
		return element{}, false
	}
	s.at += size
	s.line += bytes.Count(e.RawMessage, []byte("\n"))
	return e, true
}

// bracketed returns the length of the object, the array or the string that follows, or 0.
func (s *scanner) bracketed() int {
	depth, quoted := 0, false
	for i := s.at; s.reads(&i); i++ {
		switch c := s.buffer[i]; {
		case quoted && c == '\\':
			i++
			continue
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth == 0 && !quoted {
			return i + 1 - s.at
		}
	}
	return 0
}

// word returns the length of the number or the literal that follows, or 0.
func (s *scanner) word() int {
	for i := s.at; s.reads(&i); i++ {
		if strings.IndexByte(blanks+",:]}", s.buffer[i]) >= 0 {
			return i - s.at
		}
	}
	return 0
}

// reads reads until the buffer has a byte at the place, which moves with the buffer. It
// reports false if the text or the room for a value ends before.
func (s *scanner) reads(place *int) bool {
	for *place >= len(s.buffer) {
		*place -= s.at
		if !s.fill() {
			return false
		}
	}
	return true
}

// fill moves the unread bytes to the front of the buffer and reads more. It reports false
// at the end, and if the buffer is full.
func (s *scanner) fill() bool {
	if s.at > 0 {
		s.buffer = s.buffer[:copy(s.buffer, s.buffer[s.at:])]
		s.at = 0
	}
	if len(s.buffer) == cap(s.buffer) {
		if len(s.buffer) >= s.most {
			return false
		}
		s.buffer = slices.Grow(s.buffer, min(len(s.buffer), s.most-len(s.buffer)))
	}
	for n := 0; n == 0 && s.err == nil; {
		n, s.err = s.r.Read(s.buffer[len(s.buffer):cap(s.buffer)])
		s.buffer = s.buffer[:len(s.buffer)+n]
		if n > 0 {
			return true
		}
	}
	return false
}
