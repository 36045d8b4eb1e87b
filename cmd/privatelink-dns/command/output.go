package command

import (
	"fmt"
	"io"
	"os"

	"github.com/privatelink-dns/privatelink-dns/plugin/printable"
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
func (o Output) Paint(style Style, text string) Safe {
	text = printable.Text(text)
	if !o.Color {
		return Safe(text)
	}
	return Safe(fmt.Sprintf("\x1b[%dm%s\x1b[0m", style, text))
}

// Progress replaces the line of progress on a terminal; the empty text removes it.
func (o Output) Progress(format string, args ...any) {
	if o.Terminal {
		Fprintf(o.Stderr, "\r\x1b[K"+format, args...)
	}
}

// Warn writes a warning to Stderr. More lines of the text follow it as they are.
func (o Output) Warn(text string) { Fprintf(o.Stderr, "warning: %s\n", lines(text)) }

// Note writes a line to Stderr that is neither a result nor an error.
func (o Output) Note(text string) { Fprintf(o.Stderr, "note: %s\n", text) }

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
