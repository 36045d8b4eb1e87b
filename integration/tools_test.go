package integration

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// need returns the path of a program. If it is missing, root installs its Debian
// package with INTEGRATION_INSTALL=1; otherwise the test is skipped.
func need(t testing.TB, program, pkg string) string {
	t.Helper()
	path, err := lookPath(program)
	if err != nil && os.Getenv("INTEGRATION_INSTALL") == "1" && os.Getuid() == 0 {
		if err := install(pkg); err != nil {
			t.Fatal(err)
		}
		path, err = lookPath(program)
	}
	if err != nil {
		t.Skipf("no %s here: install the Debian package %s, or run as root with INTEGRATION_INSTALL=1", program, pkg)
	}
	return path
}

// lookPath also searches /usr/sbin, which holds Debian's daemons and is not in the PATH
// of a normal user.
func lookPath(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return exec.LookPath("/usr/sbin/" + program)
	}
	return path, nil
}

var installing sync.Mutex

// install installs a package without starting its service. RUNLEVEL prevents the start
// by System V scripts, and the policy the start of systemd units.
func install(pkg string) error {
	installing.Lock()
	defer installing.Unlock()
	const policy = "/usr/sbin/policy-rc.d"
	if f, err := os.OpenFile(policy, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755); err == nil {
		defer os.Remove(policy)
		_, err = f.WriteString("#!/bin/sh\nexit 101\n")
		if f.Close(); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"update", "-qq"},
		{"install", "-y", "-qq", "--no-install-recommends", pkg},
	} {
		cmd := exec.Command("apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
	}
	return nil
}
