package integration

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// families maps each metric that a server exports to its labels.
type families map[string]map[string]bool

var (
	sample   = regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? \S+$`)
	label    = regexp.MustCompile(`(\w+)="`)
	selector = regexp.MustCompile(`\b((?:coredns|process|go)_\w+|up|ALERTS)\b(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)(?:=~|!~|!=|=)"`)
	grouping = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)|\$labels\.(\w+)|\{\{(\w+)\}\}`)
)

func exportedBy(t *testing.T, url string) families {
	t.Helper()
	all := families{"up": {}, "ALERTS": {"alertname": true, "alertstate": true}} // Prometheus adds these
	for _, m := range sample.FindAllStringSubmatch(string(readURL(t, url)), -1) {
		if all[m[1]] == nil {
			all[m[1]] = map[string]bool{}
		}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			all[m[1]][l[1]] = true
		}
	}
	return all
}

// check reports metrics and labels that no server exports, in a query and in the
// text that displays its result.
func (f families) check(t *testing.T, where, query, text string) {
	t.Helper()
	known := map[string]bool{"job": true, "instance": true} // Prometheus adds these to every series
	for _, s := range selector.FindAllStringSubmatch(query, -1) {
		labels, ok := f[s[1]]
		if !ok {
			t.Errorf("%s: no metric %s", where, s[1])
		}
		for l := range labels {
			known[l] = true
		}
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if !labels[m[1]] && m[1] != "job" && m[1] != "instance" {
				t.Errorf("%s: %s has no label %s", where, s[1], m[1])
			}
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(query+" "+text, -1) {
		for name := range strings.SplitSeq(m[1]+m[2]+m[3], ", ") {
			if !known[name] {
				t.Errorf("%s: no metric in it has the label %s", where, name)
			}
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// prometheusAPI decodes one field of the response's data into v.
func prometheusAPI(t *testing.T, url, field string, v any) {
	t.Helper()
	var response struct {
		Error string
		Data  map[string]json.RawMessage
	}
	if err := json.Unmarshal(readURL(t, url), &response); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	if response.Error != "" {
		t.Fatalf("%s: %s", url, response.Error)
	}
	if err := json.Unmarshal(response.Data[field], v); err != nil {
		t.Fatalf("%s: %s: %v", url, field, err)
	}
}

func readURL(t testing.TB, url string) []byte {
	t.Helper()
	response, err := http.Get(url) //nolint:gosec // on this machine
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
