package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// glob is filepath.Glob with errors. filepath.Glob ignores a folder that cannot
// be read, so that a disk error looks like a folder without files. With an error,
// glob also returns the matches that it found. A folder that does not exist or is a
// file has no matches and is not an error.
func glob(pattern string) (matches []string, err error) {
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, err
	}
	if !hasMeta(pattern) {
		if _, err := os.Lstat(pattern); err != nil {
			return nil, ignoring(ignoring(err, fs.ErrNotExist), syscall.ENOTDIR)
		}
		return []string{pattern}, nil
	}
	dir, file := filepath.Split(pattern)
	dir = withoutSeparator(dir)
	if !hasMeta(dir) {
		return inFolder(dir, file)
	}
	dirs, err := glob(dir)
	errs := []error{err}
	for _, dir := range dirs {
		if !isFolder(dir) {
			continue
		}
		found, err := inFolder(dir, file)
		matches = append(matches, found...)
		// A wildcard also matches folders such as lost+found, which the user did not mean.
		errs = append(errs, ignoring(err, fs.ErrPermission))
	}
	return matches, errors.Join(errs...)
}

// inFolder returns the paths in the folder that match the pattern.
func inFolder(dir, pattern string) (matches []string, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, ignoring(err, fs.ErrNotExist)
	}
	if !info.IsDir() {
		return nil, nil
	}
	folder, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a pipe by now
	if err != nil {
		return nil, ignoring(err, fs.ErrNotExist)
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	slices.Sort(names)
	for _, name := range names {
		if ok, _ := filepath.Match(pattern, name); ok {
			matches = append(matches, filepath.Join(dir, name))
		}
	}
	return matches, err
}

// ignoring returns err, or nil if it is the expected one.
func ignoring(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func hasMeta(path string) bool {
	if runtime.GOOS == "windows" {
		return strings.ContainsAny(path, `*?[`)
	}
	return strings.ContainsAny(path, `*?[\`)
}

// withoutSeparator returns the folder part of filepath.Split as a path.
func withoutSeparator(dir string) string {
	root := len(filepath.VolumeName(dir)) + 1
	switch {
	case dir == "":
		return "."
	case len(dir) > root:
		return dir[:len(dir)-1]
	}
	return dir
}
