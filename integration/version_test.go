package integration

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// `go build` in a clone, without any flag for the linker, records the commit and its
// date. An environment may turn that off, so the test turns it on.
func TestVersionOfAPlainBuild(t *testing.T) {
	t.Parallel()
	commit, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if err != nil {
		t.Skipf("this is no clone: git rev-parse HEAD: %v", err)
	}
	clone := filepath.Join(t.TempDir(), "clone") // Go records no commit in a work tree of `git worktree`
	if out, err := exec.Command("git", "clone", "-q", "--shared", "..", clone).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	binary := filepath.Join(clone, "privatelink-dns")
	if out, err := exec.Command("go", "build", "-C", clone, "-buildvcs=true", "./cmd/privatelink-dns").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, args := range []string{"version", "-version"} {
		out, err := exec.Command(binary, args).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
		for _, want := range []string{"privatelink-dns v0.", "\ncommit " + strings.TrimSpace(string(commit)), "\ndate 20", "\nCoreDNS 1.", "\nGo go1."} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: %s; want %q", args, out, want)
			}
		}
	}
}
