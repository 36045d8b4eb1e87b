package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// temporary is a folder for the whole run.
var temporary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "privatelink-dns-packages-")
	if err != nil {
		panic(err)
	}
	temporary = folder
	status := m.Run()
	os.RemoveAll(folder)
	os.Exit(status)
}

// built returns the folder of the packages.
func built(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("INTEGRATION_PACKAGES")
	if folder == "" {
		t.Skip("INTEGRATION_PACKAGES does not name a folder of packages: run make check-packages")
	}
	return folder
}

// find returns the one package that matches.
func find(t testing.TB, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(built(t), pattern))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s: %q, %v; want one", pattern, paths, err)
	}
	return paths[0]
}

// need returns the path of a program. If it is missing, root installs its Debian
// package with INTEGRATION_INSTALL=1; otherwise the test is skipped.
func need(t testing.TB, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("INTEGRATION_INSTALL") == "1" && os.Getuid() == 0 {
		path, err = install(program, pkg)
	}
	if err != nil {
		t.Skipf("no %s here: install the Debian package %s, or run as root with INTEGRATION_INSTALL=1: %v", program, pkg, err)
	}
	return path
}

var installing sync.Mutex

func install(program, pkg string) (string, error) {
	installing.Lock()
	defer installing.Unlock()
	packages := append([]string{"install", "-y", "-qq", "--no-install-recommends"}, strings.Fields(pkg)...)
	for _, args := range [][]string{{"update", "-qq"}, packages} {
		cmd := exec.Command("apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
	}
	return exec.LookPath(program)
}

// The machines have these, as servers of a company do. systemd is the init.
const included = "systemd,systemd-sysv,systemd-resolved,dbus,bind9,bind9-dnsutils,iproute2,ca-certificates,procps,unattended-upgrades,rpm"

// debianRoot returns the folder of a clean Debian, which mmdebstrap makes once, from this
// machine's own sources of packages. INTEGRATION_DEBIAN names an existing one.
func debianRoot(t testing.TB) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can start a systemd in a folder")
	}
	for program, pkg := range map[string]string{"nsenter": "util-linux", "ip": "iproute2"} {
		need(t, program, pkg)
	}
	if folder := os.Getenv("INTEGRATION_DEBIAN"); folder != "" {
		return folder
	}
	need(t, "mmdebstrap", "mmdebstrap")
	folder, err := makeDebian()
	if err != nil {
		t.Skipf("no Debian here: %v", err)
	}
	return folder
}

var makeDebian = sync.OnceValues(func() (string, error) {
	sources := "/etc/apt/sources.list"
	for _, path := range []string{"/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list.d/ubuntu.sources"} {
		if _, err := os.Stat(path); err == nil {
			sources = path
		}
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	_, codename, found := strings.Cut(string(release), "\nVERSION_CODENAME=")
	if !found {
		return "", fmt.Errorf("/etc/os-release has no VERSION_CODENAME")
	}
	codename, _, _ = strings.Cut(codename, "\n")
	folder := filepath.Join(temporary, "debian")
	cmd := exec.Command("mmdebstrap", "--mode=root", "--variant=minbase", "--include="+included, codename, folder, sources)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return folder, nil
})
