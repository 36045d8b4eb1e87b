package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestCopyLines(t *testing.T) {
	var lines bytes.Buffer
	copyLines(&lines, strings.NewReader("one\ntwo\nthe end is cut"))
	if got, want := lines.String(), "one\ntwo\n"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}
