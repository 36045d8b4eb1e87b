package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A machine of deploy/azure upgrades the package unattended from a signed repository, and
// keeps its Corefile. The settings of apt are those of cloud-init.yaml.
func TestUnattendedUpgrade(t *testing.T) {
	dir := folder(t)
	sign(t, dir)
	_, settings, found := strings.Cut(read(t, "../../deploy/azure/cloud-init.yaml"), "/52privatelink-dns\n    content: |\n")
	if !found {
		t.Fatal("cloud-init.yaml has no settings for apt")
	}
	settings = strings.ReplaceAll(strings.ReplaceAll(settings, "\n      ", "\n"), "@RESTART@", "02:00")
	settings = strings.ReplaceAll(settings, `Automatic-Reboot "true"`, `Automatic-Reboot "false"`) // no machine to restart
	if err := os.WriteFile(filepath.Join(dir, "settings"), []byte(settings), 0o644); err != nil {  //nolint:gosec // G306: apt's user reads it
		t.Fatal(err)
	}

	m := boot(t, dir)
	m.run("rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*; mkdir -p /etc/apt/keyrings")
	m.run("cp /srv/privatelink-dns.asc /etc/apt/keyrings/; cp /srv/settings /etc/apt/apt.conf.d/52privatelink-dns")
	m.run("echo 'deb [signed-by=/etc/apt/keyrings/privatelink-dns.asc] file:/srv /' > /etc/apt/sources.list")
	m.has("apt-get update && apt-get -y install privatelink-dns=0.* && systemctl is-active privatelink-dns", `\nactive\n$`)
	m.run("echo '# edited' >> /etc/privatelink-dns/Corefile")
	m.has("unattended-upgrade -v", `Packages that will be upgraded: privatelink-dns\n`)
	m.has("dpkg-query -W privatelink-dns; tail -1 /etc/privatelink-dns/Corefile; systemctl is-active privatelink-dns", `\t99\.0-1\n# edited\nactive\n$`)
}

// sign makes the folder a signed repository, with a key of its own.
func sign(t *testing.T, dir string) {
	t.Helper()
	need(t, "apt-ftparchive", "apt-utils")
	need(t, "gpg", "gnupg")
	script := `set -eu
		GNUPGHOME=$(mktemp -d)
		export GNUPGHOME
		gpg --batch --quiet --passphrase '' --quick-generate-key test@example.org ed25519 sign never
		APT_SIGNING_KEY=$(gpg --batch --armor --export-secret-keys)
		gpgconf --kill all
		rm -rf "$GNUPGHOME"
		export APT_SIGNING_KEY
		../../deploy/packages/apt.sh "$1"`
	if out, err := exec.Command("sh", "-c", script, "sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("sign the repository: %v\n%s", err, out)
	}
}
