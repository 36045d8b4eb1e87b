package source

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// unprivileged runs f as a user without root's access to all files, also if root runs
// the tests. Only file access has the new user, and only in this thread.
func unprivileged(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() == 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Skip("setfsuid:", err)
		}
		defer syscall.Setfsuid(0) //nolint:errcheck // it was 0 before
	}
	f()
}

// ownedFolder returns a folder that the user of unprivileged owns.
func ownedFolder(t *testing.T) *folder {
	f := newFolder(t)
	if os.Getuid() == 0 {
		f.must(os.Chown(f.path, 65534, -1))
		f.must(os.Chmod(filepath.Dir(f.path), 0o755)) //nolint:gosec // G302: the new user has to enter it
	}
	return f
}

func TestFilesUnreadable(t *testing.T) {
	f := ownedFolder(t)
	unprivileged(t, func() {
		f.must(os.Mkdir(f.at("d"), 0o700))
		f.write("d/a.json", exportA)
		src := NewFiles([]string{f.at("d/*.json")}, nil, 0)
		f.must(os.Chmod(f.at("d/a.json"), 0))
		list := f.fetch(src, "not complete", "open d/a.json: permission denied")
		f.same(src, list, "open d/a.json: permission denied")
		f.must(os.Chmod(f.at("d/a.json"), 0o600)) // changes neither size nor time
		f.fetch(src, goodA, "")
	})
}

// A folder that cannot be read is an error, and its files are not gone.
func TestFolderUnreadable(t *testing.T) {
	for _, tc := range []struct {
		name    string
		mode    os.FileMode
		pattern string
		want    string
	}{
		{"no permission", 0, "d/*.json", "d/*.json: open d: permission denied\nstat d/a.json: permission denied"},
		{"permission to list only", 0o600, "d/*.json", "stat d/a.json: permission denied"},
		{"permission to enter only", 0o300, "d/*.json", "d/*.json: open d: permission denied"},
		{"no wildcard", 0o600, "d/a.json", "d/a.json: lstat d/a.json: permission denied\nstat d/a.json: permission denied"},
		{"a folder that a wildcard matches", 0, "*/*.json", "stat d/a.json: permission denied"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := ownedFolder(t)
			unprivileged(t, func() {
				f.must(os.Mkdir(f.at("d"), 0o700))
				f.write("d/a.json", exportA)
				src := NewFiles([]string{f.at(tc.pattern)}, nil, 0)
				list := f.fetch(src, goodA, "")
				f.must(os.Chmod(f.at("d"), tc.mode))
				f.same(src, list, tc.want)
				f.must(os.Chmod(f.at("d"), 0o700))
				f.same(src, list, "")
			})
		})
	}
}

// If a folder could never be listed, the list is incomplete.
func TestFolderUnreadableFromTheStart(t *testing.T) {
	f := ownedFolder(t)
	unprivileged(t, func() {
		f.must(os.Mkdir(f.at("d"), 0o300))
		f.write("d/a.json", exportA)
		src := NewFiles([]string{f.at("d/*.json")}, nil, 0)
		f.fetch(src, "not complete", "d/*.json: open d: permission denied")

		src = NewFiles([]string{f.at("d/*.json")}, nil, 0)
		src.Remember(map[string]int{f.at("d/a.json"): 1})
		f.fetch(src, "not complete; "+goodA, "d/*.json: open d: permission denied")
		f.must(os.Chmod(f.at("d"), 0o700))
		f.fetch(src, goodA, "")
	})
}

// A loop of links, a device and a named pipe are errors. They do not block.
func TestFolderLoop(t *testing.T) {
	f := newFolder(t)
	f.must(os.Symlink("d", f.at("d")))
	f.fetch(NewFiles([]string{f.at("d/*.json")}, nil, 0), "not complete", "d/*.json: stat d: too many levels of symbolic links")
	f.must(os.Symlink("/dev/zero", f.at("zero.json")))
	f.must(syscall.Mkfifo(f.at("pipe.json"), 0o600))
	f.fetch(NewFiles([]string{f.at("*.json")}, nil, 0), "not complete", "pipe.json: not a regular file\nzero.json: not a regular file")
}
