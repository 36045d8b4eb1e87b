package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Wine's Windows Installer installs, upgrades and removes the .msi. Its Go programs do not
// run, so the service does not start: the installation is kept all the same. Its icacls,
// sc and netsh do nothing.
func TestInstallerInWine(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(built(t), "*.msi"))
	if err != nil || len(paths) == 0 {
		t.Skip("no .msi: it needs the Debian packages wixl and msitools")
	}
	wine := need(t, "wine", "wine wine64")
	dir := t.TempDir()
	prefix := filepath.Join(dir, "prefix")
	run := func(program string, args ...string) (string, error) {
		cmd := exec.Command(program, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "WINEPREFIX="+prefix, "WINEARCH=win64", "WINEDEBUG=-all", "DISPLAY=")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(wine, "wineboot", "-i"); err != nil {
		t.Skipf("wine does not start here: %v\n%s", err, out)
	}
	defer run("wineserver", "-k") //nolint:errcheck // it may have ended
	newer(t, paths[0], dir)

	edited := false
	for _, step := range []struct {
		name, action, msi string
		installed         bool
	}{
		{"install", "/i", "old.msi", true},
		{"upgrade", "/i", "new.msi", true},
		{"remove", "/x", "new.msi", false},
	} {
		if out, err := run(wine, "msiexec", step.action, step.msi, "/qn", "FIREWALL=1", "CLIENTS=10.0.0.0/8"); err != nil {
			t.Fatalf("%s: %v\n%s", step.name, err, out)
		}
		out, err := run(wine, "reg", "query", `HKLM\SYSTEM\CurrentControlSet\Services\privatelink-dns`, "/v", "ImagePath")
		if (err == nil) != step.installed || step.installed && !strings.Contains(out, `-conf "C:\ProgramData\privatelink-dns\Corefile"`) {
			t.Errorf("%s: service %v %s; installed %t", step.name, err, out, step.installed)
		}
		inspect(t, step.name, filepath.Join(prefix, "drive_c"), step.installed, edited)
		edited = true
	}
}

// inspect looks at the files, and edits the Corefile if it is not edited yet.
func inspect(t *testing.T, step, drive string, installed, edited bool) {
	t.Helper()
	data := filepath.Join(drive, "ProgramData/privatelink-dns")
	if _, err := os.Stat(filepath.Join(drive, "Program Files/privatelink-dns/privatelink-dns.exe")); (err == nil) != installed {
		t.Errorf("%s: the program: %v; installed %t", step, err, installed)
	}
	for _, folder := range []string{"state", "log"} {
		if _, err := os.Stat(filepath.Join(data, folder)); err != nil {
			t.Errorf("%s: %v", step, err)
		}
	}
	const line = "# edited\r\n"
	corefile := filepath.Join(data, "Corefile")
	text := read(t, corefile)
	if strings.HasSuffix(text, line) != edited {
		t.Errorf("%s: the Corefile is the edited one: %t; want %t", step, !edited, edited)
	}
	if !edited {
		if err := os.WriteFile(corefile, []byte(text+line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// newer copies the installer to old.msi, and makes new.msi, of a higher version.
func newer(t *testing.T, msi, dir string) {
	t.Helper()
	need(t, "msibuild", "msitools")
	set := func(property, value string) string {
		return "UPDATE `Property` SET `Value` = '" + value + "' WHERE `Property` = '" + property + "'"
	}
	script := `set -eu
		cp "$1" "$2/old.msi"
		cp "$1" "$2/new.msi"
		msibuild "$2/new.msi" -q "$3"
		msibuild "$2/new.msi" -q "$4"
		msibuild "$2/new.msi" -s x privatelink-dns 'x64;1033' '{99999999-2222-3333-4444-555555555555}'`
	if out, err := exec.Command("sh", "-c", script, "sh", msi, dir,
		set("ProductVersion", "99.0.0"), set("ProductCode", "{11111111-2222-3333-4444-555555555555}")).CombinedOutput(); err != nil {
		t.Fatalf("make a newer installer: %v\n%s", err, out)
	}
}
