package packages

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// lintian reports no error for the .deb, and no warning but one about a first upload.
func TestLintian(t *testing.T) {
	for _, pattern := range []string{"*_amd64.deb", "*_arm64.deb"} {
		out, err := exec.Command(need(t, "lintian", "lintian"), "--allow-root", "--suppress-tags", "initial-upload-closes-no-bugs", find(t, pattern)).CombinedOutput()
		if err != nil || regexp.MustCompile(`(?m)^[EW]:`).Match(out) {
			t.Errorf("lintian %s: %v\n%s", pattern, err, out)
		}
	}
}

// rpmlint reports no error for the .rpm. rpmlint.toml has the reasons for what it skips.
func TestRpmlint(t *testing.T) {
	for _, pattern := range []string{"*.x86_64.rpm", "*.aarch64.rpm"} {
		out, err := exec.Command(need(t, "rpmlint", "rpmlint"), "-c", sources+"/rpm/rpmlint.toml", find(t, pattern)).CombinedOutput()
		if err != nil || !strings.Contains(string(out), " 0 errors,") {
			t.Errorf("rpmlint %s: %v\n%s", pattern, err, out)
		}
	}
}

// man formats each page without a warning, and apropos finds it.
func TestManPages(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(extract(t), "usr/share/man/man*/*.gz"))
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d pages, %v; want 5 or more", len(pages), err)
	}
	for _, page := range pages {
		cmd := exec.Command(need(t, "man", "man-db"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANROFFSEQ=", "MANWIDTH=80")
		var warnings strings.Builder
		cmd.Stderr = &warnings
		if out, err := cmd.Output(); err != nil || warnings.Len() > 0 || len(out) < 2000 {
			t.Errorf("man %s: %v, %d octets\n%s", page, err, len(out), &warnings)
		}
		if out, err := exec.Command(need(t, "lexgrog", "man-db"), page).CombinedOutput(); err != nil {
			t.Errorf("lexgrog %s: %v\n%s", page, err, out)
		}
	}
}

// The installer for Windows has the service, a Corefile that stays, and the firewall
// rule as an option. Only its tables are read: it runs on Windows alone.
func TestInstallerTables(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(built(t), "*.msi"))
	if err != nil || len(paths) == 0 {
		t.Skip("no .msi: it needs the Debian packages wixl and msitools")
	}
	msiinfo := need(t, "msiinfo", "msitools")
	for _, tt := range []struct{ name, table, want string }{
		{"a service that starts by itself, with its own user", "ServiceInstall", `\tprivatelink-dns\t16\t2\t1\t.*\tNT SERVICE\\privatelink-dns\t`},
		{"with the Corefile and a log", "ServiceInstall", `-windows-service -conf "\[DATA\]Corefile" -log "\[LOGS\]privatelink-dns.log"`},
		{"a Corefile that is permanent and never overwritten", "Component", `(?m)^Corefile\t.*\t400\t`},
		{"a firewall rule on request", "InstallExecuteSequence", `(?m)^FirewallUDP\tFIREWALL AND NOT REMOVE\t`},
		{"a start whose failure keeps the installation", "CustomAction", `(?m)^Start\t3170\t`},
		{"no start that would undo the installation", "ServiceControl", `(?m)^Control\tprivatelink-dns\t162\t`},
		{"an upgrade of the same version", "Upgrade", `\t768\t`},
	} {
		out, err := exec.Command(msiinfo, "export", paths[0], tt.table).CombinedOutput()
		if err != nil || !regexp.MustCompile(tt.want).Match(out) {
			t.Errorf("%s: %v\n got %s\nwant %s", tt.name, err, out, tt.want)
		}
	}
}

// SHA256SUMS has every file, and the SBOM every module of the binary.
func TestSumsAndModules(t *testing.T) {
	dir := built(t)
	sums := read(t, filepath.Join(dir, "SHA256SUMS"))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "SHA256SUMS" || e.IsDir() {
			continue
		}
		if want := fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(read(t, filepath.Join(dir, e.Name())))), e.Name()); !strings.Contains(sums, want) {
			t.Errorf("SHA256SUMS lacks %s", want)
		}
	}
	var sbom struct {
		BomFormat  string
		Components []struct{ Purl string }
	}
	if err := json.Unmarshal([]byte(read(t, find(t, "*.cdx.json"))), &sbom); err != nil || sbom.BomFormat != "CycloneDX" {
		t.Fatalf("%v, format %q; want CycloneDX", err, sbom.BomFormat)
	}
	out, err := exec.Command(need(t, "go", "golang-go"), "version", "-m", filepath.Join(extract(t), "usr/bin/privatelink-dns")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(string(out), -1) {
		found := false
		for _, c := range sbom.Components {
			found = found || strings.HasPrefix(c.Purl, "pkg:golang/"+m[1]+"@"+m[2])
		}
		if !found {
			t.Errorf("the SBOM lacks %s %s", m[1], m[2])
		}
	}
}

// Two clones in different folders, with different umasks and time zones, make the same
// octets. It builds the commit, without what is not committed.
func TestReproducible(t *testing.T) {
	built(t)
	var sums []string
	for _, tt := range []struct{ folder, umask, zone string }{{"a", "022", "UTC0"}, {"another/folder", "077", "Asia/Tokyo"}} {
		clone := filepath.Join(t.TempDir(), tt.folder)
		if out, err := exec.Command("git", "clone", "-q", "--shared", "../..", clone).CombinedOutput(); err != nil {
			t.Skipf("this is no clone: %v\n%s", err, out)
		}
		cmd := exec.Command("sh", "-c", "umask "+tt.umask+" && make packages")
		cmd.Dir, cmd.Env = clone, append(os.Environ(), "TZ="+tt.zone)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("make packages: %v\n%s", err, out)
		}
		sums = append(sums, read(t, filepath.Join(clone, "dist/packages/SHA256SUMS")))
	}
	if sums[0] != sums[1] || strings.Count(sums[0], "\n") < 8 {
		t.Errorf("two builds differ\n%s\n%s", sums[0], sums[1])
	}
}
