package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// build makes an image of two small binaries and returns its folder.
func build(t *testing.T) string {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", "1795700000")
	dir := t.TempDir()
	var binaries []string
	for _, architecture := range []string{"amd64", "arm64"} {
		path := filepath.Join(dir, architecture)
		if err := os.WriteFile(path, []byte("program for "+architecture), 0o700); err != nil {
			t.Fatal(err)
		}
		binaries = append(binaries, "linux/"+architecture+"="+path)
	}
	out := filepath.Join(dir, "image")
	if err := run(out, "", "", about{"1.2.3", "c0ffee"}, binaries); err != nil {
		t.Fatal(err)
	}
	return out
}

func images(t *testing.T, folder string) (all []v1.Image) {
	t.Helper()
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, image)
	}
	return all
}

// entries returns the headers and contents of all layers.
func entries(t *testing.T, image v1.Image) (map[string]*tar.Header, map[string]string) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	headers, contents := map[string]*tar.Header{}, map[string]string{}
	for _, layer := range layers {
		reader, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for archive := tar.NewReader(reader); ; {
			h, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			headers[h.Name], contents[h.Name] = h, string(content)
		}
	}
	return headers, contents
}

func TestImage(t *testing.T) {
	all := images(t, build(t))
	if len(all) != 2 {
		t.Fatalf("%d images; want one for each architecture", len(all))
	}
	for i, architecture := range []string{"amd64", "arm64"} {
		if err := validate.Image(all[i]); err != nil {
			t.Error(err)
		}
		config, err := all[i].ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.Architecture != architecture || config.OS != "linux" {
			t.Errorf("%s/%s; want linux/%s", config.OS, config.Architecture, architecture)
		}
		if c := config.Config; c.User != "65532:65532" ||
			strings.Join(c.Entrypoint, " ") != "/privatelink-dns" || c.Labels["org.opencontainers.image.version"] != "1.2.3" {
			t.Errorf("user %q, entrypoint %q, labels %v", c.User, c.Entrypoint, c.Labels)
		}
		headers, contents := entries(t, all[i])
		if contents["privatelink-dns"] != "program for "+architecture {
			t.Errorf("binary %q", contents["privatelink-dns"])
		}
		// As `setcap cap_net_bind_service=+ep` writes it.
		want := "\x01\x00\x00\x02\x00\x04\x00\x00" + strings.Repeat("\x00", 12)
		if got := headers["privatelink-dns"].PAXRecords["SCHILY.xattr.security.capability"]; got != want {
			t.Errorf("capability %x; want %x", got, want)
		}
		for path, h := range headers {
			if path != "privatelink-dns" && h.Typeflag == tar.TypeReg && h.Mode&0o111 != 0 {
				t.Errorf("%s is a program; want no shell or other program", path)
			}
			if h.ModTime.Unix() != 1795700000 {
				t.Errorf("%s has the time %s", path, h.ModTime)
			}
		}
		if h := headers["var/lib/privatelink-dns/"]; h == nil || h.Uid != user || h.Gid != user {
			t.Errorf("the folder for the state is %+v; want that of the user", h)
		}
	}
}

// The roots include those of Azure's certificates.
func TestCertificates(t *testing.T) {
	names := map[string]bool{}
	for rest := certificates(); len(bytes.TrimSpace(rest)) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			t.Fatal("no PEM")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		names[c.Subject.CommonName] = true
	}
	for _, want := range []string{"DigiCert Global Root G2", "Microsoft RSA Root Certificate Authority 2017", "Microsoft ECC Root Certificate Authority 2017"} {
		if !names[want] {
			t.Errorf("the certificates lack %q", want)
		}
	}
	if len(names) < 80 {
		t.Errorf("%d certificates; want 80 or more", len(names))
	}
}

// tar rejects an archive without its end, although Go's reader accepts it.
func TestArchiveHasItsEnd(t *testing.T) {
	content, err := archive(besides(), time.Unix(0, 0))
	if err != nil || len(content)%512 != 0 || !bytes.HasSuffix(content, make([]byte, 1024)) {
		t.Errorf("%d octets, %v; want blocks of 512 and two empty ones at the end", len(content), err)
	}
}

func TestImageIsReproducible(t *testing.T) {
	var digests []string
	for range 2 {
		index, err := layout.ImageIndexFromPath(build(t))
		if err != nil {
			t.Fatal(err)
		}
		digest, err := index.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
	}
	if digests[0] != digests[1] {
		t.Errorf("digests %q; want the same", digests)
	}
}

// The image is pushed to a registry on the loopback address, and read from there.
func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/privatelink-dns:1.2.3"
	if err := pushImage(build(t), reference); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
}

// The Dockerfile takes its files from here, but for the binary.
func TestRoot(t *testing.T) {
	root := t.TempDir()
	if err := writeRoot(root); err != nil {
		t.Fatal(err)
	}
	for _, f := range besides() {
		info, err := os.Stat(filepath.Join(root, f.path))
		if err != nil || info.IsDir() != f.folder || int64(info.Mode().Perm()) != int64(f.mode&0o777) {
			t.Errorf("%s: %v, %v", f.path, info, err)
		}
	}
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"./image -root /root-files", "FROM scratch", "USER 65532:65532", "setcap cap_net_bind_service=+ep", `ENTRYPOINT ["/privatelink-dns"]`,
	} {
		if !strings.Contains(string(dockerfile), want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct{ binary, want string }{
		{"linux/amd64=a=b", "linux amd64 a=b"},
		{"linux=file", ""},
		{"file", ""},
	} {
		system, architecture, path, err := split(tt.binary)
		got := strings.TrimSpace(system + " " + architecture + " " + path)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("split(%q) = %q, %v; want %q", tt.binary, got, err, tt.want)
		}
	}
}
