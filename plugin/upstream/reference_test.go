package upstream

import (
	"os"
	"regexp"
	"testing"
)

// The reference Corefile has every property that has an effect.
func TestReferenceIsComplete(t *testing.T) {
	text, err := os.ReadFile("../../docs/reference.corefile")
	if err != nil {
		t.Fatal(err)
	}
	for property := range setters {
		if noEffect := property == "prefer_udp" || property == "failfast_all_unhealthy_upstreams"; noEffect {
			continue
		}
		if !regexp.MustCompile(`(?m)^ {8}` + property + `\b`).Match(text) {
			t.Errorf("reference.corefile lacks %s", property)
		}
	}
}
