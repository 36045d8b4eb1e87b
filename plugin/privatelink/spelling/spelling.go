// Package spelling measures how similar two words are, for messages that suggest a
// correction.
package spelling

import (
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// Nearest returns the name that is meant by a misspelt word, or "". The names are in
// lower case.
func Nearest(word string, names []string) string {
	best, least := "", 3 // two typing errors are likely, three are another word
	for _, name := range names {
		d := Distance(casefold.Lower(word), name)
		if len(word) > 1 && strings.HasPrefix(name, word) {
			d = 0
		}
		if d < least && d < len(word) {
			best, least = name, d
		}
	}
	return best
}

// Distance returns the number of bytes to insert, delete or replace to turn one word
// into the other (Levenshtein).
func Distance(a, b string) int {
	row := make([]int, len(b)+1) // row[j]: from the part of a so far to b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
