// Package casefold compares texts without regard to case. Other than the
// functions of package strings, it never makes a letter outside of ASCII equal
// to one inside: the Kelvin sign is not k, the long s is not s, and the dotted
// capital I is not i. A name of Azure or of DNS with such a letter is another
// name.
package casefold

import (
	"bytes"
	"strings"
	"unicode"
)

// Lower returns s in lower case.
func Lower(s string) string {
	for i := range len(s) {
		if s[i] >= asciiEnd {
			return strings.Map(lower, s)
		}
	}
	return strings.ToLower(s) // does not copy a text that is in lower case
}

const asciiEnd = 0x80

func lower(r rune) rune {
	if l := unicode.ToLower(r); r < asciiEnd || l >= asciiEnd {
		return l
	}
	return r
}

// Equal reports whether a and b differ at most in case.
func Equal(a, b string) bool { return a == b || Lower(a) == Lower(b) }

// Index returns the position in s of a text in lower case and ASCII, or -1. It is
// a position in s itself: the lower case of a letter may have another length.
func Index(s, text string) int {
	low := []byte(s)
	for i, c := range low {
		if 'A' <= c && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	return bytes.Index(low, []byte(text))
}
