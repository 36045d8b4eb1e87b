package privateendpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// An element is one resource of the document and the line where it begins.
type element struct {
	json.RawMessage
	line int
}

// whole returns the text as one document.
func whole(data []byte) document {
	text := bytes.TrimSpace(data)
	return document{text, 1 + bytes.Count(data[:bytes.Index(data, text)], []byte("\n"))}
}

// resources returns the resources of a valid document and the link to its next page.
// list is the key of the list that they are in, in lower case, or "".
func resources(d document) (elements []element, next, list string, err error) {
	r := &reader{Decoder: json.NewDecoder(bytes.NewReader(d.text)), data: d.text, first: d.line, line: d.line}
	switch open, _ := r.Token(); open {
	case json.Delim('['):
		elements, err = r.array()
		return elements, "", "", err
	case json.Delim('{'):
		return r.object()
	}
	return nil, "", "", fmt.Errorf("line %d: %.40s where an object or an array is expected", d.line, d.text)
}

// A reader walks the outermost level of a document and knows its line.
type reader struct {
	*json.Decoder
	data    []byte
	first   int // line
	counted int // bytes whose lines are counted
	line    int
}

// lineOfNext returns the line of the value that is read next.
func (r *reader) lineOfNext() int {
	at := int(r.InputOffset())
	at += len(r.data[at:]) - len(bytes.TrimLeft(r.data[at:], " \t\r\n,:"))
	r.line += bytes.Count(r.data[r.counted:at], []byte("\n"))
	r.counted = at
	return r.line
}

// array reads the rest of an array.
func (r *reader) array() (all []element, err error) {
	var one json.RawMessage // one buffer for all of them
	for r.More() {
		e := element{line: r.lineOfNext()}
		if err := r.Decode(&one); err != nil {
			return nil, fmt.Errorf("line %d: %w", e.line, err)
		}
		end := r.InputOffset()
		e.RawMessage = r.data[end-int64(len(one)) : end]
		if all = append(all, e); len(all) > maxResources {
			return nil, tooMany(e.line)
		}
	}
	_, err = r.Token()
	return all, err
}

// object reads the rest of an object: a page, if it has a list under "value" or
// "data", else one resource.
func (r *reader) object() (all []element, next, list string, err error) {
	p := envelope{}
	for r.More() {
		key, err := r.Token()
		if err != nil {
			return nil, "", "", err
		}
		written := fmt.Sprint(key)
		name, at := casefold.Lower(written), r.lineOfNext()
		if list := r.data[r.counted] == '['; list && isList(name) {
			err = r.list(&p, name, at)
		} else {
			err = r.field(&p, written, at)
		}
		if err != nil {
			return nil, "", "", err
		}
	}
	if p.list == "" {
		return []element{{r.data, r.first}}, "", "", nil
	}
	if err := p.check(); err != nil {
		return nil, "", "", err
	}
	return p.resources, p.next, p.list, nil
}

func isList(name string) bool { return name == "value" || name == "data" }

// list reads the list of a page.
func (r *reader) list(p *envelope, name string, at int) (err error) {
	switch {
	case p.list == name:
		return fmt.Errorf("line %d: %q is specified more than once", at, name)
	case p.list != "":
		return fmt.Errorf("line %d: %q beside %q: one list is expected", at, name, p.list)
	}
	if _, err := r.Token(); err != nil {
		return err
	}
	p.list = name
	p.resources, err = r.array()
	p.size = len(p.resources)
	return err
}

// field reads a value that is not the list.
func (r *reader) field(p *envelope, key string, at int) error {
	f := field{key: key, name: casefold.Lower(key), line: at}
	if err := r.Decode(&f.value); err != nil {
		return err
	}
	p.fields = append(p.fields, f)
	return nil
}

// An envelope is the part of a page around and beside its resources.
type envelope struct {
	list      string // the key of the list, "" until it is found
	resources []element
	size      int // of the list
	fields    []field
	next      string
}

type field struct {
	key   string // as written
	name  string // the same in lower case
	value json.RawMessage
	line  int
}

// has reports whether the document has the key, beside the list.
func (p *envelope) has(key string) bool {
	return slices.ContainsFunc(p.fields, func(f field) bool { return f.key == key })
}

