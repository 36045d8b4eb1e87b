package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Folders with the same content make the same archive, whatever their times and modes.
func TestPackIsReproducible(t *testing.T) {
	for _, name := range []string{"a.zip", "a.tar.gz"} {
		var archives [][]byte
		for i, mode := range []os.FileMode{0o644, 0o600} {
			folder := filepath.Join(t.TempDir(), "demo-1.0")
			path := filepath.Join(folder, "sub", "file")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("content"), mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, time.Time{}, time.Unix(int64(i), 0)); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), name)
			if err := pack(out, folder, "1795700000"); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			archives = append(archives, content)
		}
		if !bytes.Equal(archives[0], archives[1]) {
			t.Errorf("%s: two builds differ", name)
		}
	}
	if err := pack(filepath.Join(t.TempDir(), "a.zip"), t.TempDir(), ""); err == nil {
		t.Error("no SOURCE_DATE_EPOCH: no error")
	}
}
