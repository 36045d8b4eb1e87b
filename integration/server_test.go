// Package integration runs the binary and queries it with dig. Its neighbors are on
// loopback addresses: a scripted Azure DNS as its upstream (fakedns) and widely used
// DNS servers. A test whose program is missing names the Debian package and is
// skipped. If root runs the tests with INTEGRATION_INSTALL=1, the package is installed.
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

// buildFolder holds the binary, which the first test that needs it builds.
var buildFolder string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "privatelink-dns-integration-")
	if err != nil {
		panic(err)
	}
	buildFolder = folder
	status := m.Run()
	os.RemoveAll(folder)
	if wrong := closeMatrix(os.Stdout, status != 0); wrong != "" {
		fmt.Fprintln(os.Stderr, wrong)
		status = max(status, 1)
	}
	os.Exit(status)
}

var build = sync.OnceValues(func() (string, error) {
	statSources()
	path := filepath.Join(buildFolder, "privatelink-dns")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path,
		"-ldflags", "-X main.version=1.2.3-test -X main.commit=c0ffee", "../cmd/privatelink-dns")
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
})

// statSources makes "go test" rerun these tests after any change. Cached results depend
// on the files that the test process opens, and do not include the inputs of a build
// that it starts.
func statSources() {
	filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error { //nolint:errcheck // the function returns no error
		if err == nil && d.IsDir() && path != ".." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		os.Stat(path) //nolint:errcheck // a missing file also counts as an input
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

// A server is the binary in its own folder. Its Corefile can use the folder as {$DIR},
// free ports as {$PORT}, {$PORT_READY} and so on, and every variable in env. It
// serves DNS on {$PORT}.
type server struct {
	*process
	t    testing.TB
	dir  string
	env  map[string]string
	args []string

	stdout io.Writer // receives the output; nil: process.out
}

// prepare returns a server that is not yet started.
func prepare(t testing.TB, corefile string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	s.env = map[string]string{"DIR": s.dir, "TMPDIR": s.dir}
	s.args = []string{"-conf", filepath.Join(s.dir, "Corefile")}
	s.write("Corefile", corefile)
	return s
}

// write creates or replaces a file in the server's folder.
func (s *server) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if name == "Corefile" && os.Getenv("INTEGRATION_FASTPATH") == "1" && !strings.Contains(text, "fastpath") {
		text = withFastpath(text)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// withFastpath adds fastpath to every server block, or to the snippet that they import.
// Lines that tests refer to keep their numbers.
func withFastpath(text string) string {
	if !strings.Contains(text, "import common") {
		return endOfBlock.ReplaceAllString(text, "    fastpath\n}")
	}
	end := endOfBlock.FindStringIndex(text)[0]
	return text[:end] + "    fastpath\n" + text[end:]
}

// endOfBlock is the last line of a server block.
var endOfBlock = regexp.MustCompile(`(?m)^}$`)

// start starts the server and returns once it answers. The server is stopped at the
// end of the test.
func (s *server) start() *server {
	s.t.Helper()
	for range 3 {
		cmd := s.program()
		if s.process = launch(s.t, s.addr(""), cmd); !s.ended() {
			return s
		}
	}
	s.t.Fatal("the server did not start")
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

// addr returns the address with the port {$PORT}, or with a suffix such as _READY the
// address with {$PORT_READY}.
func (s *server) addr(suffix string) string { return "127.0.0.1:" + s.env["PORT"+suffix] }

// logs waits until the log matches the pattern.
func (s *server) logs(pattern string) {
	s.t.Helper()
	line := regexp.MustCompile(pattern)
	eventually(s.t, "log line "+pattern, func() bool { return line.MatchString(s.out.String()) })
}
