package integration

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// The command reload, which the systemd unit runs, ends with the result of the reload.
func TestReloadCommand(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("RUNTIME_DIRECTORY", folder)
	s, _ := serve(t, corefile())
	s.logs("c0ffee")
	run := func() (string, error) {
		out, err := exec.Command(built(t), "reload", "-pid", strconv.Itoa(s.cmd.Process.Pid)).CombinedOutput()
		return string(out), err
	}
	s.write("Corefile", strings.Replace(corefile(), "geo we", "geo we\n        record "+firstRecord, 1))
	if out, err := run(); err != nil || out != "" {
		t.Errorf("a good Corefile: %v %s", err, out)
	}
	s.remains("r1.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.9.1")
	s.write("Corefile", strings.Replace(corefile(), "geo we", "geo westeurope", 1))
	want := "privatelink-dns reload: the running Corefile stays in force: "
	if out, err := run(); err == nil || !strings.HasPrefix(out, want) {
		t.Errorf("a Corefile with an error: %v %s; want %s", err, out, want)
	}
	s.remains("r1.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.9.1")
	s.write("Corefile", corefile())
	if out, err := run(); err != nil {
		t.Errorf("the next good one: %v %s", err, out)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v; want one file", entries, err)
	}
}
