package command

import (
	"fmt"
	"strings"
)

// suggestion returns ", do you mean …?" for a name that is nearly a command's,
// or "".
func suggestion(name string, commands []Command) string {
	best, least := "", 3 // two typing errors are likely, three are another word
	for _, c := range commands {
		d := distance(strings.ToLower(name), c.Name)
		if len(name) > 1 && strings.HasPrefix(c.Name, name) {
			d = 0
		}
		if d < least {
			best, least = c.Name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", do you mean %q?", best)
}

// distance is the number of characters to insert, delete or replace that makes
// one text the other (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // row[j]: from the part of a so far to b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
