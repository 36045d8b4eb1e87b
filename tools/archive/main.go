// Command archive packs a folder so that equal content makes equal octets.
//
//	archive OUT.zip|OUT.tar.gz FOLDER
//
// SOURCE_DATE_EPOCH is the time of every entry.
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: archive OUT.zip|OUT.tar.gz FOLDER")
	}
	if err := pack(os.Args[1], os.Args[2], os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		log.Fatal(err)
	}
}

// An archive receives the files in the order of their names.
type archive interface {
	add(path string, mode fs.FileMode, content []byte) error
	Close() error
}

func pack(out, folder, epoch string) error {
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	defer file.Close()
	a := archive(newTar(file, time.Unix(seconds, 0).UTC()))
	if strings.HasSuffix(out, ".zip") {
		a = zipArchive{zip.NewWriter(file), time.Unix(seconds, 0).UTC()}
	}
	if err := walk(a, folder); err != nil {
		return err
	}
	if err := a.Close(); err != nil {
		return err
	}
	return file.Close()
}

// walk adds the files of the folder, with the folder's own name. The mode of a file
// depends on nothing but whether it is a program.
func walk(a archive, folder string) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(filepath.Dir(folder), path)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		return a.add(filepath.ToSlash(name), mode, content)
	})
}

type tarArchive struct {
	*tar.Writer
	gzip *gzip.Writer
	time time.Time
}

func newTar(w io.Writer, at time.Time) tarArchive {
	compressed, _ := gzip.NewWriterLevel(w, gzip.BestCompression) // the level is valid
	return tarArchive{tar.NewWriter(compressed), compressed, at}
}

func (t tarArchive) add(path string, mode fs.FileMode, content []byte) error {
	err := t.WriteHeader(&tar.Header{Name: path, Mode: int64(mode), Size: int64(len(content)), ModTime: t.time, Typeflag: tar.TypeReg})
	if err != nil {
		return err
	}
	_, err = t.Write(content)
	return err
}

func (t tarArchive) Close() error {
	if err := t.Writer.Close(); err != nil {
		return err
	}
	return t.gzip.Close()
}

type zipArchive struct {
	*zip.Writer
	time time.Time
}

func (z zipArchive) add(path string, mode fs.FileMode, content []byte) error {
	header := &zip.FileHeader{Name: path, Method: zip.Deflate, Modified: z.time}
	header.SetMode(mode)
	w, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
