package main

import (
	"strings"
	"testing"
)

func TestLists(t *testing.T) {
	for _, tt := range []struct{ name, table, want string }{
		{"two columns", "| a | b |\n|---|---|\n| `x` | text |", "- `x`: text"},
		{"four columns", "| property | default | range | meaning |\n|---|---|---|---|\n| ttl | 60s | 1s to 24h | a time |", "- ttl (default: 60s; range: 1s to 24h): a time"},
		{"an empty cell", "| p | default | m |\n|---|---|---|\n| -all | | prints |", "- -all: prints"},
		{"a bar in a cell", "| a | b |\n|---|---|\n| x\\|y | z |", "- x|y: z"},
		{"in a list", "  | a | b |\n  |---|---|\n  | x | z |", "- x: z"},
		{"no table", "text", "text"},
	} {
		if got := lists(tt.table); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}

func TestRoff(t *testing.T) {
	p := page{name: "demo-x", section: 7, version: "1.0", date: "2026-11-26"}
	p.markdown = pluginPage("x", "# x\n\n## Name\n\n*x* - does it.\n\n~~~ txt\n# a comment\n~~~\n\nSee [there](../y.md) and [the RFC](https://www.example.org).\n")
	got := string(p.roff())
	for _, want := range []string{
		".TH \"DEMO-X\" 7 \"2026-11-26\" \"privatelink-dns 1.0\"\n", ".SH NAME\nprivatelink-dns-x \\- does it.",
		"# a comment", "See there and", "https://www.example.org",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s; want %q", got, want)
		}
	}
	if strings.Contains(got, "y.md") {
		t.Errorf("%s; want no path of the repository", got)
	}
}
