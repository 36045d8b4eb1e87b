package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

const (
	// clockTick is above the resolution of every file system's clock (FAT: 2 s).
	clockTick = 3 * time.Second

	// quietAfter is how long a file without an end mark must not change before it
	// counts as whole.
	quietAfter = 10 * time.Second
)

// A file is one file of a fileSet, with the value of its last good content.
type file[T any] struct {
	in         []bool // by pattern: it matches the file
	remembered bool   // a process before this one has read it
	gone       bool   // it does not exist
	regular    bool   // it exists and is a regular file
	batch      *batch // the files that vanished with it, nil unless gone

	err error // why it cannot be read
	bad error // what is wrong with its content

	value T
	some  bool // value is set
	good  bool // value has been whole once
	open  bool // more content may follow: decode it again when the file is quiet

	info    fs.FileInfo // before the last read; nil: read it again
	sum     [sha256.Size]byte
	changed time.Time // when a change of the file was seen last
	racy    bool      // a change since the last read may not show in info
}

// past is what a format knows about a file when it decodes it.
type past[T any] struct {
	value      T    // before, the zero value at first
	good       bool // the file has been whole once
	remembered bool // a process before this one has read it
	quiet      bool // the file has not changed for quietAfter
}

// known reports whether the file has had names that may be served.
func (f *file[T]) known() bool { return f.some || f.remembered }

// refresh brings f up to date and reports whether its value changed. A file with
// an error keeps its value.
func (f *file[T]) refresh(path string, format format[T]) (changed bool) {
	info := f.look(path)
	if info == nil {
		f.info = nil
		return false
	}
	now := time.Now()
	again := f.info == nil || !unchanged(f.info, info)
	if !again && !f.racy && !f.ripe(now) {
		return false
	}
	data, err := load(path)
	if err != nil {
		// It is read again: a change of permissions changes neither size nor time.
		f.err, f.info, f.gone = err, nil, errors.Is(err, fs.ErrNotExist)
		return false
	}
	sum, first := sha256.Sum256(data), f.changed.IsZero()
	same := !first && sum == f.sum
	if again || !same {
		f.changed = now
	}
	f.info, f.sum = info, sum
	f.racy = now.Sub(info.ModTime()) < clockTick || now.Sub(f.changed) < clockTick
	if same && !f.ripe(now) {
		return false
	}
	quiet := now.Sub(f.changed) >= quietAfter || first && now.Sub(info.ModTime()) > quietAfter
	return f.decode(path, data, quiet, format)
}

// look returns the state of a regular file, nil of anything else.
func (f *file[T]) look(path string) fs.FileInfo {
	info, err := os.Stat(path)
	f.gone, f.regular, f.err = false, false, nil
	switch {
	case errors.Is(err, fs.ErrNotExist):
		link, err := os.Lstat(path)
		switch {
		case err == nil && link.Mode()&fs.ModeSymlink != 0:
			f.err = fmt.Errorf("%s: a symbolic link to a file that does not exist", path)
		case err == nil, errors.Is(err, fs.ErrNotExist):
			f.gone = true
		default:
			f.err = err
		}
	case err != nil:
		f.err = err
	case info.IsDir() && !f.known():
		f.gone = true // as a folder that a pattern matches from the start
	case !info.Mode().IsRegular():
		f.err = notRegular(path)
	default:
		f.regular = true
		return info
	}
	return nil
}

// ripe reports whether an open file has not changed for long enough.
func (f *file[T]) ripe(now time.Time) bool { return f.open && now.Sub(f.changed) >= quietAfter }

// unchanged also compares the identity of the file: one that replaced it by a
// rename may have its size and its time.
func unchanged(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}

// decode reports whether the value changed.
func (f *file[T]) decode(path string, data []byte, quiet bool, format format[T]) bool {
	value, open, err := format.decode(path, data, past[T]{f.value, f.good, f.remembered, quiet})
	f.open, f.bad = open, nil
	if err != nil {
		f.bad = fmt.Errorf("%s: %w", path, err)
	}
	if err != nil && !open {
		return false
	}
	f.value, f.some, f.good = value, true, f.good || !open
	return true
}
