package packages

import (
	"bytes"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/controlgroup"
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
	group, fd := controlgroup.New(t)
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
		controlgroup.Remove(group)
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
