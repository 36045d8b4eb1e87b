package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	// clockTick is above the resolution of every file system's clock (FAT: 2 s).
	clockTick = 3 * time.Second

	// quietAfter is the time for which a file without an end mark must not change
	// before it is considered complete.
	quietAfter = 10 * time.Second
)

// A file is one file of a fileSet, with the value of its last good content.
type file[T any] struct {
	in         []bool // by pattern: it matches the file
	remembered bool   // an earlier process has read it
	names      int    // it had so many names then
	gone       bool   // it does not exist
	regular    bool   // it exists and is a regular file
	batch      *batch // the files that vanished with it; nil unless gone

	err error // of the last read
	bad error // of the last decoding

	value T
	some  bool // value is set
	good  bool // the content has been complete once
	open  bool // more content may follow: decode it again when the file is quiet

	info    fs.FileInfo // before the last read; nil: read it again
	sum     [sha256.Size]byte
	changed time.Time // when the last change was seen
	racy    bool      // a change since the last read may not show in info
}

// past has the earlier state of a file, for decoding it.
type past[T any] struct {
	value      T    // last good value, or the zero value
	good       bool // the content has been complete once
	remembered bool // an earlier process has read it
	names      int  // it had so many names then
	quiet      bool // the file has not changed for quietAfter
}

// known reports whether the file has had names that may be served.
func (f *file[T]) known() bool { return f.some || f.remembered }

// refresh updates f and reports whether its value changed. A file with
// an error keeps its value.
func (f *file[T]) refresh(path string, format format[T]) (changed bool) {
	info := f.stat(path)
	if info == nil {
		f.info = nil
		return false
	}
	now := time.Now()
	again := f.info == nil || !unchanged(f.info, info)
	if !again && !f.racy && !f.ripe(now) {
		return false
	}
	sum, err := scan(path, nil)
	first, since := f.changed.IsZero(), f.changed
	same := !first && sum == f.sum
	if again || !same {
		since = now
	}
	var c content[T]
	decode := !same || !again && f.ripe(now)
	if err == nil && decode {
		quiet := now.Sub(since) >= quietAfter || first && now.Sub(info.ModTime()) > quietAfter
		c, err = f.read(path, past[T]{f.value, f.good, f.remembered, f.names, quiet}, format)
		sum = c.sum
	}
	if err != nil {
		// It is read again: a change of permissions changes neither size nor time.
		f.err, f.info, f.gone = err, nil, errors.Is(err, fs.ErrNotExist)
		return false
	}
	f.info, f.sum, f.changed = info, sum, since
	f.racy = now.Sub(info.ModTime()) < clockTick || now.Sub(f.changed) < clockTick
	return decode && f.take(path, c)
}

// content is what a file has, or the error in it.
type content[T any] struct {
	value T
	open  bool
	bad   error
	sum   [sha256.Size]byte // of the bytes that it was decoded from
}

// A streamer is a format that reads the usual content piece by piece, because a file may
// be as large as all other data of the process. The results are those of decode. It reports
// false for all content that it leaves to decode.
type streamer[T any] interface {
	stream(path string, r io.Reader, past past[T]) (value T, open, ok bool)
}

// read reads and decodes the file. The error is that of reading it.
func (*file[T]) read(path string, past past[T], format format[T]) (c content[T], err error) {
	if s, ok := format.(streamer[T]); ok {
		ok = false
		c.sum, err = scan(path, func(r io.Reader) { c.value, c.open, ok = s.stream(path, r, past) })
		if ok && err == nil {
			return c, nil
		}
	}
	data, sum, err := load(path)
	if err != nil {
		return content[T]{}, err
	}
	c = content[T]{sum: sum}
	c.value, c.open, c.bad = format.decode(path, data, past)
	return c, nil
}

// stat returns the state of a regular file, or nil if it is not a regular file.
func (f *file[T]) stat(path string) fs.FileInfo {
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
		f.gone = true // like a folder that a pattern matches from the start
	case !info.Mode().IsRegular():
		f.err = notRegular(path)
	default:
		f.regular = true
		return info
	}
	return nil
}

// ripe reports whether an open file has not changed for quietAfter.
func (f *file[T]) ripe(now time.Time) bool { return f.open && now.Sub(f.changed) >= quietAfter }

// unchanged also compares the identity of the file, because a file that is renamed
// to its path may have the same size and time.
func unchanged(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}

// take reports whether the value changed.
func (f *file[T]) take(path string, c content[T]) bool {
	f.open, f.bad = c.open, nil
	if c.bad != nil {
		f.bad = fmt.Errorf("%s: %w", path, c.bad)
	}
	if c.bad != nil && !c.open {
		return false
	}
	f.value, f.some, f.good = c.value, true, f.good || !c.open
	return true
}
