// Command msisummary makes the summary of a Windows installer reproducible: its times
// become SOURCE_DATE_EPOCH, and its package code the given one. wixl writes the time of
// the build and a random code.
//
//	msisummary FILE.msi 01234567-89AB-CDEF-0123-456789ABCDEF
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 || len(os.Args[2]) != codeLength {
		log.Fatal("usage: msisummary FILE.msi PACKAGE-CODE")
	}
	if err := rewrite(os.Args[1], os.Args[2], os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		log.Fatalf("msisummary: %s: %v", os.Args[1], err)
	}
}

func rewrite(path, code, epoch string) error {
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := setSummary(content, code, seconds); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// The numbers of [MS-OLEPS].
const (
	packageCode        = 9      // PIDSI_REVNUMBER
	createdAt, savedAt = 12, 13 // PIDSI_CREATE_DTM, PIDSI_LASTSAVE_DTM
	text, fileTime     = 30, 64 // VT_LPSTR, VT_FILETIME
	codeLength         = 36     // without the braces
	ticks, toUnix      = 10_000_000, 11_644_473_600
)

// summary is the format identifier of the property set, FMTID_SummaryInformation. Its
// offset within the stream follows it.
var summary = []byte{0xe0, 0x85, 0x9f, 0xf2, 0xf9, 0x4f, 0x68, 0x10, 0xab, 0x91, 0x08, 0x00, 0x2b, 0x27, 0xb3, 0xd9}

// streamHead is the length of the stream before the identifier.
const streamHead = 28

// setSummary changes the content. The stream is one piece, because it is shorter than a
// sector is apart from the next: otherwise a value is missing, which is an error.
func setSummary(content []byte, code string, seconds int64) error {
	at := bytes.Index(content, summary)
	if at < streamHead || at+20 > len(content) {
		return errors.New("no summary")
	}
	stream := content[at-streamHead:]
	section := int(binary.LittleEndian.Uint32(content[at+16:]))
	if section+8 > len(stream) {
		return errors.New("the summary is cut off")
	}
	set := stream[section:]
	changed := 0
	for i := range int(binary.LittleEndian.Uint32(set[4:])) {
		id, value := binary.LittleEndian.Uint32(set[8+8*i:]), set[binary.LittleEndian.Uint32(set[12+8*i:]):]
		switch kind := binary.LittleEndian.Uint32(value); {
		case (id == createdAt || id == savedAt) && kind == fileTime:
			binary.LittleEndian.PutUint64(value[4:], uint64((seconds+toUnix)*ticks))
			changed++
		case id == packageCode && kind == text && value[8] == '{' && value[9+codeLength] == '}':
			copy(value[9:], code)
			changed++
		}
	}
	if changed != 3 {
		return fmt.Errorf("%d of 3 values in the summary", changed)
	}
	return nil
}
