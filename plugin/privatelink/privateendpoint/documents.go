package privateendpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// A document is one JSON value of a text, and the line where it begins.
type document struct {
	text []byte
	line int
}

// documents returns the JSON values of a text. Several commands may have appended their
// output to one file, jq -c writes one value a line, and az prints warnings beside its
// output. Everything else between the values is an error, and so is a value that does
// not end: the text is then half a listing.
func documents(data []byte) (all []document, err error) {
	at, line, last := 0, 1, len(bytes.TrimRight(data, blanks))
	for {
		begin := at + noise(data[at:])
		line += bytes.Count(data[at:begin], []byte("\n"))
		if begin == len(data) {
			break
		}
		if len(all) == maxResources {
			return nil, fmt.Errorf("line %d: more than %d documents", line, maxResources)
		}
		size, err := document{data[begin:], line}.size(last - begin)
		if err != nil {
			return nil, err
		}
		all = append(all, document{data[begin : begin+size], line})
		line += bytes.Count(data[begin:begin+size], []byte("\n"))
		at = begin + size
	}
	if len(all) == 0 {
		return nil, errors.New("the document is empty")
	}
	return all, nil
}

// size returns the length of the first JSON value of a text that does not begin with
// noise. The text has only blanks from last on.
func (d document) size(last int) (int, error) {
	if json.Valid(d.text[:last]) { // the usual case needs no copy of the value
		return last, nil
	}
	if d.text[0] != '{' && d.text[0] != '[' {
		return 0, d.notJSON()
	}
	value := json.NewDecoder(bytes.NewReader(d.text))
	var syntax *json.SyntaxError
	switch err := value.Decode(new(json.RawMessage)); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return 0, fmt.Errorf("line %d: unexpected end of JSON input", d.lineAt(len(d.text)-1))
	case errors.As(err, &syntax):
		// The offset is behind the offending byte, which may be the end of its line.
		return 0, fmt.Errorf("line %d: %w", d.lineAt(int(syntax.Offset)-1), err)
	case err != nil:
		return 0, fmt.Errorf("line %d: %w", d.line, err)
	}
	return int(value.InputOffset()), nil
}

// lineAt returns the number of the line that has the offset.
func (d document) lineAt(offset int) int {
	return d.line + bytes.Count(d.text[:min(offset, len(d.text))], []byte("\n"))
}

const blanks = " \t\r\n"

var (
	byteOrderMark = []byte("\uFEFF") // of a file that was appended to the one before
	warning       = []byte("WARNING:")
	pythonWarning = regexp.MustCompile(`^\S*\.py:\d+: \w*Warning: `)
)

// noise returns the length of the blanks and warnings before a JSON value.
func noise(data []byte) int {
	rest := data
	for {
		rest = bytes.TrimLeft(rest, blanks)
		switch {
		case bytes.HasPrefix(rest, byteOrderMark):
			rest = rest[len(byteOrderMark):]
		case bytes.HasPrefix(rest, warning):
			_, rest, _ = bytes.Cut(rest, []byte("\n"))
		case pythonWarning.Match(rest[:min(len(rest), 500)]):
			_, rest, _ = bytes.Cut(rest, []byte("\n"))
			if bytes.HasPrefix(rest, []byte("  ")) { // the source line of the warning
				_, rest, _ = bytes.Cut(rest, []byte("\n"))
			}
		default:
			return len(data) - len(rest)
		}
	}
}
