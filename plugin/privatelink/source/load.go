package source

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxFileSize is far above the export of the largest subscription, with about 3 kB
// for an endpoint, and far below the memory of a server.
const maxFileSize = 64 << 20

// open opens a regular file. It checks the opened file, because a named pipe that
// replaced the file would block the read. Without O_NONBLOCK, it would also block the
// open.
func open(path string) (*os.File, fs.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = notRegular(path)
	case info.Size() > maxFileSize:
		err = tooLarge(path)
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// scan reads a regular file piece by piece and returns the sum of its bytes. read, if not
// nil, gets the bytes. It need not read all of them.
func scan(path string, read func(io.Reader)) (sum [sha256.Size]byte, err error) {
	file, _, err := open(path)
	if err != nil {
		return sum, err
	}
	defer file.Close()
	limited, hash := &io.LimitedReader{R: file, N: maxFileSize + 1}, sha256.New()
	if read != nil {
		read(io.TeeReader(limited, hash))
	}
	if _, err := io.Copy(hash, limited); err != nil {
		return sum, err
	}
	if limited.N == 0 { // the file grows
		return sum, tooLarge(path)
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}

// load returns the text of a regular file, and the sum of its bytes.
func load(path string) (text []byte, sum [sha256.Size]byte, err error) {
	file, info, err := open(path)
	if err != nil {
		return nil, sum, err
	}
	defer file.Close()
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead)) // a single allocation
	_, err = data.ReadFrom(io.LimitReader(file, maxFileSize+1))
	switch {
	case err != nil:
		return nil, sum, err
	case data.Len() > maxFileSize: // the file grows
		return nil, sum, tooLarge(path)
	}
	sum = sha256.Sum256(data.Bytes())
	text, err = decodeText(data.Bytes())
	if err == nil && bytes.IndexByte(text[:min(len(text), 80)], 0) >= 0 {
		err = fmt.Errorf("%s: not UTF-8 text; UTF-16 needs a byte order mark", path)
	}
	return text, sum, err
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

func tooLarge(path string) error {
	return fmt.Errorf("%s: larger than the limit of %d bytes", path, maxFileSize)
}
