// Package atomicfile replaces files atomically, and opens paths that may not be
// regular files.
//
// A reader always finds the complete old or new content, also after a crash of the
// machine. The temporary file has a fixed name, so that the next Replace removes the
// one of a killed process. With random names, such files would accumulate. Therefore
// only one process at a time may replace a file.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Replace replaces the content of the file at path with the output of write. The
// file has the mode afterwards. If path is a symbolic link, its target is replaced.
// After an error the old content stays.
func Replace(path string, mode fs.FileMode, write func(io.Writer) error) error {
	path, err := Target(path)
	if err != nil {
		return err
	}
	temporary := Temporary(path)
	if err := create(temporary, mode, write); err != nil {
		_ = os.Remove(temporary)
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		_ = os.Remove(temporary)
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// Temporary returns the path that Replace writes to before it renames the file.
func Temporary(path string) string { return path + ".tmp" }

// maxLinks bounds the symbolic links that lead from a path to its file, as on Linux.
const maxLinks = 40

// Target returns the path of the file that a path leads to, which need not exist yet. It returns an
// error for anything but a regular file: a named pipe, say, that an operator put there
// by mistake. Links are followed one by one. filepath.EvalSymlinks alone would not do,
// because it returns no path for a link to a file that does not exist.
func Target(path string) (string, error) {
	for at, links := path, 0; ; {
		folder, name := filepath.Split(at) // unlike filepath.Dir, it keeps ".." behind a link
		folder, err := filepath.EvalSymlinks(folder)
		if err != nil {
			return "", err
		}
		at = filepath.Join(folder, name)
		link, err := os.Readlink(at)
		if err != nil { // not a link
			return at, regular(at)
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: leads through more than %d symbolic links: remove the link that leads back", path, maxLinks)
		}
		if !filepath.IsAbs(link) {
			link = folder + string(filepath.Separator) + link
		}
		at = link
	}
}

// regular returns an error for anything but a regular file, or no file.
func regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: not a regular file", path)
	}
	return nil
}

func create(path string, mode fs.FileMode, write func(io.Writer) error) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	text := bufio.NewWriterSize(file, 64<<10)
	return errors.Join(write(text), text.Flush(), file.Chmod(mode), file.Sync(), file.Close())
}

// syncFolder makes the new name survive a crash. Windows cannot sync a folder and
// does not need it.
func syncFolder(path string) {
	if folder, err := os.Open(path); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
}

// Open opens a regular file for reading. It returns an error for anything else.
// It does not wait for the writer of a named pipe.
func Open(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat() // of the open file: the path may lead elsewhere by now
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
