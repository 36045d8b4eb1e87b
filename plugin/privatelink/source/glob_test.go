package source

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// glob returns the result of filepath.Glob if no folder is unreadable.
func TestGlob(t *testing.T) {
	f := newFolder(t)
	for _, dir := range []string{"a", "a/a", "a/b", "b", "b/a.json", "..data"} {
		f.must(os.Mkdir(f.at(dir), 0o700))
	}
	for _, name := range []string{"a.json", "b.json", "a/a.json", "a/a/a.json", "a/b/c.json", "..data/a.json", "[.json", "b/x"} {
		f.write(name, "")
	}
	f.must(os.Symlink("none", f.at("dangling.json")))
	f.must(os.Symlink("a", f.at("link")))
	t.Chdir(f.path)
	check := func(pattern string) {
		t.Helper()
		got, err := glob(pattern)
		want, wantErr := filepath.Glob(pattern)
		if !slices.Equal(got, want) || text(err) != text(wantErr) {
			t.Errorf("glob(%q) = %q, %v; want %q, %v", pattern, got, err, want, wantErr)
		}
	}
	for _, pattern := range []string{
		"", "*", ".", "./*", "a//*.json", "../*/a", "*.json", "*/*.json", "*/*/*.json", "link/*", "none/*", "none", "a.json/*", `\[.json`, "[[].json", "[", "a/[",
		"*/", f.at("*"), f.at("*/*"), f.at("a.json"), "/", "/*",
	} {
		check(pattern)
	}
	random := rand.New(rand.NewPCG(1, 1))
	pieces := []string{"a", "b", "*", "?", ".json", "[ab]", "/", "/", "link", ".."}
	for range 2000 {
		pattern := ""
		for range 1 + random.IntN(6) {
			pattern += pieces[random.IntN(len(pieces))]
		}
		if pattern[0] != '/' {
			check(pattern)
		}
	}
}
