package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/integration/controlgroup"
)

const unit = "../deploy/systemd/privatelink-dns.service"

// systemd-analyze verify accepts the unit without a warning.
func TestUnitIsValid(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(unit))
	adapted := strings.NewReplacer("ExecStart=privatelink-dns", "ExecStart="+built(t), "ExecReload=privatelink-dns", "ExecReload="+built(t)).Replace(string(text))
	if err := os.WriteFile(path, []byte(adapted), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(need(t, "systemd-analyze", "systemd"), "verify", "--man=no", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// systemd rates the unit's exposure at 1.5 of 10. The rest is the network access of a
// DNS server and the exceptions that the unit's comments explain.
func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(need(t, "systemd-analyze", "systemd"), "security", "--no-pager", "--offline=true", "--threshold=15", unit)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", cmd, err, out)
	}
}

// The unit runs with all of its restrictions under a real systemd, which has its own
// namespaces.
func TestUnitRuns(t *testing.T) {
	t.Parallel()
	m := boot(t)
	m.eventually("systemctl start privatelink-dns; systemctl is-active privatelink-dns", `^active`)
	m.eventually("dig @127.0.0.1 +short "+fc1, `^10\.20\.0\.4\n$`)
	m.eventually("dig @127.0.0.1 +tcp +short "+exported, `^10\.20\.0\.12\n$`)
	const breakIt = "cd /etc/privatelink-dns; cp Corefile good; echo '. { nope }' > Corefile"
	const stopIt = "systemctl stop privatelink-dns; systemctl show -p ExecMainStatus -p Result privatelink-dns"
	for _, tt := range []struct{ name, command, want string }{
		{"its own user", "stat -c %U /proc/$PID", `^privatelink-dns\n$`},
		{"one capability", "grep ^Cap /proc/$PID/status", `^(Cap...:\t0000000000000400\n){5}$`},
		{"system calls are filtered", "grep Seccomp: /proc/$PID/status", `2`},
		{"a long queue of TCP clients", "ss -lnt sport = 53", `LISTEN +0 +4096 `},
		{"the state file is private to the service", "stat -c '%a %U' /var/lib/privatelink-dns/state.json", `^600 privatelink-dns\n$`},
		{"the start time is exported", "curl -s 127.0.0.1:9153/metrics", `(?m)^process_start_time_seconds `},
		{"the environment file is read", `tr '\0' '\n' < /proc/$PID/environ`, `(?m)^AZURE_CLIENT_ID=11111111-`},
		{"it reloads", "systemctl reload privatelink-dns && cat /run/log", `Reloading complete`},
		{"it reports a failed reload", breakIt + "; systemctl reload privatelink-dns || echo failed; mv good Corefile", `failed\n$`},
		{"the reason is in the log", "cat /run/log", `privatelink-dns reload: the running Corefile stays in force: .*nope`},
		{"a failed reload changes nothing", "dig @127.0.0.1 +short " + fc1, `^10\.20\.0\.4\n$`},
		{"a good Corefile is read again", "systemctl reload privatelink-dns && systemctl is-active privatelink-dns", `^active`},
		{"it stops in time", "systemctl show -p TimeoutStopUSec privatelink-dns", `=1min`},
		{"it stops with exit status 0", stopIt, `^Result=success\nExecMainStatus=0\n$`},
		{"it starts again", "systemctl start privatelink-dns; dig @127.0.0.1 +short " + fc1, `^10\.20\.0\.4\n$`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := machine{t, m.pid}
			m.eventually("PID=$(systemctl show --value -p MainPID privatelink-dns); "+tt.command, tt.want)
		})
	}
	// The service survives every signal: it continues, or it is started again.
	for _, signal := range []string{"USR2", "KILL", "QUIT", "TERM"} {
		m.run("systemctl reset-failed privatelink-dns") // and the count of restarts
		m.run("systemctl kill --kill-whom main --signal " + signal + " privatelink-dns")
		if signal != "USR2" {
			m.eventually("systemctl show -p NRestarts privatelink-dns", `=[1-9]`)
		}
		m.eventually("systemctl is-active privatelink-dns", `^active`)
		m.eventually("dig @127.0.0.1 +short "+fc1, `^10\.20\.0\.4\n$`)
	}
	m.eventually("grep -c 'SIGUSR2 is ignored' /run/log", `^1\n$`)
}

// exported is a name in an export whose folder belongs to a different user.
const exported = "wepod01ecs114x.privatelink.blob.core.windows.net"

// A machine is a systemd that runs as the first process of its own namespaces.
type machine struct {
	t   testing.TB
	pid int
}

// boot starts systemd with the unit, its drop-in for exports and the binary.
func boot(t *testing.T) machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can start a systemd")
	}
	need(t, "systemd-analyze", "systemd")
	for program, pkg := range map[string]string{"nsenter": "util-linux", "ss": "iproute2", "dig": "bind9-dnsutils", "curl": "curl"} {
		need(t, program, pkg)
	}
	group, fd := controlgroup.New(t)
	s := prepare(t, unitCorefile)
	s.write("endpoints.json", export(vault[0]))
	s.write("exports/endpoints.json", export(vault[2]))
	p := &process{cmd: exec.Command("unshare", "--cgroup", "sh", "-eux", "testdata/boot.sh", s.dir, built(t)), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UseCgroupFD: true, CgroupFD: fd,
		Pdeathsig: syscall.SIGKILL,
	}
	if err := p.cmd.Start(); err != nil {
		t.Skipf("no namespaces here: %v", err)
	}
	m := machine{t, p.cmd.Process.Pid}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\n%s", p.out.String(), m.run("cat /run/log"))
		}
		p.cmd.Process.Kill() //nolint:errcheck // the kernel then kills the whole PID namespace
		p.cmd.Wait()         //nolint:errcheck // its status is that of the kill
		controlgroup.Remove(group)
	})
	m.eventually("systemctl is-system-running", "running")
	return m
}

const unitCorefile = `
. {
    errors
    prometheus :9153
    health :8080
    ready :8181
    privatelink {
        files /etc/privatelink-dns/*.json
        files /etc/privatelink-dns/exports/*.json
        state /var/lib/privatelink-dns/state.json
    }
    lru
    forward . 127.0.0.1:1
}
`

// run runs a command line in the machine and returns its output.
func (m machine) run(command string) string {
	cmd := exec.Command("nsenter", "-t", strconv.Itoa(m.pid), "-a", "/bin/sh", "-c", command)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin"}
	out, _ := cmd.CombinedOutput() //nolint:errcheck // the caller checks the output
	return string(out)
}

func (m machine) eventually(command, want string) {
	m.t.Helper()
	line, got := regexp.MustCompile(want), ""
	defer func() {
		if m.t.Failed() {
			m.t.Logf("%s\n%s", command, got)
		}
	}()
	eventually(m.t, want, func() bool {
		got = m.run(command)
		return line.MatchString(got)
	})
}
