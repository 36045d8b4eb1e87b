package source

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

const (
	goodA = `a.example. 10.20.0.4 (pe)`
	goodB = `b.example. 10.20.0.5 (pe2)`

	onePage   = "one page of a longer listing (it links to a next page): half a listing is no listing, export all pages"
	shortened = "a JSON string is not what belongs there (PowerShell shortens to strings what lies deeper than ConvertTo-Json -Depth says: use -Depth 10)"
)

var (
	exportA = approved("pe", config("a.example", "10.20.0.4"))
	exportB = approved("pe2", config("b.example", "10.20.0.5"))
)

func TestFilesChange(t *testing.T) {
	f := newFolder(t)
	f.write("a.json", exportA)
	src := NewFiles([]string{f.at("*.json")}, nil, 0)
	f.same(src, f.fetch(src, goodA, ""), "")
	f.write("a.json", exportB)
	f.same(src, f.fetch(src, goodB, ""), "")
	if got, want := f.short(src.Config().Name), "files *.json"; got != want {
		t.Errorf("Name() = %q; want %q", got, want)
	}
}

func TestFilesBreakAndRepair(t *testing.T) {
	f := newFolder(t)
	f.write("a.json", exportA)
	f.write("b.json", exportB)
	src := NewFiles([]string{f.at("*.json")}, nil, 0)
	list := f.fetch(src, goodA+"; "+goodB, "")

	f.write("a.json", "{\n\"value\": [")
	f.same(src, list, "a.json: line 2: unexpected end of JSON input")
	f.same(src, list, "a.json: line 2: unexpected end of JSON input")
	f.write("b.json", `{"value": [], "nextLink": "https://arm.example/2"}`)
	f.same(src, list, "a.json: line 2: unexpected end of JSON input\n"+
		"b.json: "+onePage)
	f.write("b.json", approved("pe2", config("c.example", "10.20.0.6")))
	f.fetch(src, goodA+"; c.example. 10.20.0.6 (pe2)", "a.json: line 2: unexpected end of JSON input")
	f.write("a.json", exportA)
	f.fetch(src, goodA+"; c.example. 10.20.0.6 (pe2)", "")
}

func TestFilesBrokenFromTheStart(t *testing.T) {
	f := newFolder(t)
	f.write("a.json", exportA)
	f.write("b.json", "<html>")
	src := NewFiles([]string{f.at("*.json")}, nil, 0)
	const broken = "b.json: line 1: not JSON; export with -o json (this is HTML or XML)"
	f.same(src, f.fetch(src, "not complete; "+goodA, broken), broken)
	f.write("b.json", exportB)
	f.fetch(src, goodA+"; "+goodB, "")
}

func TestFilesErrors(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"empty file", "", "a.json: the document is empty"},
		{"byte order mark alone", "\ufeff", "a.json: the document is empty"},
		{"a hosts file", "# comment\n", "a.json: line 1: not JSON; export with -o json (this looks like a hosts file, which belongs to the property hosts)"},
		{"export without private endpoints", "[\r\n{\r\n\"id\": \"vm\"}]",
			"a.json: no private endpoint, zone group, network interface or record set of a private DNS zone in it: " +
				"export private endpoints with az network private-endpoint list -o json, without --query"},
		{"wrong type", "[" + exportA + ",\r\n" + approved("pe3", `"@{Fqdn=c.example}"`) + "]", "a.json: line 2: CustomDNSConfigs: " + shortened},
		{"one page of many", `{"data": [` + exportA + `], "skip_token": "t"}`, "a.json: " + onePage},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFolder(t)
			f.write("a.json", tc.in)
			f.fetch(NewFiles([]string{f.at("*.json")}, nil, 0), "not complete", tc.want)
		})
	}
}

func TestFilesAppear(t *testing.T) {
	f := newFolder(t)
	src := NewFiles([]string{f.at("*.json"), f.at("b.json")}, nil, 0)
	f.same(src, f.fetch(src, "not complete", "*.json: no such file\nb.json: no such file"), "*.json: no such file\nb.json: no such file")
	f.write("a.json", exportA)
	f.fetch(src, "not complete; "+goodA, "b.json: no such file")
	f.write("b.json", exportB) // both patterns match it
	f.same(src, f.fetch(src, goodA+"; "+goodB, ""), "")
}

func TestFilesBadPattern(t *testing.T) {
	f := newFolder(t)
	f.write("a.json", exportA)
	src := NewFiles([]string{f.at("[.json"), f.at("a.json")}, nil, 0)
	f.fetch(src, "not complete; "+goodA, "[.json: syntax error in pattern")
}

// TestFilesRenamed replaces a file by one with the same size and time, as rsync
// may.
func TestFilesRenamed(t *testing.T) {
	f := newFolder(t)
	f.write("a.json", exportA)
	src := NewFiles([]string{f.at("*.json")}, nil, 0)
	f.fetch(src, goodA, "")
	f.write("next", strings.ReplaceAll(exportA, "10.20.0.4", "10.20.0.7"))
	info, err := os.Stat(f.at("a.json"))
	f.must(err)
	f.must(os.Chtimes(f.at("next"), info.ModTime(), info.ModTime()))
	f.must(os.Rename(f.at("next"), f.at("a.json")))
	f.fetch(src, "a.example. 10.20.0.7 (pe)", "")
}

