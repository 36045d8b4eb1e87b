package privateendpoint

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// stream returns what Stream reads, as a page.
func stream(data []byte) (Page, bool) { return streamFrom(bytes.NewReader(data)) }

func streamFrom(r io.Reader) (p Page, ok bool) {
	p.Documents = 1
	ok = Stream(r, func(e *Endpoint) { p.Endpoints = append(p.Endpoints, *e) }, func(s *RecordSet) { p.addRecord(*s) })
	return p, ok
}

// Stream returns what Decode returns for each array that it accepts. Everything else is
// left to Decode.
func TestStream(t *testing.T) {
	const a, b = `{"id": "a", "customDnsConfigs": [{"fqdn": "x\"]}\\", "ipAddresses": ["10.0.0.4"]}]}`, `{"id": "b", "customDnsConfigs": []}`
	for _, tc := range []struct {
		name, text string
		ok         bool
	}{
		{"an empty array", " [\n] \n", true},
		{"one resource", "[" + a + "]", true},
		{"lines are counted", "\n[\r\n" + a + ",\n\n" + b + "\n,{\"type\": \"other\", \"id\": \"c\"\n}]\n", true},
		{"an element larger than the buffer", `[{"tags": "` + strings.Repeat("x", 200<<10) + `", "id": "a", "customDnsConfigs": []}` + ",\n" + b + "]", true},
		{"an element larger than the limit", `[{"tags": "` + strings.Repeat("x", maxResource) + `", "id": "a", "customDnsConfigs": []}]`, false},
		{"one object", a, false},
		{"a page", `{"value": [` + a + "]}", false},
		{"lines of objects", a + "\n" + b, false},
		{"two arrays", "[" + a + "]\n[" + b + "]", false},
		{"a warning", "WARNING: x\n[" + a + "]", false},
		{"a warning behind it", "[" + a + "]\nWARNING: x", false},
		{"another type only", `[{"type": "other", "id": "c"}]`, false},
		{"another type last", "[" + a + `, {"type": "other", "id": "c"}]`, true},
		{"another type first", `[{"type": "other", "id": "c"}, ` + a + "]", true},
		{"a page within it", "[" + a + `, {"value": [` + b + "]}]", false},
		{"null within it", "[" + a + ", null]", false},
		{"an array within it", "[" + a + ", [" + b + "]]", false},
		{"no comma", "[" + a + " " + b + "]", false},
		{"a comma first", "[, " + a + "]", false},
		{"a comma last", "[" + a + ", ]", false},
		{"two commas", "[" + a + ",, " + b + "]", false},
		{"no end", "[" + a + ",", false},
		{"no end of the element", "[" + a + ", {\"id\": [", false},
		{"other brackets", "[" + strings.Replace(a, "}]}", "}}}", 1) + "]", false},
		{"not UTF-8", "[" + strings.Replace(a, "x", "\xff", 1) + "]", false},
		{"nothing", "", false},
		{"not JSON", "[" + a + "] x", false},
		{"NUL at the end", "[" + a + "]\x00", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := stream([]byte(tc.text))
			if ok != tc.ok {
				t.Fatalf("Stream = %v; want %v", ok, tc.ok)
			}
			want, err := Decode([]byte(tc.text))
			if ok && (err != nil || !reflect.DeepEqual(got, want)) {
				t.Errorf("Stream = %+v; want %+v, %v", got, want, err)
			}
			if slow, sameOK := streamFrom(iotest.OneByteReader(strings.NewReader(tc.text))); sameOK != ok || ok && !reflect.DeepEqual(slow, got) {
				t.Errorf("byte by byte, Stream = %+v, %v; want %+v, %v", slow, sameOK, got, ok)
			}
		})
	}
}

// The fixtures are read by Stream if they are arrays.
func TestStreamFixtures(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.json")
	more, _ := filepath.Glob("testdata/*/*.json")
	number := 0
	for _, file := range append(files, more...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Decode(data)
		got, ok := stream(data)
		if ok && (err != nil || !reflect.DeepEqual(got, want)) {
			t.Errorf("%s: Stream = %+v; want %+v, %v", file, got, want, err)
		}
		if ok {
			number++
		}
	}
	if number < 3 {
		t.Errorf("Stream reads %d of the fixtures; want most arrays", number)
	}
}

// A file that cannot be read to its end is left to the one who reads it as a whole.
func TestStreamReadError(t *testing.T) {
	const text = `[{"id": "a", "customDnsConfigs": []}]`
	if _, ok := streamFrom(io.MultiReader(strings.NewReader(text), iotest.ErrReader(errors.New("bad disk")))); ok {
		t.Error("Stream = true; want false after an error")
	}
}
