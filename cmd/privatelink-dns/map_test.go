package main

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// docs/architecture.md names every package, and only tests that exist.
func TestArchitecture(t *testing.T) {
	text := files(t, ".md")["docs/architecture.md"]
	code := strings.Builder{}
	for file, content := range files(t, ".go") {
		code.WriteString(content)
		folder := path.Dir(file)
		if inTable := strings.Contains(text, "`"+folder+"`") || strings.HasPrefix(folder, "integration/") || strings.HasPrefix(folder, "deploy/"); !inTable {
			t.Errorf("docs/architecture.md lacks the package %s", folder)
		}
	}
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)`").FindAllStringSubmatch(text, -1)
	if len(names) < 10 {
		t.Errorf("%d tests in docs/architecture.md; want 10 or more", len(names))
	}
	for _, name := range names {
		if !strings.Contains(code.String(), "func "+name[1]+"(") {
			t.Errorf("docs/architecture.md names %s, which does not exist", name[1])
		}
	}
}
