// Package dnsname is the one door through which domain names enter: a [Name]
// has been checked and normalised, and whoever holds one trusts it.
package dnsname

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Name is an absolute domain name in lower case with its trailing dot, at
// most 255 octets on the wire in labels of 1 to 63 octets (RFC 1035, 2.3.4)
// of letters, digits, hyphens and underscores. The zero value is no name.
type Name string

const (
	maxLabel = 63
	maxText  = 254 // with the trailing dot: one octet less than on the wire
)

// Parse returns s as a Name. It accepts upper case and a missing or present
// trailing dot; the error names the value and the rule that it breaks.
func Parse(s string) (Name, error) {
	text := strings.ToLower(strings.TrimSuffix(s, "."))
	if text == "" {
		return "", errors.New("the domain name is empty")
	}
	if len(text)+1 > maxText {
		return "", fmt.Errorf("%s: a domain name has at most %d characters, this one has %d", quote(s), maxText-1, len(text))
	}
	for label := range strings.SplitSeq(text, ".") {
		if err := checkLabel(label); err != nil {
			return "", fmt.Errorf("%s: %w", quote(s), err)
		}
	}
	return Name(text + "."), nil
}

// Below returns what stands before parent in n, without the dot between them:
// "a.b" for a.b.example. below example., and "" for example. itself. It
// reports false where n is neither parent nor below it.
func (n Name) Below(parent Name) (labels string, ok bool) {
	if n == parent {
		return "", true
	}
	if parent == "." {
		return n.String(), true
	}
	labels, ok = strings.CutSuffix(string(n), string(parent))
	if !ok {
		return "", false
	}
	return strings.CutSuffix(labels, ".")
}

// BelowAny tells whether n is one of the names, or below one of them.
func (n Name) BelowAny(names []Name) bool {
	return slices.ContainsFunc(names, func(parent Name) bool {
		_, below := n.Below(parent)
		return below
	})
}

// Child returns the name that has labels before n. The error is Parse's.
func (n Name) Child(labels string) (Name, error) { return Parse(labels + "." + string(n)) }

// String returns the name without its trailing dot, as people write it; the root
// keeps its.
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

// UnmarshalText implements encoding.TextUnmarshaler; the door is the same.
func (n *Name) UnmarshalText(text []byte) (err error) {
	*n, err = Parse(string(text))
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
			return fmt.Errorf("%q is not allowed in a domain name", c)
		}
	}
	return nil
}

// quote keeps a message readable when the value is a page long.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
