package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// about is for the labels.
type about struct{ version, commit string }

func (a about) labels() map[string]string {
	const project = "https://github.com/privatelink-dns/privatelink-dns"
	return map[string]string{
		"org.opencontainers.image.title":       "privatelink-dns",
		"org.opencontainers.image.description": "DNS server for the names of Azure private endpoints",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.source":      project,
		"org.opencontainers.image.version":     a.version,
		"org.opencontainers.image.revision":    a.commit,
	}
}

// newIndex returns an image for each binary.
func newIndex(a about, at time.Time, binaries []string) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, one := range binaries {
		system, architecture, path, err := split(one)
		if err != nil {
			return nil, err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		image, err := newImage(a, at, system, architecture, content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: system, Architecture: architecture},
		}})
	}
	return index, nil
}

// newImage has two layers: one is the same for all architectures and changes rarely.
func newImage(a about, at time.Time, system, architecture string, binary []byte) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.ConfigFile(image, &v1.ConfigFile{
		OS: system, Architecture: architecture, Created: v1.Time{Time: at},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:       fmt.Sprintf("%d:%d", user, user),
			Entrypoint: []string{"/privatelink-dns"},
			WorkingDir: "/",
			Labels:     a.labels(),
			ExposedPorts: map[string]struct{}{
				"53/tcp": {}, "53/udp": {}, "8080/tcp": {}, "8181/tcp": {}, "9153/tcp": {},
			},
		},
	})
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		reason string
		files  []file
	}{
		{"certificates, user and folders", besides()},
		{"privatelink-dns", []file{{path: "privatelink-dns", mode: 0o755, content: binary, bind: true}}},
	} {
		image, err = addLayer(image, part.files, part.reason, at)
		if err != nil {
			return nil, err
		}
	}
	return image, nil
}

func addLayer(image v1.Image, files []file, reason string, at time.Time) (v1.Image, error) {
	content, err := archive(files, at)
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	return mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: reason, Created: v1.Time{Time: at}}})
}
