package source

import (
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A change that alters neither the size nor the time of a file is seen if the file
// was read within clockTick of its time.
func TestRacyFiles(t *testing.T) {
	other := strings.ReplaceAll(exportA, "10.20.0.4", "10.20.0.7")
	const changed = "a.example. 10.20.0.7 (pe)"
	for _, tc := range []struct {
		name string
		age  time.Duration // of the file at the first fetch
		wait time.Duration // until the change
		want string
	}{
		{"read at the time of its change", 0, 0, changed},
		{"read within the clock tick", 2 * time.Second, 0, changed},
		{"read within the clock tick, changed later", 0, 2 * time.Second, changed},
		{"a future time", -time.Hour, 30 * time.Minute, changed},
		{"an old time, changed right after the first read", time.Hour, 0, changed},
		{"changed long after the read, with the same time", time.Hour, time.Minute, goodA},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFolder(t)
				src := NewFiles([]string{f.at("a.json")}, nil, 0)
				put := func(content string, at time.Time) {
					f.must(os.WriteFile(f.at("a.json"), []byte(content), 0o600))
					f.must(os.Chtimes(f.at("a.json"), at, at))
				}
				at := time.Now().Add(-tc.age)
				put(exportA, at)
				list := f.fetch(src, goodA, "")
				for end := time.Now().Add(tc.wait); time.Now().Before(end); time.Sleep(time.Second) {
					f.same(src, list, "")
				}
				put(other, at)
				f.fetch(src, tc.want, "")
			})
		})
	}
}

// A file that is read again is decoded only if its content has changed.
func TestUnchangedContent(t *testing.T) {
	f := newFolder(t)
	decoded := 0
	s := newFileSet([]string{f.at("*")}, counting{exportFormat{}, &decoded})
	f.must(os.WriteFile(f.at("a"), []byte("["+exportA+"]"), 0o600)) // its time is now
	first, _ := s.fetch()
	for range 3 {
		if list, err := s.fetch(); list != first || err != nil || decoded != 1 {
			t.Errorf("fetch() = %p, %v after %d calls of decode; want %p as before, 1", list, err, decoded, first)
		}
	}
	f.write("a", "["+exportA+"]") // with another time
	if list, _ := s.fetch(); list != first || decoded != 1 {
		t.Errorf("fetch() = %p after %d calls of decode; want %p as before, 1", list, decoded, first)
	}
}

// counting counts the calls of decode.
type counting struct {
	exportFormat
	calls *int
}

func (c counting) decode(path string, data []byte, past past[export]) (export, bool, error) {
	*c.calls++
	return c.exportFormat.decode(path, data, past)
}

func (c counting) stream(path string, r io.Reader, past past[export]) (export, bool, bool) {
	*c.calls++
	return c.exportFormat.stream(path, r, past)
}
