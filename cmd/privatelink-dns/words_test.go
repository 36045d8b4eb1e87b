package main

import (
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// words are left out of comments, messages and Markdown, because readers have to
// read a sentence with one of them twice.
var words = regexp.MustCompile(`(?i)\b(tells|told|stands|stood|in vain|anew|for ever|is none|mend|mends|mended|meanwhile|perhaps)\b|, too\.`)

// limits are the most frequent forms that are allowed, in 10,000 words of comments.
var limits = []struct {
	name  string
	words *regexp.Regexp
	most  float64
}{
	{"tell", regexp.MustCompile(`(?i)\b(tell|tells|told|telling)\b`), 5},
	{"stand", regexp.MustCompile(`(?i)\b(stand|stands|stood|standing)\b`), 2},
	{"what", regexp.MustCompile(`(?i)\bwhat\b`), 15},
}

// prose is a comment, a string or a line of Markdown, with its position.
type prose struct {
	file    string
	line    int
	text    string
	comment bool
}

func TestWords(t *testing.T) {
	count, total := make([]int, len(limits)), 0
	for _, one := range texts(t) {
		if found := words.FindString(one.text); found != "" {
			t.Errorf("%s:%d: %q in %q", one.file, one.line, found, strings.TrimSpace(one.text))
		}
		if !one.comment || strings.HasSuffix(one.file, "_test.go") {
			continue
		}
		total += len(strings.Fields(one.text))
		for i, limit := range limits {
			count[i] += len(limit.words.FindAllString(one.text, -1))
		}
	}
	for i, limit := range limits {
		rate := float64(count[i]) * 10_000 / float64(total)
		t.Logf("%s: %d in %d words of comments, %.1f in 10,000", limit.name, count[i], total, rate)
		if rate > limit.most {
			t.Errorf("%s: %.1f in 10,000 words of comments; want %v at most", limit.name, rate, limit.most)
		}
	}
}

func TestLineLengths(t *testing.T) {
	row := regexp.MustCompile(`^\s*\{.*\},?$`)
	for path, content := range files(t, ".go") {
		for i, line := range strings.Split(content, "\n") {
			most := 160
			if strings.HasSuffix(path, "_test.go") && row.MatchString(line) {
				most = 200
			}
			if n := len([]rune(line)); n > most {
				t.Errorf("%s:%d: %d columns; want %d at most", path, i+1, n, most)
			}
		}
	}
}

// texts returns the comments and strings of the Go files, and the lines of the other
// texts. The table of old log texts in the changelog is not among them.
func texts(t *testing.T) (all []prose) {
	for path, content := range files(t, ".go") {
		if path != "cmd/privatelink-dns/words_test.go" {
			all = append(all, goTexts(path, content)...)
		}
	}
	for path, content := range files(t, ".md", ".yaml", ".yml", ".corefile", ".service", ".ps1", ".sh") {
		for i, line := range strings.Split(content, "\n") {
			if path != "CHANGELOG.md" || !strings.HasPrefix(line, "  |") {
				all = append(all, prose{path, i + 1, line, false})
			}
		}
	}
	if len(all) < 1000 {
		t.Fatalf("%d texts; want those of the whole project", len(all))
	}
	return all
}

func goTexts(path, content string) (all []prose) {
	set := token.NewFileSet()
	file := set.AddFile(path, -1, len(content))
	var s scanner.Scanner
	s.Init(file, []byte(content), nil, scanner.ScanComments)
	for {
		pos, kind, literal := s.Scan()
		switch kind {
		case token.EOF:
			return all
		case token.COMMENT, token.STRING:
			first := file.Line(pos)
			for i, line := range strings.Split(literal, "\n") {
				all = append(all, prose{path, first + i, line, kind == token.COMMENT})
			}
		}
	}
}
