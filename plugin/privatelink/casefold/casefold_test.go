package casefold

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func TestLower(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"lower case", "rg-backup", "rg-backup"},
		{"upper case", "RG-Backup", "rg-backup"},
		{"a letter outside of ASCII", "RG-Größe-ÄÖ", "rg-größe-äö"},
		{"Kelvin sign", "rg-bac\u212Aup", "rg-bac\u212Aup"},
		{"Kelvin sign in upper case", "RG-BAC\u212AUP", "rg-bac\u212Aup"},
		{"dotted capital I", "\u0130D", "\u0130d"},
		{"long s", "privateEndpoint\u017F", "privateendpoint\u017F"},
		{"invalid UTF-8", "A\xff", "a\uFFFD"},
	} {
		if got := Lower(tt.in); got != tt.want {
			t.Errorf("%s: Lower(%q) = %q; want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"Approved", "APPROVED", true},
		{"Größe", "GRÖßE", true},
		{"k", "\u212A", false},
		{"S", "\u017F", false},
		{"i", "\u0130", false},
		{"\u212A", "\u212A", true},
		{"a", "b", false},
	} {
		if got := Equal(tt.a, tt.b); got != tt.want {
			t.Errorf("Equal(%q, %q) = %v; want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

// No letter of Unicode becomes one of ASCII.
func TestNoLetterBecomesASCII(t *testing.T) {
	for r := rune(asciiEnd); r <= unicode.MaxRune; r++ {
		if low := Lower(string(r)); low[0] < asciiEnd {
			t.Errorf("Lower(%U) = %q", r, low)
		}
	}
}

// "Ⱥ" has two bytes in upper case and three in lower case, the Kelvin sign has
// three and k has one.
func TestIndex(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     int
	}{
		{"lower case", "vnet/subnets/a", 4},
		{"upper case", "VNet/Subnets/a", 4},
		{"behind a letter that grows", "ȺȺȺȺȺȺȺȺȺȺ/SUBNETS/a", 20},
		{"behind a Kelvin sign", "\u212A/subnets/a", 3},
		{"a long s in it", "vnet/\u017Fubnets/a", -1},
		{"not there", "vnet", -1},
	} {
		if got := Index(tt.in, "/subnets/"); got != tt.want {
			t.Errorf("%s: Index(%q) = %d; want %d", tt.name, tt.in, got, tt.want)
		}
	}
}

// wireNames are packages and files whose names are those of DNS messages, where
// all other octets are escaped. They use package strings.
var wireNames = map[string]bool{"privatelink.go": true, "splice.go": true, "transfer.go": true, "zone": true}

// Whatever compares external text uses this package.
func TestNoOtherFolding(t *testing.T) {
	folding := regexp.MustCompile(`strings\.(ToLower|ToUpper|ToTitle|EqualFold|ToLowerSpecial)\(`)
	files := 0
	for _, folder := range []string{"..", "../../../cmd", "../../../corefile"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.Name() == "casefold" || d.IsDir() && wireNames[d.Name()]:
				return fs.SkipDir
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || wireNames[d.Name()]:
				return nil
			}
			text, err := os.ReadFile(path)
			if found := folding.Find(text); found != nil {
				t.Errorf("%s: %s makes a letter outside of ASCII equal to one inside: use package casefold", path, found)
			}
			files++
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files < 30 {
		t.Errorf("%d files were read", files)
	}
}