// TestFilesLinked swaps a folder by a symbolic link to it, as Kubernetes does
// with a mounted ConfigMap.
func TestFilesLinked(t *testing.T) {
	f := newFolder(t)
	f.must(os.Mkdir(f.at("1"), 0o700))
	f.must(os.Mkdir(f.at("2"), 0o700))
	f.write("1/a.json", exportA)
	f.write("2/a.json", exportB)
	f.must(os.Symlink("1", f.at("data")))
	f.must(os.Symlink("data/a.json", f.at("a.json")))
	src := NewFiles([]string{f.at("*.json")}, nil, 0)
	f.fetch(src, goodA, "")
	f.must(os.Symlink("2", f.at("next")))
	f.must(os.Rename(f.at("next"), f.at("data")))
	f.fetch(src, goodB, "")
}

// A folder that a pattern matches is ignored.
func TestFilesFolder(t *testing.T) {
	f := newFolder(t)
	f.write("a.json", exportA)
	f.must(os.Mkdir(f.at("b.json"), 0o700))
	src := NewFiles([]string{f.at("*.json")}, nil, 0)
	f.fetch(src, goodA, "")
	f.must(os.Remove(f.at("b.json")))
	f.write("b.json", exportB)
	f.fetch(src, goodA+"; "+goodB, "")
}

// If only a folder matches, there are no records, and the source is not ready.
// Container engines create a folder if a mounted file is missing.
func TestFolderForAFile(t *testing.T) {
	f := newFolder(t)
	f.must(os.Mkdir(f.at("a.json"), 0o700))
	f.fetch(NewFiles([]string{f.at("*.json")}, nil, 0), "not complete", "*.json: no such file")
	want := "a.json: a folder, write a pattern for the files in it, such as " + filepath.Join("a.json", "*.json")
	f.fetch(NewFiles([]string{f.at("a.json")}, nil, 0), "not complete", want)
}

// A named pipe has no end, and opening it would wait for a writer.
func TestFilesPipe(t *testing.T) {
	f := newFolder(t)
	f.write("a.json", exportA)
	src := NewFiles([]string{f.at("*.json")}, nil, 0)
	f.fetch(src, goodA, "")
	f.must(os.Remove(f.at("a.json")))
	if err := exec.Command("mkfifo", f.at("a.json")).Run(); err != nil {
		t.Skip("no mkfifo:", err)
	}
	f.fetch(src, goodA, "a.json: not a regular file")
	f.must(os.Remove(f.at("a.json")))
	f.write("a.json", exportB)
	f.fetch(src, goodB, "")
}

func TestFilesTooLarge(t *testing.T) {
	f := newFolder(t)
	f.write("a.json", exportA)
	src := NewFiles([]string{f.at("a.json")}, nil, 0)
	list := f.fetch(src, goodA, "")
	f.must(os.Truncate(f.at("a.json"), maxFileSize+1)) // the file is sparse
	f.same(src, list, "a.json: larger than the limit of 67108864 bytes")
	f.write("a.json", exportB)
	f.fetch(src, goodB, "")
}

func TestEncodings(t *testing.T) {
	const bom, noMark = "\ufeff", "x: not UTF-8 text; UTF-16 needs a byte order mark"
	plain := func(s string) string { return s }
	utf16le := func(s string) string { return encode(s, 0, 8) }
	utf16be := func(s string) string { return encode(s, 8, 0) }
	for _, tc := range []struct {
		name        string
		encoding    func(string) string
		text        string
		exportError string
		hostsError  string
	}{
		{"UTF-8", plain, "", "", ""},
		{"UTF-8 with a byte order mark", plain, bom, "", ""},
		{"UTF-16, little endian: > in PowerShell 5", utf16le, bom, "", ""},
		{"UTF-16, big endian", utf16be, bom, "", ""},
		{"UTF-16 without a byte order mark", utf16be, "", noMark, noMark},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFolder(t)
			check := func(src Source, content, want, wantErr string) {
				t.Helper()
				f.write("x", tc.encoding(tc.text+strings.ReplaceAll(content, "\n", "\r\n")))
				if wantErr != "" {
					want = "not complete"
				}
				f.fetch(src, want, wantErr)
			}
			check(NewFiles([]string{f.at("x")}, nil, 0), "[\n"+exportA+"\n]\n", goodA, tc.exportError)
			check(NewHosts([]string{f.at("x")}, 0), "10.20.0.4 a.example\n", "a.example. 10.20.0.4 (x:1)", tc.hostsError)
			check(NewZoneFiles([]string{f.at("x")}, 0), "a.example. A 10.20.0.4\n", "a.example. 10.20.0.4 (x)", tc.hostsError)
		})
	}
}

// encode returns s as UTF-16. Each unit is shifted for its first and second octet.
func encode(s string, first, second int) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(unit >> first))
		b.WriteByte(byte(unit >> second))
	}
	return b.String()
}
