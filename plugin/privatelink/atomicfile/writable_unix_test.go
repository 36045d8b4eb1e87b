//go:build unix

package atomicfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// The error is that of Replace.
func TestWritable(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		mode       os.FileMode
		fails      bool
	}{
		{"a folder", "a", 0o700, false},
		{"a folder that is read-only", "a", 0o500, os.Getuid() != 0}, // root may write everywhere
		{"no folder", "none/a", 0o700, true},
	} {
		folder := t.TempDir()
		if err := os.Chmod(folder, tt.mode); err != nil { //nolint:gosec // G302: a folder
			t.Fatal(err)
		}
		path := filepath.Join(folder, tt.path)
		got := Writable(path)
		want := Replace(path, 0o600, func(io.Writer) error { return nil })
		if fmt.Sprint(got) != fmt.Sprint(want) || (got != nil) != tt.fails {
			t.Errorf("%s: %v; want %v", tt.name, got, want)
		}
	}
}
