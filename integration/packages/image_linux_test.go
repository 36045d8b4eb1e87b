package packages

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The image's program listens on port 53 as the image's user, by the capability in the
// layer. The layers are unpacked as an engine unpacks them.
func TestImageRuns(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can unpack a file with a capability")
	}
	need(t, "dig", "bind9-dnsutils")
	layout := filepath.Join(built(t), "../image")
	if _, err := os.Stat(layout); err != nil {
		t.Skipf("no image: run make image: %v", err)
	}
	root := t.TempDir()
	for _, layer := range layers(t, layout, "amd64") {
		cmd := exec.Command("tar", "--xattrs", "--xattrs-include=security.capability", "-C", root, "-xzf", layer)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	if err := os.Chmod(root, 0o755); err != nil { //nolint:gosec // G302: the image's user starts in it
		t.Fatal(err)
	}
	const corefile = `. {
    bind 127.0.0.1
    privatelink {
        record x.privatelink.blob.core.windows.net 10.20.0.4
        state /var/lib/privatelink-dns/state.json
    }
}
`
	if err := os.WriteFile(filepath.Join(root, "etc/privatelink-dns/Corefile"), []byte(corefile), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `set -eu
		ip link set lo up
		mount -t proc proc "$1/proc" 2>/dev/null || true
		chroot --userspec=65532:65532 "$1" /privatelink-dns -conf /etc/privatelink-dns/Corefile &
		server=$!
		for i in $(seq 100); do
			answer=$(dig +short +tries=1 +time=1 @127.0.0.1 x.privatelink.blob.core.windows.net || true)
			case $answer in 10.*) break ;; esac
			sleep 0.1
		done
		echo "answer $answer, user $(stat -c %u /proc/$server), state $(ls "$1/var/lib/privatelink-dns")"
		kill $server
		wait $server`
	out, err := exec.Command("unshare", "--net", "--mount", "sh", "-c", script, "sh", root).CombinedOutput()
	if want := "answer 10.20.0.4, user 65532, "; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v\n got %s\nwant %s", err, out, want)
	}
}

// layers returns the paths of the layers of an architecture.
func layers(t *testing.T, layout, architecture string) (paths []string) {
	t.Helper()
	type descriptor struct {
		Digest   string
		Platform struct{ Architecture string }
	}
	var index struct{ Manifests []descriptor }
	blob := func(digest string) string {
		return filepath.Join(layout, "blobs", strings.Replace(digest, ":", "/", 1))
	}
	decode(t, filepath.Join(layout, "index.json"), &index)
	for _, m := range index.Manifests {
		if m.Platform.Architecture != architecture {
			continue
		}
		var manifest struct{ Layers []descriptor }
		decode(t, blob(m.Digest), &manifest)
		for _, layer := range manifest.Layers {
			paths = append(paths, blob(layer.Digest))
		}
	}
	if len(paths) != 2 {
		t.Fatalf("%d layers for %s; want 2", len(paths), architecture)
	}
	return paths
}

func decode(t *testing.T, path string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, path)), into); err != nil {
		t.Fatal(err)
	}
}
