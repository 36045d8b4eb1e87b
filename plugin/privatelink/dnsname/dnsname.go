// Package dnsname defines [Name], a validated and normalized domain name. [Parse]
// and [ParseOwner] are the only ways to make one from input, so that no other code
// has to validate or compare names without case.
package dnsname

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// A Name is an absolute domain name in lower case with its trailing dot, at
// most 255 octets on the wire in labels of 1 to 63 octets (RFC 1035, 2.3.4)
// of letters, digits, hyphens and underscores. The first label of an owner name
// may be "*", a wildcard (RFC 4592). The zero value is not a valid name.
type Name string

// MaxText is the length of the longest name with its trailing dot: one octet less
// than on the wire.
const MaxText = 254

const maxLabel = 63

// Parse returns s as a Name without a wildcard. It accepts upper case and a
// missing or present trailing dot. The error has the value and the rule that it
// breaks.
func Parse(s string) (Name, error) { return parse(s, "") }

// ParseOwner is Parse for the owner name of a record, which may be a wildcard.
func ParseOwner(s string) (Name, error) {
	if strings.Contains(strings.TrimPrefix(s, wildcard), "*") {
		return "", fmt.Errorf("%s: '*' is allowed only as the whole first label", quote(s))
	}
	return parse(s, wildcard)
}

const wildcard = "*."

// parse does not check the labels of the prefix.
func parse(s, prefix string) (Name, error) {
	text := casefold.Lower(strings.TrimSuffix(s, "."))
	if text == "" {
		return "", errors.New("the domain name is empty")
	}
	if len(text)+1 > MaxText {
		return "", fmt.Errorf("%s: a domain name has at most %d characters, this one has %d", quote(s), MaxText-1, len(text))
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(text, prefix), ".") {
		if err := checkLabel(label); err != nil {
			return "", fmt.Errorf("%s: %w", quote(s), err)
		}
	}
	return Name(text + "."), nil
}

// CutSuffix returns n without parent and without the dot between them: "a.b" for
// a.b.example. and example., and "" if n is parent. It reports false if n is
// neither parent nor below it.
func (n Name) CutSuffix(parent Name) (relative string, ok bool) {
	if n == parent {
		return "", true
	}
	if parent == "." {
		return n.String(), true
	}
	relative, ok = strings.CutSuffix(string(n), string(parent))
	if !ok {
		return "", false
	}
	return strings.CutSuffix(relative, ".")
}

// BelowAny reports whether n is one of the names or below one of them.
func (n Name) BelowAny(names []Name) bool {
	return slices.ContainsFunc(names, func(parent Name) bool {
		_, below := n.CutSuffix(parent)
		return below
	})
}

// Child returns labels.n. The error is that of ParseOwner.
func (n Name) Child(labels string) (Name, error) { return ParseOwner(labels + "." + string(n)) }

// String returns the name without its trailing dot, as people write it. The root is
// ".".
func (n Name) String() string {
	if n == "." {
		return "."
	}
	return strings.TrimSuffix(string(n), ".")
}

// Join returns the names as text, each without its last dot.
func Join(names []Name, separator string) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = name.String()
	}
	return strings.Join(texts, separator)
}

// MarshalText implements encoding.TextMarshaler.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It is ParseOwner.
func (n *Name) UnmarshalText(text []byte) (err error) {
	*n, err = ParseOwner(string(text))
	return err
}

func checkLabel(label string) error {
	switch {
	case label == "":
		return errors.New("a label is empty")
	case len(label) > maxLabel:
		return fmt.Errorf("label %s has %d characters, at most %d are allowed", quote(label), len(label), maxLabel)
	}
	for _, c := range label {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return fmt.Errorf("%s is not allowed in a domain name", letter(c))
		}
	}
	return nil
}

// letter quotes a character. A letter outside of ASCII has its code point, because it may
// look like a letter that is allowed.
func letter(c rune) string {
	if c < utf8.RuneSelf || !unicode.IsLetter(c) {
		return fmt.Sprintf("%q", c)
	}
	return fmt.Sprintf("%q (%U)", c, c)
}

// quote keeps a message readable when the value is a page long.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
