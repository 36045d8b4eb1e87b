//go:build unix

package state

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe or a folder instead of the file is an error. Opening it does not block.
func TestNotAFile(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, folder} {
		if _, err := Load(path); err == nil || err.Error() != path+": not a regular file" {
			t.Errorf("Load = %v; want an error", err)
		}
		if err := Save(path, sample("10.0.0.1")); err == nil || err.Error() != path+": not a regular file" {
			t.Errorf("Save = %v; want an error", err)
		}
	}
}
