package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A release is a Debian release other than that of this machine. Its packages are
// unpacked, not installed, and run in a root and a mount namespace of their own.
type release struct {
	name, pkg string

	once sync.Once
	root string
	err  error
}

var (
	recursor5 = &release{name: "trixie", pkg: "pdns-recursor"}
	resolver6 = &release{name: "forky", pkg: "knot-resolver6"}
)

// command returns a command that runs a program of the release in the folder.
func (r *release) command(t testing.TB, dir, program string, args ...string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 || os.Getenv("INTEGRATION_INSTALL") != "1" {
		t.Skipf("%s of Debian %s is unpacked and run in a root of its own: this needs root and INTEGRATION_INSTALL=1", r.pkg, r.name)
	}
	r.once.Do(func() { r.root, r.err = r.unpack() })
	if r.err != nil {
		t.Skipf("no %s of Debian %s: %v", r.pkg, r.name, r.err)
	}
	script, err := filepath.Abs("testdata/unpacked.sh")
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command("unshare", append([]string{"--mount", "sh", script, r.root, dir, program}, args...)...)
}

// unpack downloads the package and all that it depends on, with lists and a state of
// apt that are not those of this machine.
func (r *release) unpack() (root string, err error) {
	folder := filepath.Join(buildFolder, r.name)
	root = filepath.Join(folder, "root")
	for _, name := range []string{"lists/partial", "archives/partial", "root/usr"} {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil { //nolint:gosec // G301: apt reads it as its own user
			return "", err
		}
	}
	archive, err := exec.Command("sh", "-c", "apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' | head -n 1").Output()
	if err != nil || len(archive) == 0 {
		return "", fmt.Errorf("this machine has no Debian archive: %w", err)
	}
	for name, text := range map[string]string{
		"sources": "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " + strings.TrimSpace(string(archive)) + " " + r.name + " main\n",
		"status":  "",
		"apt.conf": fmt.Sprintf("Dir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"-\";\nDir::State::lists %q;\nDir::State::status %q;\n"+
			"Dir::Cache::archives %q;\nDir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\nAPT::Sandbox::User \"root\";\n",
			folder+"/sources", folder+"/lists", folder+"/status", folder+"/archives"),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	cmd := exec.Command("sh", "-c", `apt-get update -qq && apt-get install -y -qq --no-install-recommends --download-only coreutils "$0" &&
		for package in archives/*.deb; do dpkg-deb -x "$package" root || exit 1; done &&
		for name in bin lib lib64 sbin; do [ -e root/$name ] || ln -s usr/$name root/$name; done`, r.pkg)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "APT_CONFIG="+folder+"/apt.conf", "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return root, nil
}
