package main

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is numeric, so that Kubernetes can see that it is not root.
const user = 65532

// A file of the image. A folder has no content.
type file struct {
	path    string
	mode    fs.FileMode
	owner   int
	content []byte
	folder  bool
	bind    bool // it may listen on ports below 1024
}

// besides returns everything but the binary, in the order of the paths.
func besides() []file {
	return []file{
		{path: "etc", mode: 0o755, folder: true},
		{path: "etc/group", mode: 0o644, content: []byte("root:x:0:\nnonroot:x:65532:\n")},
		{path: "etc/passwd", mode: 0o644, content: []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
		{path: "etc/privatelink-dns", mode: 0o755, folder: true},
		{path: "etc/ssl", mode: 0o755, folder: true},
		{path: "etc/ssl/certs", mode: 0o755, folder: true},
		{path: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: certificates()},
		{path: "tmp", mode: 0o1777, folder: true},
		{path: "var", mode: 0o755, folder: true},
		{path: "var/lib", mode: 0o755, folder: true},
		// A volume that is mounted here is the user's from its beginning.
		{path: "var/lib/privatelink-dns", mode: 0o755, owner: user, folder: true},
	}
}

// certificates returns Mozilla's roots that are trusted without a constraint. They are
// pinned in go.mod, unlike those of a distribution on the day of the build.
func certificates() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer returns no error
		}
	}
	return out.Bytes()
}

// writeRoot writes the files for the Dockerfile, which sets owners itself.
func writeRoot(root string) error {
	for _, f := range besides() {
		path := filepath.Join(root, f.path)
		if f.folder {
			if err := os.MkdirAll(path, 0o755); err != nil {
				return err
			}
			mode := f.mode.Perm()
			if f.mode&0o1000 != 0 {
				mode |= fs.ModeSticky
			}
			if err := os.Chmod(path, mode); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(path, f.content, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// archive returns the files as a layer.
func archive(files []file, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		h := &tar.Header{
			Name: f.path, Mode: int64(f.mode), Uid: f.owner, Gid: f.owner, Size: int64(len(f.content)),
			Typeflag: tar.TypeReg, ModTime: at, Format: tar.FormatPAX,
		}
		if f.folder {
			h.Name, h.Typeflag = f.path+"/", tar.TypeDir
		}
		if f.bind {
			h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": string(capability(netBindService))}
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := w.Close() // it writes the end of the archive
	return out.Bytes(), err
}

const netBindService = 10 // CAP_NET_BIND_SERVICE

// capability returns the extended attribute that `setcap cap_…=+ep` sets: the kernel's
// vfs_cap_data of revision 2, with the effective bit.
func capability(number int) []byte {
	const revision2, effective = 0x02000000, 1
	out := binary.LittleEndian.AppendUint32(nil, revision2|effective)
	out = binary.LittleEndian.AppendUint32(out, 1<<number) // permitted
	return append(out, make([]byte, 12)...)                // nothing inheritable, no number above 31
}
