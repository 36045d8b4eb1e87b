package privatelink

import (
	"os"
	"regexp"
	"testing"
)

// The reference Corefile has every property. That it starts is tested with all
// other Corefiles.
func TestReferenceIsComplete(t *testing.T) {
	text, err := os.ReadFile("../../docs/reference.corefile")
	if err != nil {
		t.Fatal(err)
	}
	for property := range syntax {
		if !regexp.MustCompile(`(?m)^ {8}` + property + `\b`).Match(text) {
			t.Errorf("reference.corefile lacks %s", property)
		}
	}
}
