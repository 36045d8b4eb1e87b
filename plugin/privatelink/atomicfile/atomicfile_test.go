package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a")
	failure := errors.New("it rains")
	for _, tt := range []struct {
		name, path, text string
		err              error
		want             string // content afterwards
	}{
		{"a new file", path, "one", nil, "one"},
		{"one that is there", path, "two", nil, "two"},
		{"an error", path, "thr", failure, "two"},
		{"no folder", filepath.Join(folder, "none", "a"), "four", os.ErrNotExist, "two"},
	} {
		err := Replace(tt.path, 0o640, func(w io.Writer) error {
			_, err := io.WriteString(w, tt.text)
			if tt.err == failure {
				err = failure
			}
			return err
		})
		got, _ := os.ReadFile(path)
		if !errors.Is(err, tt.err) || string(got) != tt.want {
			t.Errorf("%s: %v, content %q; want %v, %q", tt.name, err, got, tt.err, tt.want)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files are left, %v; want one", len(entries), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want 0640", info.Mode(), err)
	}
}
