package source

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"
)

// ErrNoFile is the error of a pattern that has never matched a file. The command
// validate warns about it only, because the export may come later.
var ErrNoFile = errors.New("no such file")

// A format is a kind of file. T is the type of the decoded content.
type format[T any] interface {
	// decode returns the value of a file. If more content may follow, open is true,
	// and the error is the reason why the file is not considered complete, if it never
	// was complete. Otherwise an error means that the file is invalid.
	decode(path string, data []byte, past past[T]) (value T, open bool, err error)

	// unite returns the list of all files.
	unite(values []T) *List

	// count returns [List.Parts] of the files.
	count(paths []string, values []T, list *List) map[string]int

	// none describes the content of a file without endpoints.
	none() string
}

// A fileSet has the files that the patterns match. Its list has the last good
// content of each file. A file that vanishes is not an empty file: missing.go
// decides when its names are removed.
type fileSet[T any] struct {
	format   format[T]
	patterns []pattern
	files    map[string]*file[T]
	list     *List
	counted  map[string]int // Parts of the list, without those that are only remembered

	remembered map[string]int // Parts of an earlier process
	vanished   *batch         // the last batch
	grown      time.Time      // when a file last appeared or reappeared
	fetched    time.Time      // when the last fetch began
}

// A pattern is in the syntax of filepath.Match.
type pattern struct {
	text   string
	listed bool  // its folders have been read once
	err    error // of the last attempt
	live   bool  // it matches a regular file
	known  bool  // it matches a file with names that vanished
	exists bool  // it matches anything
	kept   int   // names that are lost with its vanished files
}

func newFileSet[T any](patterns []string, format format[T]) *fileSet[T] {
	s := &fileSet[T]{format: format, files: map[string]*file[T]{}, remembered: map[string]int{}}
	for _, text := range patterns {
		s.patterns = append(s.patterns, pattern{text: text})
	}
	return s
}

// fetch checks every file and reads the changed ones. If nothing changed, it returns
// the same list as before. The error joins the errors of all files.
func (s *fileSet[T]) fetch() (*List, error) {
	now := time.Now()
	s.find(now)
	changed := s.refresh() || s.list == nil
	if changed {
		s.rebuild()
	}
	if s.follow(now) || changed {
		s.weigh()
	}
	if s.drop(now) {
		s.rebuild()
		s.weigh()
	}
	s.fetched = now
	if complete := s.complete(); complete != s.list.Complete {
		list := *s.list
		list.Complete = complete
		s.list = &list
	}
	return s.list, errors.Join(s.errors()...)
}

// find adds the files that the patterns match.
func (s *fileSet[T]) find(now time.Time) {
	for i := range s.patterns {
		p := &s.patterns[i]
		var paths []string
		paths, p.err = glob(p.text)
		p.listed = p.listed || p.err == nil
		for _, path := range paths {
			f := s.files[path]
			if f == nil {
				// A mounted ConfigMap has folders beside the files, which a * matches.
				if isFolder(path) {
					continue
				}
				f = s.add(path)
				s.grown = now
			}
			f.in[i] = true
		}
	}
}

func (s *fileSet[T]) add(path string) *file[T] {
	f := &file[T]{in: make([]bool, len(s.patterns))}
	s.files[path] = f
	return f
}

// refresh reads the changed files and reports whether a value changed.
func (s *fileSet[T]) refresh() (changed bool) {
	for i := range s.patterns {
		p := &s.patterns[i]
		p.live, p.known, p.exists = false, false, false
	}
	for path, f := range s.files {
		changed = f.refresh(path, s.format) || changed
		for i := range s.patterns {
			if p := &s.patterns[i]; f.in[i] {
				p.live = p.live || f.regular && !f.gone
				p.known = p.known || f.gone && f.known()
				p.exists = p.exists || !f.gone
			}
		}
	}
	return changed
}

func (s *fileSet[T]) paths() []string { return slices.Sorted(maps.Keys(s.files)) }

// values returns the paths and the values of the files that are not in without.
func (s *fileSet[T]) values(without map[string]bool) (paths []string, values []T) {
	for _, path := range s.paths() {
		if f := s.files[path]; f.some && !without[path] {
			paths, values = append(paths, path), append(values, f.value)
		}
	}
	return paths, values
}

func (s *fileSet[T]) rebuild() {
	paths, values := s.values(nil)
	s.list = s.format.unite(values)
	if len(paths) == 1 { // the usual case needs no maps of all names
		s.counted = map[string]int{paths[0]: len(namesOf(s.list.Entries))}
	} else {
		s.counted = s.format.count(paths, values, s.list)
	}
	s.list.Parts = maps.Clone(s.counted)
	for key := range s.remembered {
		if n := s.missed(key, nil); n > 0 {
			s.list.Parts[key] = max(s.list.Parts[key], n)
		}
	}
	s.list.Complete = s.complete()
}

// complete reports whether every file of the source has been read completely.
func (s *fileSet[T]) complete() bool {
	for i := range s.patterns {
		if p := &s.patterns[i]; !p.listed || !p.exists && !p.known {
			return false
		}
	}
	for _, f := range s.files {
		if !f.good {
			return false
		}
	}
	return true
}

// errors returns the current errors. Their texts stay the same while they last, so
// that each is logged once.
func (s *fileSet[T]) errors() (errs []error) {
	for i := range s.patterns {
		if err := s.wrong(&s.patterns[i]); err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, s.losses()...)
	for _, path := range s.paths() {
		f := s.files[path]
		if err := cmp.Or(f.err, f.bad); err != nil && !f.gone {
			errs = append(errs, err)
		}
	}
	return errs
}

// wrong returns the error of a pattern.
func (s *fileSet[T]) wrong(p *pattern) error {
	switch {
	case p.err != nil:
		return fmt.Errorf("%s: %w", p.text, p.err)
	case p.live:
		return nil
	case p.known:
		return s.noMatch(p)
	case !p.exists && isFolder(p.text):
		return fmt.Errorf("%s: a folder, write a pattern for the files in it, such as %s", p.text, filepath.Join(p.text, "*.json"))
	case !p.exists:
		return fmt.Errorf("%s: %w", p.text, ErrNoFile)
	}
	return nil
}
