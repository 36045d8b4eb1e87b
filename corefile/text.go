package corefile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// read returns the Corefile with this text after the checks that caddy does not have: it
// would serve a block named "}", and end an open block at the end of the file. Instead
// of an empty Corefile it would serve CoreDNS's default. caddy alone reads the files that
// the Corefile imports.
func read(path string, data []byte) (caddy.Input, error) {
	// PowerShell 5 writes UTF-16 with a byte order mark.
	text, _, err := transform.Bytes(unicode.BOMOverride(transform.Nop), data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if at := bytes.IndexByte(text, 0); at >= 0 {
		line := 1 + bytes.Count(text[:at], []byte("\n"))
		return nil, fmt.Errorf("%s:%d: a NUL octet: save the file as UTF-8, or as UTF-16 with a byte order mark", path, line)
	}
	if err := checkBraces(path, text); err != nil {
		return nil, err
	}
	return Input(path, text), nil
}

var errEmpty = errors.New("it is empty: write a server block into it, or restore the file")

// checkBraces returns an error for a brace without its other one, and for a text without
// a directive.
func checkBraces(path string, text []byte) error {
	tokens := caddyfile.NewDispenser(path, bytes.NewReader(text))
	var open []int // the lines
	empty := true
	for tokens.Next() {
		empty = false
		switch {
		case tokens.Val() == "{":
			open = append(open, tokens.Line())
		case tokens.Val() == "}" && len(open) == 0:
			return fmt.Errorf("%s:%d: } without a { before it", path, tokens.Line())
		case tokens.Val() == "}":
			open = open[:len(open)-1]
		}
	}
	if empty {
		return fmt.Errorf("%s: %w", path, errEmpty)
	}
	if len(open) > 0 {
		return fmt.Errorf("%s:%d: { without a } behind it", path, open[len(open)-1])
	}
	return nil
}
