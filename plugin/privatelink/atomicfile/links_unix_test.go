//go:build unix

package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The file at the end of a chain of symbolic links is replaced, and no link is.
func TestReplaceFollowsLinks(t *testing.T) {
	for _, tt := range []struct{ name, links, path, want string }{
		{"a link to a file", "l>vol/state", "l", "vol/state"},
		{"a chain of links", "l1>l2 l2>vol/new", "l1", "vol/new"},
		{"a chain of three links", "l1>l2 l2>l3 l3>vol/new", "l1", "vol/new"},
		{"a chain of links to a file", "l1>l2 l2>vol/state", "l1", "vol/state"},
		{"a chain through folders", "vol/l>sub/l vol/sub/l>../new", "vol/l", "vol/new"},
		{"a relative link in a folder behind a link", "e/b>../c/d c/d/l>../real/new", "e/b/l", "c/real/new"},
		{"a folder behind a link in the target", "e/b>../c/d l>e/b/../real/new", "l", "c/real/new"},
		{"a chain in a folder behind a link", "e/b>../c/d c/d/l1>l2 c/d/l2>../real/new", "e/b/l1", "c/real/new"},
		{"an absolute link behind a relative one", "l1>l2 l2>/vol/new", "l1", "vol/new"},
		{"a folder behind a link, no link itself", "e/b>../c/d", "e/b/new", "c/d/new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := world(t, tt.links)
			if err := Replace(filepath.Join(root, tt.path), 0o600, write); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(root, tt.want))
			if err != nil || string(got) != "new" {
				t.Errorf("content %q, %v; want the new one in %s", got, err, tt.want)
			}
			for link := range strings.FieldsSeq(tt.links) {
				name, _, _ := strings.Cut(link, ">")
				if info, err := os.Lstat(filepath.Join(root, name)); err != nil || info.Mode()&os.ModeSymlink == 0 {
					t.Errorf("%s: %v, %v; want the link", name, info.Mode(), err)
				}
			}
		})
	}
}

// Links that do not lead to a regular file are an error, and nothing is replaced.
func TestReplaceRejectsLinks(t *testing.T) {
	const loop = "ROOT/l1: leads through more than 40 symbolic links: remove the link that leads back"
	for _, tt := range []struct{ name, links, path, want string }{
		{"a link to itself", "l1>l1", "l1", loop},
		{"a loop", "l1>l2 l2>l1", "l1", loop},
		{"a loop of folders", "e/b>d e/d>b", "e/b/state", "EvalSymlinks: too many links"},
		{"a folder that does not exist", "l1>none/state", "l1", "lstat ROOT/none: no such file or directory"},
		{"a link to a folder", "l1>l2 l2>vol", "l1", "ROOT/vol: not a regular file"},
		{"a link to a pipe", "l1>l2 l2>pipe", "l1", "ROOT/pipe: not a regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := world(t, tt.links)
			if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := Replace(filepath.Join(root, tt.path), 0o600, write)
			if err == nil || strings.ReplaceAll(err.Error(), root, "ROOT") != tt.want {
				t.Errorf("%v; want %s", err, tt.want)
			}
		})
	}
}

// world returns a folder with some folders, a file vol/state and the links, each
// "PATH>TARGET". An absolute target begins in the folder.
func world(t *testing.T, links string) (root string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	errs := []error{err}
	for _, folder := range []string{"vol/sub", "c/d", "c/real", "e"} {
		errs = append(errs, os.MkdirAll(filepath.Join(root, folder), 0o700))
	}
	errs = append(errs, os.WriteFile(filepath.Join(root, "vol/state"), []byte("old"), 0o600))
	for link := range strings.FieldsSeq(links) {
		name, to, _ := strings.Cut(link, ">")
		if filepath.IsAbs(to) {
			to = root + to
		}
		errs = append(errs, os.Symlink(to, filepath.Join(root, name)))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return root
}

func write(w io.Writer) error {
	_, err := io.WriteString(w, "new")
	return err
}
