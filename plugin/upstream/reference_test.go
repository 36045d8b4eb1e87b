package upstream

import (
	"os"
	"regexp"
	"testing"
)

// The reference Corefile has every property.
func TestReferenceIsComplete(t *testing.T) {
	text, err := os.ReadFile("../../docs/reference.corefile")
	if err != nil {
		t.Fatal(err)
	}
	for property := range setters {
		if !regexp.MustCompile(`(?m)^ {8}` + property + `\b`).Match(text) {
			t.Errorf("reference.corefile lacks %s", property)
		}
	}
}
