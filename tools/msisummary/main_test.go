package main

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// sample is a property set with a package code and two times, at an odd place of a file.
func sample() []byte {
	code := append([]byte("{00000000-0000-0000-0000-000000000000}"), 0, 0)
	set := binary.LittleEndian.AppendUint32(nil, 0)
	set = binary.LittleEndian.AppendUint32(set, 3)
	for _, property := range [][2]uint32{{packageCode, 32}, {createdAt, 80}, {savedAt, 92}} {
		set = binary.LittleEndian.AppendUint32(set, property[0])
		set = binary.LittleEndian.AppendUint32(set, property[1])
	}
	set = binary.LittleEndian.AppendUint32(set, text)
	set = binary.LittleEndian.AppendUint32(set, 39)
	set = append(set, code...)
	for range 2 {
		set = binary.LittleEndian.AppendUint32(set, fileTime)
		set = binary.LittleEndian.AppendUint64(set, 12345)
	}
	stream := append(make([]byte, streamHead), summary...)
	stream = binary.LittleEndian.AppendUint32(stream, 48)
	return append([]byte("before"), append(stream, set...)...)
}

func TestSetSummary(t *testing.T) {
	const code = "AEA8AE2E-22BB-0D5B-CC50-BEF56A9D38B6"
	content := sample()
	if err := setSummary(content, code, 0); err != nil {
		t.Fatal(err)
	}
	epoch := binary.LittleEndian.AppendUint64(nil, toUnix*ticks) // 1970 in units of 100 ns since 1601
	if !bytes.Contains(content, []byte("{"+code+"}")) || bytes.Count(content, epoch) != 2 {
		t.Errorf("%x; want the code and two times %x", content, epoch)
	}
	for _, tt := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"no summary", []byte("text"), "no summary"},
		{"a summary that is cut off", content[:len("before")+streamHead+20], "cut off"},
		{"other properties", bytes.Replace(sample(), []byte{savedAt, 0, 0, 0}, []byte{99, 0, 0, 0}, 1), "2 of 3 values"},
	} {
		if err := setSummary(tt.content, code, 0); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.name, err, tt.want)
		}
	}
}
