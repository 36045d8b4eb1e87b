package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/privatelink-dns/privatelink-dns/plugin/printable"
)

// hostile has a character of each kind that no output may have: C0 and C1 controls,
// DEL, the controls of direction, line separators and the byte order mark.
const hostile = "a\x00\a\b\t\n\v\f\r\x1b[2J\x7f\u0085\u009b31m\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\ufeff\xffz"

// unprintable returns the first character that a line of output may not have.
func unprintable(text string) rune {
	for _, r := range text {
		if !unicode.IsPrint(r) && r != '\n' {
			return r
		}
	}
	return 0
}

// Texts that are not of type string.
type (
	named  string
	number int
)

func (n number) String() string { return hostile }

func TestFprintf(t *testing.T) {
	var out bytes.Buffer
	Fprintf(&out, "%s|%v|%s|%v|%s|%v|%d|%s\n",
		hostile, errors.New(hostile), named(hostile), []string{hostile}, number(1), netip.MustParseAddr("fe80::1%\u202e"), 7, Safe("\x1b[1mx\x1b[0m"))
	text := out.String()
	if n := strings.Count(text, printable.Text(hostile)); n != 5 || !strings.HasSuffix(text, "|fe80::1%\uFFFD|7|\x1b[1mx\x1b[0m\n") {
		t.Errorf("Fprintf() = %q", text)
	}
}

func TestJSON(t *testing.T) {
	value := map[string]any{hostile: []string{hostile, "<=1&\"\\/>"}}
	var out bytes.Buffer
	if err := PrintJSON(&out, value); err != nil {
		t.Fatal(err)
	}
	line, err := JSON(value)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{out.String(), string(line)} {
		var got map[string][]string
		if err := json.Unmarshal([]byte(text), &got); err != nil || unprintable(text) != 0 {
			t.Fatalf("%q: %v", text, err)
		}
		for key, texts := range got {
			if key != printable.Text(hostile) || texts[0] != printable.Text(hostile) || texts[1] != "<=1&\"\\/>" {
				t.Errorf("%q: %q", key, texts)
			}
		}
	}
	if want := "{\n  \"a\": [\n    1\n  ]\n}\n"; PrintJSON(&out, 0) != nil || string(printableJSON([]byte(want))) != want {
		t.Errorf("printableJSON(%q) = %q", want, printableJSON([]byte(want)))
	}
	if err := PrintJSON(&out, func() {}); err == nil {
		t.Error("no error for a function")
	}
}

// A spreadsheet calculates what begins like a formula.
func TestPrintCSV(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a name", "a.blob.core.windows.net", "a.blob.core.windows.net"},
		{"empty", "", ""},
		{"formula", `=HYPERLINK("http://x","y")`, `"'=HYPERLINK(""http://x"",""y"")"`},
		{"plus", "+1", "'+1"},
		{"minus", "-files", "'-files"},
		{"at", "@SUM(1)", "'@SUM(1)"},
		{"wide", "\uFF1D1", "'\uFF1D1"},
		{"tab", "\t=1", "\uFFFD=1"},
		{"carriage return", "\r=1", "\uFFFD=1"},
		{"newline", "a\n=1", "a\uFFFD=1"},
		{"direction", "a\u202Eb", "a\uFFFDb"},
		{"within the text", "a=1", "a=1"},
	} {
		var out bytes.Buffer
		if err := PrintCSV(&out, [][]string{{"x", tt.in}}); err != nil || out.String() != "x,"+tt.want+"\n" {
			t.Errorf("%s: PrintCSV(%q) = %q, %v; want %q", tt.name, tt.in, out.String(), err, "x,"+tt.want+"\n")
		}
	}
}

// Every command prints with this package.
func TestCommandsPrintHere(t *testing.T) {
	other := regexp.MustCompile(`fmt\.(Fp|P)rint|"encoding/(csv|json)"`)
	files := 0
	for _, folder := range []string{"check", "forwarders", "records", "validate"} {
		err := filepath.WalkDir("../"+folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if found := other.Find(text); found != nil {
				t.Errorf("%s: %s: print with package command, which replaces what cannot be printed", path, found)
			}
			files++
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files < 15 {
		t.Errorf("%d files were read", files)
	}
}
