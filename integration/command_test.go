package integration

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// run runs the binary until it exits.
func run(t *testing.T, folder string, args ...string) (output string, status int) {
	t.Helper()
	cmd := exec.Command(built(t), args...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestVersion(t *testing.T) {
	t.Parallel()
	got, status := run(t, t.TempDir(), "-version")
	want := `^privatelink-dns 1\.2\.3-test\ncommit c0ffee\ndate unknown\nCoreDNS [0-9.]+\nGo go\S+ ` + runtime.GOOS + "/" + runtime.GOARCH + `\n$`
	if status != 0 || !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("-version = %q, status %d; want %s, status 0", got, status, want)
	}
}

func TestPlugins(t *testing.T) {
	t.Parallel()
	got, status := run(t, t.TempDir(), "-plugins")
	linked := strings.Fields(got)
	if status != 0 {
		t.Errorf("status of -plugins = %d; want 0", status)
	}
	for _, name := range []string{"acl", "lru", "forward", "health", "loop", "privatelink", "prometheus", "ready", "reload", "tls", "transfer"} {
		if !slices.Contains(linked, name) {
			t.Errorf("-plugins lacks %s", name)
		}
	}
	for _, name := range []string{"azure", "clouddns", "etcd", "grpc", "k8s_external", "kubernetes", "route53"} {
		if slices.Contains(linked, name) {
			t.Errorf("-plugins has the unneeded plugin %s", name)
		}
	}
}

func TestBadCorefile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, corefile, want string }{
		{"region instead of a geo code", ".:0 {\n  privatelink {\n    geo eastus\n    files x.json\n  }\n}\n",
			`Corefile:3 - Error during parsing: geo: "eastus" is a region, its geo code is "eus"`},
		{"unknown property", ".:0 {\n  privatelink {\n    geos we\n  }\n}\n", `Corefile:3 - Error during parsing: geos: unknown property`},
		{"unknown plugin", ".:0 {\n  kubernetes\n}\n", `Unknown directive 'kubernetes'`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "Corefile"), []byte(tt.corefile), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, status := run(t, folder); status == 0 || !strings.Contains(got, tt.want) {
				t.Errorf("start = %q, status %d; want %q, a status other than 0", got, status, tt.want)
			}
		})
	}
}

// The quick start of the README works. Its port is fixed, so the test is skipped if
// the port is in use.
func TestQuickstart(t *testing.T) {
	const addr = "127.0.0.1:1053"
	lock, err := net.Listen("tcp", "127.0.0.2:1053") // excludes a second run at the same time
	if err != nil {
		t.Skipf("a second run of this test uses the port: %v", err)
	}
	t.Cleanup(func() { lock.Close() }) // after the server has ended
	if !isFree(addr) {
		t.Skipf("%s is in use, and the port of the quick start is fixed", addr)
	}
	t.Run("with this machine's resolver", func(t *testing.T) { quickstart(t, addr, exec.Command(built(t), "-quickstart")) })
	t.Run("with an empty resolv.conf", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("only root can mount an empty file over /etc/resolv.conf")
		}
		empty := exec.Command("unshare", "--mount", "sh", "-ec", `mount --bind /dev/null /etc/resolv.conf; exec "$0" -quickstart`, built(t))
		p := quickstart(t, addr, empty)
		if want := "Other names get SERVFAIL: /etc/resolv.conf has no line with nameserver. Write `upstream . ADDRESS`"; !strings.Contains(p.out.String(), want) {
			t.Errorf("output %s; want %q", p.out.String(), want)
		}
	})
}

func quickstart(t *testing.T, addr string, cmd *exec.Cmd) *process {
	folder := t.TempDir()
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "TMPDIR="+folder)
	p := launch(t, addr, cmd)
	if p.ended() {
		t.Fatal("the quick start did not start")
	}
	s := &server{t: t, process: p, env: map[string]string{"PORT": "1053"}}
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	s.remains(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")

	made := regexp.MustCompile(`Try it: (\S+) holds`).FindStringSubmatch(p.out.String())
	if made == nil {
		t.Fatal("the output does not contain the folder of the files")
	}
	s.dir = made[1]
	s.write("endpoints.json", export(fc1+" 10.20.0.44"))
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.44")
	return p
}

func isFree(addr string) bool {
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	defer udp.Close()
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	tcp.Close()
	return true
}
