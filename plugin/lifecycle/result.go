package lifecycle

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/atomicfile"
)

// A signal has no reply, but `systemctl reload` has to report a Corefile that was
// rejected. So the process leaves the result of each reload by SIGUSR1 in a file of the
// folder that systemd creates for the service (RuntimeDirectory). The command reload,
// which systemd runs with the same folder, waits for it.

// ResultFile returns the path of the file, or "" if the process has no such folder.
func ResultFile() string {
	folder := os.Getenv("RUNTIME_DIRECTORY")
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, "reload")
}

// writeResult writes the error of a reload, or an empty file.
func writeResult(path string, result error) error {
	if path == "" {
		return nil
	}
	return atomicfile.Replace(path, 0o600, func(w io.Writer) error {
		if result == nil {
			return nil
		}
		_, err := io.WriteString(w, result.Error())
		return err
	})
}

// ReadResult returns the error that the reload ended with. The error is fs.ErrNotExist
// while there is no result.
func ReadResult(path string) (result, err error) {
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	return errors.New(string(text)), nil
}