// check rejects every sign of half a listing that looks whole, and sets the link to
// the next page.
func (p *envelope) check() error {
	seen := map[string]bool{}
	for _, f := range p.fields {
		if err := p.checkField(f, seen); err != nil {
			return fmt.Errorf("line %d: %w", f.line, err)
		}
		seen[f.name] = true
	}
	for _, f := range p.fields {
		if n := f.number(); letters(f.name) == "totalrecords" && p.next == "" && n > p.size {
			return fmt.Errorf("line %d: %q is %d, but the list has %d resources: export all pages", f.line, f.key, n, p.size)
		}
	}
	return nil
}

func (p *envelope) checkField(f field, seen map[string]bool) error {
	switch word := letters(f.name); {
	case f.name == p.list:
		return fmt.Errorf("%q is specified more than once", f.key)
	case isList(f.name):
		return fmt.Errorf("%q beside %q: one list is expected", f.key, p.list)
	case f.name == "nextlink" || word == "skiptoken":
		return p.link(f, seen)
	case continues(word) && !f.empty():
		return fmt.Errorf("the listing continues under %.80q, which is not supported: export all pages", f.key)
	case word == "resulttruncated" && casefold.Equal(string(bytes.Trim(f.value, `"`)), "true"):
		return fmt.Errorf("%q is true, the listing is not whole: export all pages", f.key)
	case word == "error" && !f.empty():
		return fmt.Errorf("an error beside the list: %.80q", f.code())
	}
	return nil
}

// link reads the link to the next page from a field. Null and "" are the last page.
func (p *envelope) link(f field, seen map[string]bool) error {
	var next *string
	switch err := json.Unmarshal(f.value, &next); {
	case err != nil:
		return fmt.Errorf("%q is not a string, so the next page is unknown", f.key)
	case seen[f.name]:
		return fmt.Errorf("%q is specified more than once", f.key)
	case next == nil || *next == "":
		return nil
	case p.next != "":
		return fmt.Errorf("%q is a second link to a next page", f.key)
	}
	p.next = *next
	return nil
}

// letters returns the letters of a key: "@odata.nextLink" is odatanextlink.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, name)
}

// continues reports whether APIs use the key to link to a next page.
func continues(word string) bool {
	for _, part := range []string{"nextlink", "nextpage", "skiptoken", "continuationtoken", "nexttoken"} {
		if strings.Contains(word, part) {
			return true
		}
	}
	return word == "next"
}

func (f field) empty() bool {
	switch string(f.value) {
	case "null", `""`, "false", "{}", "[]":
		return true
	}
	return false
}

// number returns the value as a count, or 0.
func (f field) number() (n int) {
	if json.Unmarshal(f.value, &n) != nil {
		return 0
	}
	return n
}

// code returns the code of an error in ARM's form, or the start of the value.
func (f field) code() string {
	var e struct{ Code string }
	if json.Unmarshal(f.value, &e) == nil && e.Code != "" {
		return e.Code
	}
	return string(f.value)
}

// errorCode returns the code of a document that is an error in ARM's form.
func errorCode(data []byte) string {
	var document struct{ Error struct{ Code string } }
	if json.Unmarshal(data, &document) != nil {
		return ""
	}
	return document.Error.Code
}

// nested rejects a page as an element of a list: its resources would be lost.
func (e element) nested() error {
	var inner struct{ Value, Data json.RawMessage }
	if json.Unmarshal(e.RawMessage, &inner) == nil && (bytes.HasPrefix(inner.Value, []byte("[")) || bytes.HasPrefix(inner.Data, []byte("["))) {
		return errors.New("a page within a list: write each page to its own file, or join their lists")
	}
	return nil
}

// incomplete rejects an element that is not a resource of ARM as a whole: each
// has an ID and a type.
func (e element) incomplete() error {
	var head struct{ ID, Type string }
	if err := json.Unmarshal(e.RawMessage, &head); err != nil {
		return e.inItsWords(err)
	}
	switch {
	case string(e.RawMessage) == "null":
		return errors.New("null where a resource is expected")
	case head.ID == "":
		return errors.New("the resource has no id")
	case head.Type == "":
		return errors.New("the resource has no type and no DNS configuration")
	}
	return nil
}
