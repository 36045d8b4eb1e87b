//go:build unix

package atomicfile

import (
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Writable returns the error that Replace would have because this user must not write to
// the folder of the file. It writes nothing.
func Writable(path string) error {
	path, err := Target(path)
	if err != nil {
		return err
	}
	if err := unix.Access(filepath.Dir(path), unix.W_OK|unix.X_OK); err != nil {
		return &fs.PathError{Op: "open", Path: Temporary(path), Err: err}
	}
	return nil
}
