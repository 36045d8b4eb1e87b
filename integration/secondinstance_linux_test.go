package integration

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A second instance at the address of the first one does not start, whatever the plugins
// of its server block are. With SO_REUSEPORT both would start, and either may answer.
func TestSecondInstance(t *testing.T) {
	t.Parallel()
	s := prepare(t, ".:{$PORT} {\n    bind 127.0.0.1\n    local\n    forward . 127.0.0.1:9\n}\n")
	s.start()
	addr := s.addr("")
	for name, block := range map[string]string{
		"forward only":  ".:{$PORT} {\n    bind 127.0.0.1\n    forward . 127.0.0.1:9\n}\n",
		"no plugin":     ".:{$PORT} {\n    bind 127.0.0.1\n}\n",
		"cache":         "example.org:{$PORT} {\n    bind 127.0.0.1\n    lru\n    forward . 127.0.0.1:9\n}\n",
		"private link":  ".:{$PORT} {\n    bind 127.0.0.1\n    privatelink {\n        record a.blob.core.windows.net 10.0.0.1\n    }\n}\n",
		"second block":  "a.example:0 {\n    any\n}\nb.example:{$PORT} {\n    bind 127.0.0.2 127.0.0.1\n    any\n}\n",
		"with fastpath": ".:{$PORT} {\n    bind 127.0.0.1\n    fastpath\n    lru\n    forward . 127.0.0.1:9\n}\n",
	} {
		second := prepare(t, strings.ReplaceAll(block, "{$PORT}", s.env["PORT"]))
		cmd := exec.CommandContext(t.Context(), built(t), second.args...)
		cmd.Dir = second.dir
		out, err := cmd.CombinedOutput()
		want := "another process listens on " + addr + " already, stop it first"
		if _, failed := err.(*exec.ExitError); !failed || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s\nwant an error with %s", name, err, out, want)
		}
	}
	s.remains("localhost", "NOERROR: A 127.0.0.1")
}

// Neither does one that has an address of a plugin of the first one. A reload of the
// first one works.
func TestSecondInstanceWithTheAddressOfAPlugin(t *testing.T) {
	t.Parallel()
	for _, directive := range []string{"ready", "health", "prometheus"} {
		t.Run(directive, func(t *testing.T) {
			t.Parallel()
			block := ".:{$PORT} {\n    bind 127.0.0.1\n    local\n    " + directive + " 127.0.0.1:{$PORT_TCP}\n}\n"
			s := prepare(t, block)
			s.start()
			second := prepare(t, strings.NewReplacer("{$PORT_TCP}", s.env["PORT_TCP"], "{$PORT}", "0").Replace(block))
			got, status := run(t, second.dir)
			want := directive + ": another process listens on " + s.addr("_TCP") + " already: end the other program or write another address"
			if status == 0 || !strings.Contains(got, want) {
				t.Errorf("%q, status %d; want an error with %s", got, status, want)
			}
			s.signal(t, syscall.SIGUSR1)
			s.logs("Reloading complete")
		})
	}
}
