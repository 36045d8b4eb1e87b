package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// With -log, the server appends its output to the named file and writes nothing to
// the console.
func TestLogFile(t *testing.T) {
	t.Parallel()
	s := prepare(t, ".:{$PORT} {\n  bind 127.0.0.1\n  privatelink {\n    files vault.json\n  }\n}\n")
	s.write("vault.json", export(vault...))
	s.write("broken", ".:0 {\n  privatelink {\n    files\n  }\n}\n")
	s.write("server.log", "from before\n")
	if stdout, stderr, status := s.command("-log server.log -conf broken"); status != 1 || stdout+stderr != "" {
		t.Errorf("a server with a broken Corefile: status %d, %q, %q; want 1 and no output", status, stdout, stderr)
	}
	s.args = append(s.args, "-log", "server.log")
	s.start()
	stamp, got := `\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `, ""
	eventually(t, "the log", func() bool {
		text, err := os.ReadFile(filepath.Join(s.dir, "server.log"))
		got = string(text)
		return err == nil && strings.Contains(got, "CoreDNS")
	})
	for _, want := range []string{
		`^from before\n`,
		`\n` + stamp + `plugin/privatelink: broken:3 - Error during parsing`,
		`\n` + stamp + `\[INFO\] plugin/privatelink: added ` + regexp.QuoteMeta(strings.TrimSuffix(fc1, ".")) + `: 10\.20\.0\.4`,
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("the log is\n%s\nwant %s", got, want)
		}
	}
	if s.out.String() != "" {
		t.Errorf("the console has %q; want no output", s.out.String())
	}
	if _, stderr, status := s.command("-log none/server.log"); status != 2 || !strings.HasPrefix(stderr, `invalid value "none/server.log" for flag -log: `) {
		t.Errorf("a log in a missing folder: status %d, %s; want 2 and the reason", status, stderr)
	}
}
