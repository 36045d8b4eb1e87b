package privatelink

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/atomicfile"
)

// A filePattern is a value of files, hosts or zonefile.
type filePattern struct {
	property, written string
	path              string // below root
}

// addState sets the state file, in the short spelling of its path.
func (p *parser) addState(file string) error {
	if file == "" {
		return errors.New("the path of a file is expected")
	}
	p.state = filepath.Clean(p.path(file))
	p.afterBlock("state", nil, func([]string) error { return p.checkState(file) })
	return nil
}

// checkState rejects a state file that is a file of the block's sources as well: the
// source would fail at it, or serve the records of the last run.
func (p *parser) checkState(file string) error {
	state, err := absolute(p.state)
	if err != nil {
		return fmt.Errorf("%q: %w", file, err)
	}
	for _, pattern := range p.files {
		for _, path := range []string{state, atomicfile.Temporary(state)} {
			if pattern.matches(path) {
				return fmt.Errorf("%q: %s %s matches %s, which is not a source: write the state to another folder", file, pattern.property, pattern.written, path)
			}
		}
	}
	return nil
}

// absolute returns the path by which blocks share a state file, or "" for none.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}

// literal writes a path as a pattern.
var literal = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")

// matches reports whether the pattern matches an absolute path. A relative pattern
// begins at the working directory.
func (f filePattern) matches(path string) bool {
	pattern := filepath.Clean(f.path)
	if !filepath.IsAbs(pattern) {
		here, err := filepath.Abs(".")
		if err != nil {
			return false
		}
		pattern = filepath.Join(literal.Replace(here), pattern)
	}
	ok, _ := filepath.Match(pattern, path)
	return ok
}
