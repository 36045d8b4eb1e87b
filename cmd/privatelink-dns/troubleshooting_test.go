package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every line that the plugins log as a warning or an error, and everything that
// they may find wrong with an endpoint, is in a Troubleshooting section.
func TestLogLinesAreDocumented(t *testing.T) {
	for page, folders := range map[string][]string{
		"../../plugin/privatelink/README.md": {"../../plugin/privatelink", "../../plugin/privatelink/syncer", "../../plugin/privatelink/source"},
		"../../plugin/lru/README.md":         {"../../plugin/lru"},
		"../../plugin/fastpath/README.md":    {"../../plugin/fastpath"},
		"../../plugin/upstream/README.md":    {"../../plugin/upstream"},
		"../../plugin/status/README.md":      {"../../plugin/status"},
	} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		_, section, ok := strings.Cut(string(text), "## Troubleshooting")
		if !ok {
			t.Fatalf("%s has no Troubleshooting", page)
		}
		found := 0
		for _, folder := range folders {
			for _, line := range logLines(t, folder) {
				found++
				if !strings.Contains(section, fixed(line)) {
					t.Errorf("%s: Troubleshooting lacks %q of the line %q", page, fixed(line), line)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s: no log lines found in %v", page, folders)
		}
	}
}

// logLines returns the formats of the lines.
func logLines(t *testing.T, folder string) (all []string) {
	paths, err := filepath.Glob(folder + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := format(n); ok {
				all = append(all, text)
			}
			return true
		})
	}
	return all
}

// format returns the text of a call that logs, of a finding, or of a Skip.
func format(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.CallExpr:
		if called, ok := n.Fun.(*ast.Ident); ok && called.Name == "logf" && !info(n.Args[0]) {
			return literal(n.Args[1])
		}
		if called, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) > 0 {
			switch called.Sel.Name {
			case "Errorf", "Warningf":
				if on, ok := called.X.(*ast.Ident); !ok || on.Name != "log" {
					return "", false
				}
				return literal(n.Args[0])
			case "errorf", "warningf": // lines that are written later
				return literal(n.Args[0])
			case "conflict":
				return literal(n.Args[0])
			case "add": // of findings; other types have a method of this name
				return literal(n.Args[min(1, len(n.Args)-1)])
			}
		}
	case *ast.ValueSpec: // const heldBackLine = "…"
		if strings.HasSuffix(n.Names[0].Name, "Line") && len(n.Values) == 1 {
			return literal(n.Values[0])
		}
	case *ast.CompositeLit:
		if name, ok := n.Type.(*ast.Ident); ok && name.Name == "Skip" && len(n.Elts) > 0 {
			return literal(n.Elts[len(n.Elts)-1])
		}
	}
	return "", false
}

// info reports whether logf writes at level INFO.
func info(level ast.Expr) bool {
	called, ok := level.(*ast.SelectorExpr)
	return ok && called.Sel.Name == "Info"
}

// literal returns a string, or the format of a Sprintf.
func literal(e ast.Expr) (string, bool) {
	if call, ok := e.(*ast.CallExpr); ok {
		if called, ok := call.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "Sprintf" {
			e = call.Args[0]
		}
	}
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		text, err := strconv.Unquote(lit.Value)
		return text, err == nil && len(fixed(text)) >= 8
	}
	return "", false
}

var verb = regexp.MustCompile(`%[-+#.\d]*[a-z]`)

// fixed returns the longest part of a format that is the same in every line.
func fixed(format string) (longest string) {
	for _, part := range verb.Split(format, -1) {
		if part = strings.TrimSpace(part); len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}
