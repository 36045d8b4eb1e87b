// Package controlgroup creates control groups of version 2 for tests that start
// systemd in namespaces of its own.
package controlgroup

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// New creates a control group, in which a systemd can create its own. The file
// descriptor of its folder is open until the test ends. Without control groups of
// version 2, or without the right to create one, New skips the test.
func New(t testing.TB) (path string, fd int) {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err != nil {
			continue
		}
		path, err := os.MkdirTemp(root, "privatelink-dns-")
		if err != nil {
			t.Skipf("cannot create a control group: %v", err)
		}
		folder, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { folder.Close() })
		return path, int(folder.Fd())
	}
	t.Skip("no control groups of version 2 here")
	return "", 0
}

// Remove removes a control group and those inside it, except those that are busy.
func Remove(path string) {
	var folders []string
	filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error { //nolint:errcheck // a missing folder needs no removal
		if err == nil && d.IsDir() {
			folders = append(folders, path)
		}
		return nil
	})
	for _, folder := range slices.Backward(folders) {
		os.Remove(folder) //nolint:errcheck // some may still be busy; a leftover group is harmless
	}
}
