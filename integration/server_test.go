// Package integration runs the binary as users do and asks it with dig. What
// stands around it is on the loopback address, too: a scripted Azure DNS as its
// upstream (fakedns) and the DNS servers that people run. A test that lacks a program
// names the Debian package and is skipped; with INTEGRATION_INSTALL=1 root gets
// it installed.
//
//	go test ./integration/...
package integration

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// buildFolder is where the binary is built, by the first test that needs it.
var buildFolder string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "privatelink-dns-integration-")
	if err != nil {
		panic(err)
	}
	buildFolder = folder
	status := m.Run()
	os.RemoveAll(folder)
	if wrong := closeMatrix(); wrong != "" {
		fmt.Fprintln(os.Stderr, wrong)
		status = max(status, 1)
	}
	os.Exit(status)
}

var build = sync.OnceValues(func() (string, error) {
	lookAtSources()
	path := filepath.Join(buildFolder, "privatelink-dns")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path,
		"-ldflags", "-X main.version=1.2.3-test -X main.commit=c0ffee", "../cmd/privatelink-dns")
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
})

// lookAtSources makes "go test" run these tests again after any change: it keeps
// results by the files that a test looks at, and does not see what a build does.
func lookAtSources() {
	filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error { //nolint:errcheck // it has none
		if err == nil && d.IsDir() && path != ".." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		os.Stat(path) //nolint:errcheck // a file that has gone has been looked at, too
		return nil
	})
}

// built returns the path of the binary.
func built(t testing.TB) string {
	t.Helper()
	need(t, "go", "golang-go")
	path, err := build()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return path
}

// A server is the binary in a folder of its own. Its Corefile reads the folder
// as {$DIR}, free ports as {$PORT}, {$PORT_READY} and so on, and what else a
// test puts into env. It serves DNS at {$PORT}.
type server struct {
	*process
	t    testing.TB
	dir  string
	env  map[string]string
	args []string

	stdout io.Writer // where the output goes, if it is not kept
}

// prepare returns a server that is not started yet.
func prepare(t testing.TB, corefile string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	s.env = map[string]string{"DIR": s.dir, "TMPDIR": s.dir}
	s.args = []string{"-conf", filepath.Join(s.dir, "Corefile")}
	s.write("Corefile", corefile)
	return s
}

// write makes or replaces a file in the server's folder.
func (s *server) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// start returns when the server answers. It ends with the test.
func (s *server) start() *server {
	s.t.Helper()
	for range 3 {
		cmd := s.program()
		if s.process = launch(s.t, s.addr(""), cmd); !s.ended() {
			return s
		}
	}
	s.t.Fatal("the server does not start")
	return nil
}

// program returns the command that starts the server, on free ports.
func (s *server) program() *exec.Cmd {
	s.t.Helper()
	s.choosePorts()
	cmd := exec.Command(built(s.t), s.args...)
	cmd.Dir, cmd.Env = s.dir, os.Environ()
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdout = s.stdout
	return cmd
}

var portVariable = regexp.MustCompile(`\{\$(PORT\w*)\}`)

func (s *server) choosePorts() {
	text, err := os.ReadFile(filepath.Join(s.dir, "Corefile"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, match := range portVariable.FindAllStringSubmatch(string(text), -1) {
		s.env[match[1]] = freePort(s.t)
	}
}

// addr is where the server listens: at {$PORT}, or with a suffix at, say, {$PORT_READY}.
func (s *server) addr(suffix string) string { return "127.0.0.1:" + s.env["PORT"+suffix] }

// logs waits until the log has a line that matches the pattern.
func (s *server) logs(pattern string) {
	s.t.Helper()
	line := regexp.MustCompile(pattern)
	eventually(s.t, "log line "+pattern, func() bool { return line.MatchString(s.out.String()) })
}
