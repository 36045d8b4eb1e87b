package source

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxFileSize is far above the export of the largest subscription (about 3 kB an
// endpoint) and far below what would hurt.
const maxFileSize = 64 << 20

// load returns the text of a regular file. It checks the file that it opened: a
// named pipe that replaced the file would block the read, and without O_NONBLOCK
// the open.
func load(path string) (text []byte, err error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	tooLarge := fmt.Errorf("%s: larger than the limit of %d bytes", path, maxFileSize)
	switch {
	case !info.Mode().IsRegular():
		return nil, notRegular(path)
	case info.Size() > maxFileSize:
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxFileSize: // it grows
		return nil, tooLarge
	}
	// PowerShell writes UTF-16 with a byte order mark, some editors UTF-8 with one.
	text, _, err = transform.Bytes(unicode.BOMOverride(unicode.UTF8.NewDecoder()), data)
	if err == nil && bytes.IndexByte(text[:min(len(text), 80)], 0) >= 0 {
		err = fmt.Errorf("%s: not UTF-8 text; UTF-16 needs a byte order mark", path)
	}
	return text, err
}

func notRegular(path string) error { return fmt.Errorf("%s: not a regular file", path) }
