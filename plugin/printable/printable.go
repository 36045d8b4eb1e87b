// Package printable has the one rule for external input in log lines, in the output of
// commands and on the page: such text cannot begin a line or move the cursor.
package printable

import (
	"strings"
	"unicode"
)

// Text returns the text with U+FFFD for each character that cannot be printed, a newline
// included. These are the control characters, which move a terminal's cursor, and the
// invisible ones that change the direction of a line.
func Text(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
