package integration

import (
	"os/exec"
	"strings"
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
