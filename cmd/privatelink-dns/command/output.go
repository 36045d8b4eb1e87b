package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
)

// An Output is where a command writes. The zero value of Color and Terminal is
// right for files and pipes.
type Output struct {
	Stdout, Stderr io.Writer
	Color          bool // Stdout shows colours
	Terminal       bool // somebody watches Stderr: progress may be shown there
}

// Standard is the output of this process. Colours are for terminals only, and
// not where NO_COLOR is set (no-color.org).
func Standard() Output {
	return Output{
		Stdout: os.Stdout, Stderr: os.Stderr,
		Color:    isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Terminal: isTerminal(os.Stderr),
	}
}

// A Style is a meaning that has a colour.
type Style int

// The styles.
const (
	Good Style = 32 // green
	Warn Style = 33 // yellow
	Bad  Style = 31 // red
	Bold Style = 1
)

// Paint returns the text in its colour, where there are colours.
func (o Output) Paint(style Style, text string) string {
	if !o.Color {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", style, text)
}

// Progress replaces the line of progress on a terminal; the empty text removes it.
func (o Output) Progress(format string, args ...any) {
	if o.Terminal {
		fmt.Fprintf(o.Stderr, "\r\x1b[K"+format, args...)
	}
}

// PrintJSON writes the value as JSON for programs that people look into: indented,
// and with <, > and & as they are.
func PrintJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// Printable keeps what comes from outside, an endpoint's ID say, from moving a
// terminal's cursor and from making lines of its own.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// Count is the number of things: "no records", "1 record", "2 records".
func Count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
