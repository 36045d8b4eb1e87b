package corefile

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

// The server at its start and at a reload, and the commands, refuse the same texts.
func TestRead(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{ // want is the error
		{"a block", ". {\n    lru\n}\n", ""},
		{"no braces", ".:1053\nlru\n", ""},
		{"snippets and properties", "(s) {\n    privatelink {\n        geo we\n    }\n}\n. {\n    import s\n}\n", ""},
		{"braces in comments, texts and variables", ". {\n    # } }\n    bind {$ADDRESS}\n    log . \"{remote} }\"\n}\n", ""},
		{"Windows lines", ". {\r\n    lru\r\n}\r\n", ""},
		{"another } at the end", ". {\n    lru\n}\n}\n", "Corefile:4: } without a { before it"},
		{"another } between blocks", ". {\n    lru\n}\n}\na.example {\n    lru\n}\n", "Corefile:4: } without a { before it"},
		{"no } at the end", "\n\n. {\n    lru\n", "Corefile:3: { without a } behind it"},
		{"no } of the first block", ". {\n    privatelink {\n        geo we\n    }\na.example {\n    lru\n}\n", "Corefile:1: { without a } behind it"},
		{"no } of the properties", ". {\n    privatelink {\n        geo we\n", "Corefile:2: { without a } behind it"},
		{"empty", "", "Corefile: it is empty: write a server block into it, or restore the file"},
		{"comments only", "# . {\n# }\n", "Corefile: it is empty: write a server block into it, or restore the file"},
		{"UTF-16 without a mark", ".\x00 \x00{\x00\n\x00}\x00", "Corefile:1: a NUL octet: save the file as UTF-8, or as UTF-16 with a byte order mark"},
		{"a NUL octet", ". {\n    lru\x00\n}\n", "Corefile:2: a NUL octet: save the file as UTF-8, or as UTF-16 with a byte order mark"},
	} {
		got := ""
		in, err := read("Corefile", []byte(tc.text))
		if err != nil {
			got = err.Error()
		} else if string(in.Body()) != tc.text || in.Path() != "Corefile" {
			t.Errorf("%s: %s %q; want Corefile %q", tc.name, in.Path(), in.Body(), tc.text)
		}
		if got != tc.want {
			t.Errorf("%s: %q; want %q", tc.name, got, tc.want)
		}
	}
}

// PowerShell and some editors write a byte order mark. Other octets stay as they are.
func TestReadEncodings(t *testing.T) {
	const text = ". { # Zürich\n}\n"
	for _, tc := range []struct{ name, data, want string }{
		{"UTF-16, little-endian", encoded(t, unicode.LittleEndian, text), text},
		{"UTF-16, big-endian", encoded(t, unicode.BigEndian, text), text},
		{"UTF-8 with a mark", "\uFEFF" + text, text},
		{"UTF-8", text, text},
		{"Latin-1", strings.ReplaceAll(text, "ü", "\xfc"), strings.ReplaceAll(text, "ü", "\xfc")},
	} {
		if in, err := read("Corefile", []byte(tc.data)); err != nil || string(in.Body()) != tc.want {
			t.Errorf("%s: %v, %v; want %q", tc.name, in, err, tc.want)
		}
	}
}

func encoded(t *testing.T, order unicode.Endianness, text string) string {
	t.Helper()
	data, err := unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
