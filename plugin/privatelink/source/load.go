package source

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxFileSize is far above the export of the largest subscription, with about 3 kB
// for an endpoint, and far below the memory of a server.
const maxFileSize = 64 << 20

// load returns the text of a regular file. It checks the opened file, because a named
// pipe that replaced the file would block the read. Without O_NONBLOCK, it would also
// block the open.
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
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead)) // a single allocation
	_, err = data.ReadFrom(io.LimitReader(file, maxFileSize+1))
	switch {
	case err != nil:
		return nil, err
	case data.Len() > maxFileSize: // the file grows
		return nil, tooLarge
	}
	text, err = decodeText(data.Bytes())
	if err == nil && bytes.IndexByte(text[:min(len(text), 80)], 0) >= 0 {
		err = fmt.Errorf("%s: not UTF-8 text; UTF-16 needs a byte order mark", path)
	}
	return text, err
}

// decodeText returns the text as UTF-8. PowerShell writes UTF-16 with a byte order
// mark, and some editors write UTF-8 with one. Plain UTF-8 is returned without a copy.
func decodeText(data []byte) ([]byte, error) {
	if utf8.Valid(data) && !bytes.HasPrefix(data, []byte("\uFEFF")) {
		return data, nil
	}
	text, _, err := transform.Bytes(unicode.BOMOverride(unicode.UTF8.NewDecoder()), data)
	return text, err
}

func notRegular(path string) error { return fmt.Errorf("%s: not a regular file", path) }
