package privateendpoint

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// Stream is Decode without the text in memory: it keeps one resource at a time, and calls
// the functions for each. It returns the number of documents. It reports false if the
// text has an error, or is of a kind that is read as a whole: Decode then reads the text
// or returns the error, and what the functions got is void.
func Stream(r io.Reader, endpoint func(*Endpoint), record func(*RecordSet)) (documents int, ok bool) {
	s := stream{scanner: newScanner(r, maxResource), endpoint: endpoint, record: record}
	return s.documents()
}

// A stream reads documents. Its functions report false for what Decode must read.
type stream struct {
	scanner
	endpoint func(*Endpoint)
	record   func(*RecordSet)
	emitted  int // resources
}

func (s *stream) documents() (number int, ok bool) {
	known := false
	for !s.ended() {
		one, ok := s.document()
		if !ok || number == maxResources {
			return 0, false
		}
		known = known || one
		number++
	}
	return number, known
}

// document reads a document, and returns whether a resource of a known type is in it.
func (s *stream) document() (known, ok bool) {
	switch s.peek() {
	case '[':
		_, known, ok := s.list()
		return known, ok && known
	case '{':
		if e, ok := s.next(); ok {
			return s.object(e)
		}
		return s.large()
	}
	return false, false
}

// object reads a document that is one object.
func (s *stream) object(e element) (known, ok bool) {
	if !json.Valid(e.RawMessage) {
		return false, false
	}
	p, known, err := document{e.RawMessage, e.line}.decode(false)
	return known, err == nil && p.Next == "" && s.emit(&p)
}

// emit calls the functions for the resources of a page.
func (s *stream) emit(p *Page) bool {
	for i := range p.Endpoints {
		s.endpoint(&p.Endpoints[i])
	}
	for i := range p.Records {
		s.record(&p.Records[i])
	}
	s.emitted += len(p.Endpoints) + len(p.Records)
	return s.emitted <= maxResources
}

// list reads an array of resources. It returns their number, and whether one is of a
// known type. An empty array is known.
func (s *stream) list() (n int, known, ok bool) {
	known = true
	ok = s.array(func() bool {
		e, ok := s.next()
		if !ok || e.RawMessage[0] != '{' {
			return false
		}
		var p Page
		added, err := e.add(&p, element.nested)
		known = added || known && n > 0
		n++
		return err == nil && n <= maxResources && s.emit(&p)
	})
	return n, known, ok
}

// array reads an array. The function reads an element.
func (s *stream) array(element func() bool) bool {
	return s.skip('[') && s.separated(']', element)
}

// separated reads values with commas between, and the bracket behind them.
func (s *stream) separated(end byte, value func() bool) bool {
	for first := true; !s.skip(end); first = false {
		if !first && !s.skip(',') || !value() {
			return false
		}
	}
	return true
}

// fields reads an object. The function reads the value of a key, which begins in a line. Keys
// are plain: encoding/json takes letters outside of ASCII for those inside, and Decode finds
// no key that is written with an escape.
func (s *stream) fields(value func(key string, line int) bool) bool {
	return s.skip('{') && s.separated('}', func() bool {
		if s.peek() != '"' {
			return false
		}
		e, ok := s.next()
		key := strings.Trim(string(e.RawMessage), `"`)
		if !ok || strings.ContainsFunc(key, isSpecial) || !s.skip(':') {
			return false
		}
		s.peek()
		return value(key, s.line)
	})
}

func isSpecial(r rune) bool { return r < ' ' || r > '~' || r == '\\' }

// maxFields bounds the values beside the list of a page, each of which is in memory.
const maxFields = 30

// large reads a document that is an object larger than a resource: a page, or the state
// of Terraform.
func (s *stream) large() (known, ok bool) {
	p, state := envelope{}, tfStream{stream: s, line: s.line}
	ok = s.fields(func(key string, line int) bool {
		f := field{key: key, name: casefold.Lower(key), line: line}
		switch first := s.peek(); {
		case first == '[' && isList(f.name) && p.list == "":
			p.list = f.name
			p.size, known, ok = s.list()
			return ok && known
		case first == '{' && key == "values" && state.found == 0 && p.has("format_version"):
			return state.values()
		}
		e, ok := s.next()
		f.value = slices.Clone(e.RawMessage)
		p.fields = append(p.fields, f)
		return ok && json.Valid(f.value) && len(p.fields) < maxFields
	})
	if state.found > 0 {
		return true, ok && p.list == "" && state.only(&p)
	}
	return true, ok && p.list != "" && p.check() == nil && p.next == ""
}
