package packages

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A machine is a Debian whose systemd is the first process of its own namespaces.
type machine struct {
	t   testing.TB
	pid int
}

// boot starts a machine with a folder of packages in /srv.
func boot(t testing.TB, packages string) machine {
	t.Helper()
	debian := debianRoot(t)
	group, fd := controlGroup(t)
	out := &output{}
	cmd := exec.Command("unshare", "--cgroup", "sh", "-eux", "testdata/boot.sh", debian, packages)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UseCgroupFD: true, CgroupFD: fd,
		Pdeathsig: syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("no namespaces here: %v", err)
	}
	m := machine{t, cmd.Process.Pid}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\n%s", out, m.run("journalctl --no-pager -n 80"))
		}
		cmd.Process.Kill() //nolint:errcheck // the kernel then kills the whole PID namespace
		cmd.Wait()         //nolint:errcheck // its status is that of the kill
		removeControlGroups(group)
	})
	m.eventually("systemctl is-system-running", "running|degraded")
	return m
}

// run runs a command line in the machine and returns its output.
func (m machine) run(command string) string {
	cmd := exec.Command("nsenter", "-t", strconv.Itoa(m.pid), "-a", "/bin/sh", "-c", command)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "SYSTEMD_PAGER=cat"}
	out, _ := cmd.CombinedOutput() //nolint:errcheck // the caller checks the output
	return string(out)
}

// has runs a command line whose output has to match.
func (m machine) has(command, want string) {
	m.t.Helper()
	if got := m.run(command); !regexp.MustCompile(want).MatchString(got) {
		m.t.Errorf("%s\n got %s\nwant %s", command, got, want)
	}
}

// eventually waits for output that matches: a service does not notify the test.
func (m machine) eventually(command, want string) {
	m.t.Helper()
	line, got := regexp.MustCompile(want), ""
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if got = m.run(command); line.MatchString(got) {
			return
		}
		select {
		case <-deadline:
			m.t.Fatalf("%s\n got %s\nwant %s within 30 s", command, got, want)
		case <-tick.C:
		}
	}
}

// controlGroup creates the machine's control group, in which systemd creates its own.
func controlGroup(t testing.TB) (path string, fd int) {
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

func removeControlGroups(path string) {
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

// output is what a process wrote, to be read while it writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
