package view

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
)

// A Source is a source with its interval as text.
type Source struct {
	syncer.SourceState
	Every string `json:"every,omitempty"`
}

// sources sets the sources of all blocks. Blocks may share them.
func (p *Page) sources(in *Input) {
	p.Sources = []Source{}
	seen := map[string]bool{}
	for _, b := range in.Blocks {
		for _, s := range b.Sources {
			if seen[s.Name] && !s.Static {
				continue
			}
			seen[s.Name] = true
			one := Source{SourceState: s}
			one.Failure = bounded(one.Failure)
			if !s.Static {
				one.Every = s.Interval.String()
			}
			if !s.Remote { // it changes every 2 s, and with it the page would
				one.Read, one.Next = one.Read.Truncate(time.Minute), time.Time{}
			}
			p.Sources = append(p.Sources, one)
		}
	}
	p.reads()
}

// reads summarizes when the sources were read: the remote ones by the one that was read
// first.
func (p *Page) reads() {
	p.Reads = []Read{}
	azure, files := Read{What: "Azure"}, Read{What: "Files"}
	for _, s := range p.Sources {
		switch {
		case s.Remote && !s.Read.IsZero():
			if azure.At.IsZero() || s.Read.Before(azure.At) {
				azure.At, azure.Next = s.Read, s.Next
			}
		case !s.Remote && !s.Static:
			files.Every = s.Every
		}
	}
	if !azure.At.IsZero() {
		p.Reads = append(p.Reads, azure)
	}
	if files.Every != "" {
		p.Reads = append(p.Reads, files)
	}
}

// A Grade has the last names of one grade that the zones lack.
type Grade struct {
	Grade ledger.Grade   `json:"grade"`
	All   int            `json:"all"`
	Names []ledger.Entry `json:"names"`
}

func (p *Page) grades(in *Input) {
	for i, all := range in.Lacking {
		g := Grade{ledger.Grade(i), all, orEmpty(in.Ledger[i])} //nolint:gosec // G115: one of three
		g.Names = g.Names[:min(len(g.Names), MaxLedger)]
		for j := range g.Names {
			g.Names[j].Reason = bounded(g.Names[j].Reason)
		}
		p.Grades = append(p.Grades, g)
	}
}

// An Event is an event with its vault as people name it.
type Event struct {
	journal.Event
	Vault string `json:"-"`
	Key   string `json:"-"`
}

func (p *Page) events(in *Input, r Request) {
	p.Events, p.TotalEvents = []Event{}, in.Total
	most := cmp.Or(r.Events, maxEvents)
	for _, e := range in.Events {
		if r.Vault != "" && !r.selects(e.Target) && !r.selects(e.Endpoint) {
			continue
		}
		if p.Kept++; len(p.Events) < most {
			e.Text = bounded(e.Text)
			one := Event{Event: e}
			if e.Target != "" {
				one.Vault, one.Key = path.Base(e.Target), Key(e.Target)
			}
			p.Events = append(p.Events, one)
		}
	}
}

// Ago is an age for people.
func Ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return Span(now.Sub(t)) + " ago"
}

// Span is a duration for people, in its largest unit.
func Span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// count is "1 name" or "2 names".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// list joins texts: "a, b and c".
func list(texts ...string) string {
	texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
	if n := len(texts); n > 1 {
		return strings.Join(texts[:n-1], ", ") + " and " + texts[n-1]
	}
	return strings.Join(texts, "")
}
