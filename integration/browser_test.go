package integration

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// This file drives the status page in a browser: Debian's Chromium, playwright-core and
// axe-core, on the installed Node.

// pageCorefile has the status page.
const pageCorefile = `
.:{$PORT} {
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:{$PORT_METRICS}
    status 127.0.0.1:{$PORT_STATUS}
    fastpath
    acl {
        allow net 127.0.0.0/24
        block
    }
    privatelink {
        geo we
        cloud {$ARM}
        azure ` + subscription + `
        refresh 1s
        on_demand off
    }
    lru
    upstream . {$UPSTREAM}
}
`

// vaultOf returns an approved private endpoint of a Recovery Services vault, with the
// names of the service and those of so many storage accounts.
func vaultOf(vault, geo, id string, subnet, accounts int) fakearm.Endpoint {
	e := fakearm.Endpoint{
		Name: "pe-" + vault, Group: "rg-backup", VNet: "vnet-hub", Status: "Approved", Provisioning: "Succeeded",
		Target: "Microsoft.RecoveryServices/vaults/" + vault,
	}
	add := func(fqdn string) {
		e.Names = append(e.Names, fakearm.Name{FQDN: fqdn, IP: fmt.Sprintf("10.20.%d.%d", subnet, len(e.Names)+4)})
	}
	for _, service := range []string{"fc1", "fab1", "prot1", "rec2", "ecs1", "id1", "tel1", "wbcm1"} {
		add(fmt.Sprintf("%s-ab-pod01-%s.privatelink.%s.backup.windowsazure.com", id, service, geo))
	}
	for i := range accounts {
		add(fmt.Sprintf("%spod01ecs1%d%dx.blob.core.windows.net", geo, subnet, i))
	}
	if accounts > 0 {
		add(fmt.Sprintf("%spod01ecs1%d0x.queue.core.windows.net", geo, subnet))
	}
	return e
}

// pageEstate has vaults of each verdict.
func pageEstate() []fakearm.Endpoint {
	all := []fakearm.Endpoint{
		vaultEndpoint(fc1, blob, queue),
		vaultOf("rsv-prod-we", "we", "5260181590830166131", 1, 4),
		vaultOf("rsv-erp-ne", "ne", "8609139099603082462", 2, 5),
		vaultOf("rsv-sql-frc", "frc", "8657975432319487574", 3, 4),
		vaultOf("rsv-files-gwc", "gwc", "8194821953518190937", 4, 6),
		vaultOf("rsv-lab-sdc", "sdc", "9711471049746507529", 5, 0),
		{Name: "pe-rsv-new-we", Group: "rg-backup", VNet: "vnet-hub", Status: "Pending", Target: "Microsoft.RecoveryServices/vaults/rsv-new-we"},
		{Name: "pe-pending", Group: "rg-data", VNet: "vnet-hub", Status: "Pending", Manual: true,
			Target: "Microsoft.Storage/storageAccounts/pending", Member: "blob"},
		{Name: "pe-data", Group: "rg-data", VNet: "vnet-hub", Status: "Approved", Provisioning: "Succeeded",
			Target: "Microsoft.Storage/storageAccounts/datawe", Member: "blob", Names: []fakearm.Name{{FQDN: "datawe.blob.core.windows.net", IP: "10.20.9.4"}}},
	}
	all[0].Target = "Microsoft.RecoveryServices/vaults/rsv-dev-we"
	return all
}

// hostileEstate has vaults and names that are HTML.
func hostileEstate() []fakearm.Endpoint {
	return append(pageEstate(),
		fakearm.Endpoint{Name: "pe-evil", Group: "rg-data", VNet: "vnet-hub", Status: "Approved", Provisioning: "Succeeded",
			Target: "Microsoft.RecoveryServices/vaults/<img src=x onerror=alert(1)>", Names: []fakearm.Name{{FQDN: "evil.blob.core.windows.net", IP: "10.20.9.9"}}},
		fakearm.Endpoint{Name: "pe-bold", Group: "rg-data", VNet: "vnet-hub", Status: "Approved", Provisioning: "Succeeded",
			Target: "Microsoft.Storage/storageAccounts/bold", Member: "blob", Names: []fakearm.Name{{FQDN: "<b>bold</b>.blob.core.windows.net", IP: "10.20.9.10"}}})
}

func TestPageInBrowser(t *testing.T) {
	b := needBrowser(t)
	s, arm := serveLive(t, pageCorefile, false, hostileEstate()...)
	s.becomes(fc1, fc1Served)
	b.run(t, "http://"+s.addr("_STATUS"), "", func() {
		arm.Update(func(e fakearm.Estate) {
			e[subscription][1].Names = append(e[subscription][1].Names, fakearm.Name{FQDN: "added.blob.core.windows.net", IP: "10.20.1.99"})
		})
	})
}

// TestPageScreenshots writes the screenshots of the README, for `make screenshots`.
func TestPageScreenshots(t *testing.T) {
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		t.Skip("SCREENSHOTS names no folder")
	}
	b := needBrowser(t)
	s, _ := serveLive(t, strings.Replace(pageCorefile, "refresh 1s", "refresh 60s", 1), false, pageEstate()...)
	s.becomes(fc1, fc1Served)
	s.remains(blob, blobServed)
	b.run(t, "http://"+s.addr("_STATUS"), folder, func() {})
}

// A browser is what page.mjs needs.
type browser struct{ node, chromium, modules string }

func needBrowser(t *testing.T) browser {
	t.Helper()
	chromium, err := lookPath("chromium")
	if err != nil {
		chromium = need(t, "chromium-headless-shell", "chromium-headless-shell")
	}
	b := browser{node: need(t, "node", "nodejs"), chromium: chromium}
	npm := need(t, "npm", "npm")
	folder, err := modules(npm)
	if errors.Is(err, errMissing) {
		t.Skip("playwright-core and axe-core are not installed: run as root with INTEGRATION_INSTALL=1")
	}
	if err != nil {
		t.Fatal(err)
	}
	b.modules = folder
	return b
}

var errMissing = errors.New("not installed")

var installingModules sync.Mutex

// modules returns the folder with the modules of browser/package-lock.json. They are
// installed once for each content of the lock file.
func modules(npm string) (string, error) {
	installingModules.Lock()
	defer installingModules.Unlock()
	lock, err := os.ReadFile("browser/package-lock.json")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "privatelink-dns-integration", fmt.Sprintf("%x", sha256.Sum256(lock))[:16])
	done := filepath.Join(folder, "node_modules", ".package-lock.json") // npm writes it last
	if _, err := os.Stat(done); err == nil {
		return folder, nil
	}
	if os.Getenv("INTEGRATION_INSTALL") != "1" {
		return "", errMissing
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile("browser/" + name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return "", err
		}
	}
	cmd := exec.Command(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return folder, nil
}

// run runs page.mjs against the page, and calls change when the script asks for it.
func (b browser) run(t *testing.T, url, screenshots string, change func()) {
	t.Helper()
	args := []string{"browser/page.mjs", url, b.chromium, b.modules}
	if screenshots != "" {
		args = append(args, screenshots)
	}
	cmd := exec.Command(b.node, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(3*time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	done := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch line := lines.Text(); {
		case line == "change":
			change()
		case line == "done":
			done = true
		case strings.HasPrefix(line, "FAIL "):
			t.Error(strings.TrimPrefix(line, "FAIL "))
		default:
			t.Log(line)
		}
	}
	if err := cmd.Wait(); err != nil || !done {
		t.Errorf("page.mjs: %v, done: %v", err, done)
	}
}
