package command

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/privatelink-dns/privatelink-dns/plugin/printable"
)

// Names of endpoints and files are external input. All that the commands print, as text,
// JSON or CSV, passes through package printable. A test of this package finds a command
// that prints in another way.

// Safe is text that Fprintf prints as it is.
type Safe string

// Fprintf is fmt.Fprintf for whatever a command prints. Each argument but numbers is
// made printable text. The errors of w are its own to keep.
func Fprintf(w io.Writer, format string, args ...any) {
	safe := make([]any, len(args))
	for i, arg := range args {
		safe[i] = safely(arg)
	}
	_, _ = fmt.Fprintf(w, format, safe...)
}

func safely(arg any) any {
	if text, ok := arg.(Safe); ok {
		return string(text)
	}
	kind := reflect.ValueOf(arg).Kind()
	if _, named := arg.(fmt.Stringer); !named && kind >= reflect.Bool && kind <= reflect.Complex128 {
		return arg // a number
	}
	return printable.Text(fmt.Sprint(arg))
}

// lines makes each line of a text printable.
func lines(text string) Safe {
	all := strings.Split(text, "\n")
	for i := range all {
		all[i] = printable.Text(all[i])
	}
	return Safe(strings.Join(all, "\n"))
}

// PrintJSON writes the value as JSON for programs that people look into: indented,
// and with <, > and & as they are.
func PrintJSON(w io.Writer, value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := w.Write(printableJSON(text.Bytes()))
	return err
}

// JSON returns the value on one line.
func JSON(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	return printableJSON(text), err
}

// printableJSON makes the strings of a document printable, the escaped characters
// as well: whoever decodes it may print them.
func printableJSON(document []byte) []byte {
	safe := make([]byte, 0, len(document))
	for len(document) > 0 {
		r, size := utf8.DecodeRune(document)
		if r == '\\' {
			r, size = unescape(document)
		}
		if unicode.IsPrint(r) || r == '\n' && size == 1 { // a newline between two lines
			safe = append(safe, document[:size]...)
		} else {
			safe = utf8.AppendRune(safe, unicode.ReplacementChar)
		}
		document = document[size:]
	}
	return safe
}

// unescape returns the character of an escape as encoding/json writes it, and the
// length of the escape.
func unescape(text []byte) (rune, int) {
	switch text[1] {
	case 'u':
		code, _ := strconv.ParseUint(string(text[2:6]), 16, 16)
		return rune(code), 6
	case '"', '\\':
		return rune(text[1]), 2
	}
	return 0, 2 // \b, \f, \n, \r or \t: a control character
}

// PrintCSV writes rows as comma-separated values. A cell that a spreadsheet would
// take for a formula begins with an apostrophe, which makes it text there.
func PrintCSV(w io.Writer, rows [][]string) error {
	out := csv.NewWriter(w)
	for _, row := range rows {
		safe := make([]string, len(row))
		for i, text := range row {
			safe[i] = cell(text)
		}
		_ = out.Write(safe) // out keeps its error
	}
	out.Flush()
	return out.Error()
}

// formula begins a formula. The wide forms do so in East Asian versions.
const formula = "=+-@\uFF1D\uFF0B\uFF0D\uFF20"

func cell(text string) string {
	text = printable.Text(text)
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune(formula, first) {
		return "'" + text
	}
	return text
}
