package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// systemd-resolved with the printed drop-in forwards the local names, and only
// these, to privatelink-dns. It never queries its link's server for them, because that
// server has their public addresses.
func TestForwardersCommandForResolved(t *testing.T) {
	t.Parallel()
	const table, peer = "Configuration by `forwarders`", "systemd-resolved"
	resolve(t, "", "unlinked.blob.core.windows.net")
	note(t, table, peer, "loaded", "yes")
	note(t, table, peer, "private addresses", "yes")
	note(t, table, peer, "public addresses while ours is down", "none")
	resolve(t, " -names", "deep.below.blob.core.windows.net")
	note(t, table, peer, "`-names`", "private addresses, no other queries")
}

// resolve asks a systemd-resolved that has the printed drop-in, and at last, while
// privatelink-dns is down, for the name down.
func resolve(t *testing.T, args, down string) {
	t.Helper()
	resolved := needResolved(t)
	need(t, "ip", "iproute2")
	need(t, "dig", "bind9-dnsutils")
	s := prepare(t, corefile())
	s.env["PORT"], s.env["UPSTREAM"], s.env["DOWN"] = "5353", "10.9.9.1:5301", down
	s.write("vault.json", export(vault...))
	s.write("link.corefile", `
.:5301 {
    bind 10.9.9.1
    hosts {
        198.51.100.86 new.corp.example
        203.0.113.7 wepod01ecs114x.blob.core.windows.net someoneelse.blob.core.windows.net
        203.0.113.9 unlinked.blob.core.windows.net deep.below.blob.core.windows.net
    }
}
`)
	printed, stderr, status := s.command("forwarders -conf Corefile -format systemd-resolved -server 127.0.0.1:5353" + args)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	s.write("printed", printed)
	s.write("negative", "corp.example\n"+routed(printed))

	rows := []struct{ question, want string }{
		{fc1 + " A", "10.20.0.4"},
		{blob + " A", "wepod01ecs114x.privatelink.blob.core.windows.net. 10.20.0.12"},
		{blob + " A +tcp", "wepod01ecs114x.privatelink.blob.core.windows.net. 10.20.0.12"},
		{blob + " AAAA", "wepod01ecs114x.privatelink.blob.core.windows.net."},
		{"wepod01ecs114x.queue.core.windows.net A", "wepod01ecs114x.privatelink.queue.core.windows.net. 10.20.0.13"},
		{"wepod01prot121x.z17.blob.storage.azure.net A", "wepod01prot121x.privatelink.blob.core.windows.net. 10.20.0.14"},
		{"someoneelse.blob.core.windows.net A", "203.0.113.7"},
		{"new.corp.example A", "198.51.100.86"},
	}
	var questions, want strings.Builder
	for _, row := range rows {
		questions.WriteString(row.question + "\n")
		want.WriteString(row.question + ": " + row.want + "\n")
	}
	want.WriteString("while ours is down:\n")
	s.write("questions", questions.String())

	ctx, cancel := context.WithTimeout(t.Context(), processTimeout)
	defer cancel()
	script, err := filepath.Abs("testdata/resolved.sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", script, resolved, built(t))
	cmd.Dir, cmd.Env = s.dir, os.Environ()
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	logs, _ := os.ReadFile(filepath.Join(s.dir, "resolved.log"))
	if got := string(out); err != nil || got != want.String() {
		t.Fatalf("%v\n got\n%s\nwant\n%s\nlog\n%s", err, got, want.String(), logs)
	}
	if strings.Contains(string(logs), "ignoring") { // for example, an unknown key
		t.Errorf("systemd-resolved ignores part of\n%s\n%s", printed, logs)
	}
}

// routed returns the routed domains of a drop-in, one per line.
func routed(dropIn string) string {
	var names strings.Builder
	for line := range strings.Lines(dropIn) {
		if name, ok := strings.CutPrefix(line, "Domains=~"); ok {
			names.WriteString(name)
		}
	}
	return names.String()
}

// needResolved returns the path of systemd-resolved. If it is missing, the Debian
// package is only unpacked, because its installation replaces /etc/resolv.conf.
func needResolved(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may create the namespaces that systemd-resolved runs in")
	}
	const path = "lib/systemd/systemd-resolved"
	if _, err := os.Stat("/usr/" + path); err == nil {
		return "/usr/" + path
	}
	if os.Getenv("INTEGRATION_INSTALL") != "1" {
		t.Skip("no systemd-resolved here: INTEGRATION_INSTALL=1 unpacks the Debian package systemd-resolved, without installing it")
	}
	need(t, "systemctl", "systemd") // contains the library that systemd-resolved needs
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o755); err != nil { // apt downloads as its own user
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "apt-get update -qq && apt-get download -qq systemd-resolved && dpkg-deb -x systemd-resolved_*.deb .")
	cmd.Dir = folder
	installing.Lock()
	out, err := cmd.CombinedOutput()
	installing.Unlock()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	for _, prefix := range []string{"usr", "."} { // the path is one of these, depending on the release
		if _, err := os.Stat(filepath.Join(folder, prefix, path)); err == nil {
			return filepath.Join(folder, prefix, path)
		}
	}
	t.Fatal("the package does not contain systemd-resolved")
	return ""
}
