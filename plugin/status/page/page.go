// Package page renders the status page as HTML.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

//go:embed page.html page.css page.js icon.svg
var files embed.FS

// A Content is what the page shows: the state, and the answer of a search.
type Content struct {
	*view.Page
	Name   string // that is searched, or empty
	Search *view.Search
}

// Lacking returns the number of names that should be private and were not.
func (c Content) Lacking() (n int) {
	for _, g := range c.Grades {
		if g.Grade != ledger.Other {
			n += g.All
		}
	}
	return n
}

// Asked returns the number of all names that the zones lack and that clients asked for.
func (c Content) Asked() (n int) {
	for _, g := range c.Grades {
		n += g.All
	}
	return n
}

// Render writes the page.
func Render(w io.Writer, c Content) error { return pages.Execute(w, &c) }

// An Asset is a file that the page refers to. A path never has other content.
type Asset struct {
	Path, Type string
	Content    []byte
}

// Assets has the assets by path.
var Assets = assets()

func assets() map[string]Asset {
	all := map[string]Asset{}
	for name, kind := range map[string]string{"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		content, err := files.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		a := Asset{pathOf(name), kind + "; charset=utf-8", content}
		all[a.Path] = a
	}
	return all
}

// pathOf returns the path of an asset. It has a hash of the content, so that a browser
// never shows a page with the style of an older version.
func pathOf(name string) string {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	sum := sha256.Sum256(content)
	base, ext, _ := strings.Cut(name, ".")
	return fmt.Sprintf("/%s-%s.%s", base, hex.EncodeToString(sum[:6]), ext)
}

// Policy is the Content-Security-Policy of the page.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

var pages = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"asset": pathOf, "at": at, "zone": timeZone, "ago": ago, "in": in,
	"join": join, "trim": func(name string) string { return strings.TrimSuffix(name, ".") }, "networks": networks,
	"first":   func(all []view.Problem) *view.Problem { return firstOf(all) },
	"rest":    func(all []view.Problem) []view.Problem { return all[min(1, len(all)):] },
	"percent": func(ratio float64) string { return fmt.Sprintf("%.1f %%", 100*ratio) },
	"sum":     func(a, b uint64) uint64 { return a + b },
	"word":    func(l view.Level) string { return words[l] }, "mark": func(l view.Level) string { return marks[l] },
	"condition":      condition,
	"conditionMark":  func(c verdict.Condition) string { return conditions[c].mark },
	"conditionLevel": func(c verdict.Condition) view.Level { return conditions[c].level },
	"styleMark":      func(s verdict.Style) string { return styles[s] },
	"grade":          func(g ledger.Grade) string { return grades[g] },
	"answer":         func(k ledger.Kind) string { return answers[k] },
	"event":          func(k journal.Kind) string { return events[k] },
	"kind":           kind,
	"zero":           func(n int) string { return map[bool]string{true: " zero"}[n == 0] },
}).ParseFS(files, "page.html"))

// The words and shapes come before the colors.
var (
	words      = map[view.Level]string{view.Good: "Good", view.Warning: "Warning", view.Trouble: "Problem"}
	marks      = map[view.Level]string{view.Good: "●", view.Warning: "▲", view.Trouble: "■"}
	styles     = map[verdict.Style]string{verdict.Good: "●", verdict.Bad: "■", verdict.Note: "▲"}
	grades     = map[ledger.Grade]string{ledger.Known: "Names of your endpoints", ledger.Backup: "Names of the form of Azure Backup", ledger.Other: "Other names"}
	answers    = map[ledger.Kind]string{ledger.Public: "public address", ledger.NXDomain: "NXDOMAIN", ledger.Withheld: "SERVFAIL (protected)"}
	conditions = map[verdict.Condition]struct {
		text, mark string
		level      view.Level
	}{
		verdict.ConditionNotApproved: {"not approved", "■", view.Trouble},
		verdict.ConditionNotServed:   {"not served in part", "■", view.Trouble},
		verdict.ConditionHeldBack:    {"held back", "▲", view.Warning},
		verdict.ConditionConflict:    {"conflict", "▲", view.Warning},
		verdict.ConditionIncomplete:  {"no storage names yet", "○", view.Good},
		verdict.ConditionComplete:    {"complete", "●", view.Good},
	}
	events = map[journal.Kind]string{
		journal.Added: "added", journal.Changed: "changed", journal.Removed: "removed", journal.Found: "found", journal.Resolved: "resolved",
		journal.Failed: "failed", journal.Recovered: "recovered", journal.HeldBack: "held back", journal.Serial: "serial", journal.Reload: "reload",
	}
)

func condition(r view.Resource) string {
	if r.Condition == verdict.ConditionNotServed && r.Total() == 0 {
		return "not served"
	}
	return conditions[r.Condition].text
}

// kind is the type of a resource for people.
func kind(resourceType string) string {
	if casefold.Equal(resourceType, "storageAccounts") {
		return "storage account"
	}
	return strings.TrimSuffix(resourceType, "s")
}

func firstOf(all []view.Problem) *view.Problem {
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

func iso(t time.Time) string      { return t.UTC().Format(time.RFC3339) }
func timeZone(t time.Time) string { return t.Local().Format("MST (-07:00)") }

// at is a time for people.
func at(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	return element(t, "", t.Local().Format("2006-01-02 15:04:05"))
}

// ago is an age, which the script continues to count.
func ago(t time.Time) template.HTML { return element(t, " data-ago", view.Ago(t, time.Now())) }

// in is a time to come.
func in(t time.Time) template.HTML {
	return element(t, " data-in", "in "+view.Span(time.Until(t)))
}

// element has no external input.
func element(t time.Time, attributes, text string) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s"%s>%s</time>`, iso(t), attributes, text)) //nolint:gosec // G203: above
}

func join(addrs []netip.Addr) string {
	texts := make([]string, len(addrs))
	for i, addr := range addrs {
		texts[i] = addr.String()
	}
	return strings.Join(texts, " ")
}

// networks lists the clients of an entry.
func networks(e ledger.Entry) string {
	var texts []string
	for _, n := range e.Networks[:min(len(e.Networks), 3)] {
		texts = append(texts, n.Prefix.String())
	}
	if more := len(e.Networks) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("%d more networks", more))
	}
	return strings.Join(texts, ", ")
}
