package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// ErrNoFile is the error of a pattern that has never matched a file. To a check
// of the Corefile it is less than a broken file: the export may come later.
var ErrNoFile = errors.New("no such file")

// maxFileSize is far above the export of the largest subscription (about 3 kB an
// endpoint) and far below what would hurt.
const maxFileSize = 64 << 20

// A fileSet is the files that patterns match, each with what it was decoded to
// when it last was in order: a T.
type fileSet[T any] struct {
	patterns []string
	decode   func(path string, data []byte) (T, error)

	matched []bool // by pattern: it has matched a file once
	files   map[string]*file[T]
}

type file[T any] struct {
	info fs.FileInfo // when it was read last; nil if it must be read again

	good  bool // content has been in order once
	value T
	err   error // of the last attempt
}

func newFileSet[T any](patterns []string, decode func(string, []byte) (T, error)) *fileSet[T] {
	return &fileSet[T]{patterns: patterns, decode: decode, matched: make([]bool, len(patterns)), files: map[string]*file[T]{}}
}

// refresh looks at every file and reads those that changed. The error joins
// what is wrong with any file; complete tells that every one has been good once.
func (s *fileSet[T]) refresh() (changed, complete bool, err error) {
	paths, errs := s.paths()
	complete = len(errs) == 0
	for path := range s.files {
		if _, found := slices.BinarySearch(paths, path); !found {
			delete(s.files, path)
			changed = true
		}
	}
	for _, path := range paths {
		f := s.files[path]
		if f == nil {
			f = &file[T]{}
			s.files[path] = f
		}
		changed = s.read(path, f) || changed
		complete = complete && f.good
		if f.err != nil {
			errs = append(errs, f.err)
		}
	}
	return changed, complete, errors.Join(errs...)
}

// paths returns the files there are, sorted: those that the patterns match, and
// those of before that are only hidden by an unreadable folder. A file counts
// as gone when the system says that it does not exist, and not before.
func (s *fileSet[T]) paths() (paths []string, errs []error) {
	for i, pattern := range s.patterns {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", pattern, err))
			continue
		}
		// A mounted ConfigMap has folders beside the files that a * matches, too.
		matches = slices.DeleteFunc(matches, isFolder)
		s.matched[i] = s.matched[i] || len(matches) > 0
		switch {
		case !s.matched[i] && isFolder(pattern):
			errs = append(errs, fmt.Errorf("%s: a folder, write a pattern for the files in it, such as %s", pattern, filepath.Join(pattern, "*.json")))
		case !s.matched[i]:
			errs = append(errs, fmt.Errorf("%s: %w", pattern, ErrNoFile))
		}
		paths = append(paths, matches...)
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	var hidden []string
	for path := range s.files {
		if _, found := slices.BinarySearch(paths, path); found {
			continue
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			hidden = append(hidden, path)
		}
	}
	paths = append(paths, hidden...)
	slices.Sort(paths)
	return paths, errs
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// read brings f up to date and reports whether its value changed. A file with
// an error keeps its last good value.
func (s *fileSet[T]) read(path string, f *file[T]) (changed bool) {
	info, err := os.Stat(path)
	if err != nil {
		f.err, f.info = err, nil
		return false
	}
	if f.info != nil && unchanged(f.info, info) {
		return false
	}
	f.info = info
	data, err := load(path)
	if err != nil {
		// To be tried again: a change of permissions alters neither size nor time.
		f.err, f.info = err, nil
		return false
	}
	value, err := s.decode(path, data)
	if err != nil {
		f.err = fmt.Errorf("%s: %w", path, err)
		return false
	}
	f.value, f.good, f.err = value, true, nil
	return true
}

// unchanged compares the file itself, too: one that took its place by a rename
// may have its size and its time.
func unchanged(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}

// load returns the text of a regular file. What it is counts once it is open: a
// named pipe that took a file's place would never end, nor would its opening.
func load(path string) (text []byte, err error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	tooLarge := fmt.Errorf("%s: larger than the limit of %d bytes", path, maxFileSize)
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case info.Size() > maxFileSize:
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxFileSize: // it grows
		return nil, tooLarge
	}
	// PowerShell writes UTF-16 with a byte order mark, some editors UTF-8 with one.
	text, _, err = transform.Bytes(unicode.BOMOverride(unicode.UTF8.NewDecoder()), data)
	if err == nil && bytes.IndexByte(text[:min(len(text), 80)], 0) >= 0 {
		err = fmt.Errorf("%s: not UTF-8 text; UTF-16 needs a byte order mark", path)
	}
	return text, err
}

// values returns the last good value of each file, in the order of the paths.
func (s *fileSet[T]) values() (all []T) {
	paths := make([]string, 0, len(s.files))
	for path, f := range s.files {
		if f.good {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		all = append(all, s.files[path].value)
	}
	return all
}
