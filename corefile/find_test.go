package corefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Without a path, the working folder comes before the installed service, and that before
// the embedded Corefile.
func TestFind(t *testing.T) {
	for _, tc := range []struct {
		name, path string
		files      string // that exist
		want       string // the path of the result, or the error
	}{
		{"nothing", "", "", "default.corefile (embedded)"},
		{"the working folder", "", "Corefile", "Corefile"},
		{"the installed service", "", "etc", "etc"},
		{"both", "", "Corefile etc", "Corefile"},
		{"a path", "other", "Corefile etc other", "other"},
		{"a path that does not exist", "other", "Corefile etc", "open other: "},
		{"one that cannot be read", "", "etc/", "read etc"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			defer func(old func() string) { installed = old }(installed)
			installed = func() string { return "etc" }
			for _, name := range strings.Fields(tc.files) {
				if strings.HasSuffix(name, "/") {
					if err := os.MkdirAll(filepath.Clean(name), 0o700); err != nil {
						t.Fatal(err)
					}
				} else if err := os.WriteFile(name, []byte(". {\n}\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			found, err := Find(tc.path)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = found.Path()
			}
			if !strings.HasPrefix(got, tc.want) {
				t.Errorf("got %s; want %s", got, tc.want)
			}
		})
	}
}
