// Package value parses the values of Corefile properties. Its errors name the value
// and the rule; the plugin adds the position and the property.
package value

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/spelling"
)

// Unknown returns the error for a property that a plugin does not have.
func Unknown(name string, known []string) error {
	known = slices.Sorted(slices.Values(known))
	text := strings.Join(known, ", ")
	if meant := spelling.Nearest(name, known); meant != "" {
		return fmt.Errorf("unknown property, do you mean %s? The known ones are %s", meant, text)
	}
	return fmt.Errorf("unknown property, the known ones are %s", text)
}

// Wrong returns the error for a number of values that the syntax does not allow.
func Wrong(n int, syntax string) error {
	return fmt.Errorf("%s, the syntax is: %s", count(n), strings.TrimSpace(syntax))
}

func count(n int) string {
	switch n {
	case 0:
		return "no value"
	case 1:
		return "1 value"
	}
	return strconv.Itoa(n) + " values"
}

// One returns the only value. It returns an error for none or several.
func One(args []string) (string, error) {
	if len(args) != 1 {
		return "", fmt.Errorf("%s, one is expected", count(len(args)))
	}
	return args[0], nil
}

// None returns an error if there is a value.
func None(args []string) error {
	if len(args) != 0 {
		return fmt.Errorf("%s, none is expected", count(len(args)))
	}
	return nil
}

// Number parses a whole number from least to most.
func Number(text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a number", text)
	case n < least:
		return 0, fmt.Errorf("%d is below the minimum of %d", n, least)
	case n > most:
		return 0, fmt.Errorf("%d is above the maximum of %d", n, most)
	}
	return n, nil
}

// Duration parses a duration from least to most, in the notation of
// [time.ParseDuration]. The examples, such as "60s or 5m", are for the error.
func Duration(text string, least, most time.Duration, examples string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration, such as %s", text, examples)
	case d < least:
		return 0, fmt.Errorf("%s is below the minimum of %s", text, short(least))
	case d > most:
		return 0, fmt.Errorf("%s is above the maximum of %s", text, short(most))
	}
	return d, nil
}

// short returns the duration as people write it: 24h, not 24h0m0s.
func short(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
