package packages

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const sources = "../../deploy/packages"

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The files that the packages are made of exist. Those in dist are made by build.sh.
func TestContentsExist(t *testing.T) {
	text := read(t, sources+"/nfpm.yaml")
	paths := regexp.MustCompile(`(?:src|postinstall|preremove|postremove|postupgrade): ([\w./-]+)`).FindAllStringSubmatch(text, -1)
	if len(paths) < 15 {
		t.Fatalf("%d paths in nfpm.yaml; want 15 or more", len(paths))
	}
	for _, m := range paths {
		if path := strings.Replace(m[1], "dist/stage/apk/", "deploy/packages/apk/", 1); !strings.HasPrefix(path, "dist/") {
			if _, err := os.Stat("../../" + path); err != nil {
				t.Error(err)
			}
		}
	}
}

// A POSIX shell accepts each script.
func TestScripts(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh here")
	}
	var scripts []string
	for _, pattern := range []string{"*.sh", "deb/p*", "rpm/*.sh", "apk/*"} {
		found, err := filepath.Glob(filepath.Join(sources, pattern))
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, found...)
	}
	if len(scripts) < 9 {
		t.Fatalf("%d scripts; want 9 or more", len(scripts))
	}
	for _, script := range scripts {
		if out, err := exec.Command(shell, "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
}

// The version of the packages for what git describe prints.
func TestVersionOfPackages(t *testing.T) {
	for _, tt := range []struct{ name, describe, want string }{
		{"a tag", "v1.2.3", `^1\.2\.3$`},
		{"a tag of a preview", "v1.3.0-rc.1", `^1\.3\.0-rc\.1$`},
		{"a commit after a tag", "v1.2.3-4-g0123abc", `^1\.2\.4-git20261126132849$`},
		{"a changed clone of a tag", "v1.2.9-dirty", `^1\.2\.10-git20261126132849$`},
		{"no tag", "0123abc-dirty", `^\d+\.\d+\.\d+-git20261126132849$`},
		{"no clone", "", `^\d+\.\d+\.\d+-git20261126132849$`},
	} {
		cmd := exec.Command("sh", sources+"/version.sh")
		cmd.Env = append(os.Environ(), "VERSION="+tt.describe, "SOURCE_DATE_EPOCH=1795699729")
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || !regexp.MustCompile(tt.want).MatchString(got) {
			t.Errorf("%s: %q = %q, %v; want %s", tt.name, tt.describe, got, err, tt.want)
		}
	}
}

// The unit, the user and the folders have one name in all files.
func TestNamesAgree(t *testing.T) {
	unit := read(t, "../../deploy/systemd/privatelink-dns.service")
	for path, want := range map[string]string{
		"../../deploy/systemd/sysusers.conf": "\nu privatelink-dns - ",
		"../../deploy/systemd/tmpfiles.conf": "\nd /var/lib/privatelink-dns 0700 privatelink-dns privatelink-dns -",
		sources + "/deb/postrm":              "rm -rf /etc/privatelink-dns /var/lib/privatelink-dns",
		sources + "/Corefile":                "state /var/lib/privatelink-dns/state.json",
		sources + "/nfpm.yaml":               "dst: /etc/privatelink-dns/environment",
	} {
		if !strings.Contains(read(t, path), want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
	for _, want := range []string{
		"User=privatelink-dns", "StateDirectory=privatelink-dns",
		"-conf /etc/privatelink-dns/Corefile", "EnvironmentFile=-/etc/privatelink-dns/environment",
	} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit lacks %q", want)
		}
	}
}

// A new installation has no identity: each variable is a comment.
func TestEnvironmentIsCommented(t *testing.T) {
	text := read(t, sources+"/environment")
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line != "" && !strings.HasPrefix(line, "#") {
			t.Errorf("the environment file sets %q", line)
		}
	}
	if !strings.Contains(text, "\n#AZURE_CLIENT_ID=") {
		t.Error("the environment file does not mention AZURE_CLIENT_ID")
	}
}

// The Windows installer is well-formed, and each action that it runs is in its order once.
func TestWindowsInstaller(t *testing.T) {
	decoder := xml.NewDecoder(strings.NewReader(read(t, sources+"/windows/privatelink-dns.wxs")))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	sql := read(t, sources+"/windows/actions.sql")
	list := func(table string) (names []string) {
		for _, m := range regexp.MustCompile("INSERT INTO `"+table+"` .* VALUES \\('(\\w+)'").FindAllStringSubmatch(sql, -1) {
			names = append(names, m[1])
		}
		return names
	}
	actions, order := list("CustomAction"), list("InstallExecuteSequence")
	if len(actions) < 8 || !slices.Equal(actions, order) {
		t.Errorf("actions %q, order %q; want the same", actions, order)
	}
}

// A tag of an action can move, a commit cannot.
func TestActionsArePinned(t *testing.T) {
	paths, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(paths) < 2 {
		t.Fatalf("%d workflows, %v; want 2 or more", len(paths), err)
	}
	pinned := regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, path := range paths {
		for _, m := range regexp.MustCompile(`(?m)uses: (.*)$`).FindAllStringSubmatch(read(t, path), -1) {
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s: %q is not pinned by a commit with its version", path, m[1])
			}
		}
	}
}
