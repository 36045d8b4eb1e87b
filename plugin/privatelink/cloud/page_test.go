package cloud

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// page is the page with the table.
const page = "../../../docs/zones.md"

// TestPage compares the tables of docs/zones.md with the data. UPDATE_GOLDEN=1 writes
// them.
func TestPage(t *testing.T) {
	const begin = "\n## The public cloud\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(text), begin)
	if !ok {
		t.Fatalf("%s has no heading %q", page, strings.TrimSpace(begin))
	}
	if date := headOf(zoneTable, "date"); !strings.Contains(head, date) {
		t.Errorf("%s lacks the date of the data, %s", page, date)
	}
	want := head + "\n" + tables()
	if string(text) == want {
		return
	}
	if os.Getenv("UPDATE_GOLDEN") == "" {
		t.Fatalf("%s differs from the data: run the test with UPDATE_GOLDEN=1", page)
	}
	if err := os.WriteFile(page, []byte(want), 0o644); err != nil { //nolint:gosec // G306: a page of the documentation
		t.Fatal(err)
	}
}

func headOf(table, key string) string {
	_, rest, _ := strings.Cut(table, "# "+key+": ")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

func tables() string {
	var b strings.Builder
	for i, c := range All() {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "## %s\n\n| zone | public names | service |\n|---|---|---|\n",
			map[string]string{"public": "The public cloud", "usgov": "US Government", "china": "China"}[c.Name])
		for _, r := range Table() {
			if r.Cloud == c.Name {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Zone, describe(r), r.Service)
			}
		}
	}
	return b.String()
}

// describe returns the public names of a zone.
func describe(r Row) string {
	switch {
	case r.Within != "":
		return fmt.Sprintf("in `%s`", r.Within)
	case len(r.Rules) == 0:
		return fmt.Sprintf("`x.%s`", strings.TrimPrefix(r.Zone, Prefix))
	}
	var all []string
	for _, rule := range r.Rules {
		suffix := rule.Suffix.String()
		switch {
		case rule.Kind == DNSZoneEndpoints:
			all = append(all, fmt.Sprintf("`x.zNN.%s` that a source has", suffix))
		case rule.Kind == StaticWebsites:
			all = append(all, fmt.Sprintf("`x.zNN.%s`", suffix))
		case rule.Kind == Forwarded:
			all = append(all, fmt.Sprintf("by a CNAME: `%s`", suffix))
		case rule.Kept > 0:
			all = append(all, fmt.Sprintf("`%s`, `x.%s`", suffix, suffix))
		default:
			all = append(all, fmt.Sprintf("`x.%s`", suffix))
		}
	}
	return strings.Join(all, ", ")
}
