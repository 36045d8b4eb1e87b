package view

import (
	"fmt"
	"slices"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
)

// A Level is how bad a state is.
type Level string

// The levels.
const (
	Good    Level = "good"
	Warning Level = "warning" // it will be a problem
	Trouble Level = "problem" // clients do not get private addresses
)

// A Problem is one sentence that links to its place on the page.
type Problem struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`
	Place string `json:"place"` // the ID of a section
}

// recent is how long an answer that was not private is a problem.
const recent = time.Hour

// judge sets the problems and the sentence.
func (p *Page) judge(in *Input) {
	p.Problems = []Problem{}
	p.judgeSources(in.Now)
	p.judgeLedger(in)
	p.judgeUpstreams()
	p.judgeResources(in)
	p.judgePeers()
	if p.Names == 0 && len(p.Problems) == 0 {
		p.add(Warning, "sources", "No names are served: the sources have no private endpoint whose connection is approved.")
	}
	slices.SortStableFunc(p.Problems, func(a, b Problem) int {
		return weight(b.Level) - weight(a.Level)
	})
	p.Level, p.Sentence = Good, p.summary(true)
	if len(p.Problems) > 0 {
		p.Level, p.Sentence = p.Problems[0].Level, p.summary(false)
	}
}

func weight(l Level) int { return map[Level]int{Warning: 1, Trouble: 2}[l] }

// maxProblem bounds a problem in characters. Its place on the page has all of it.
const maxProblem = 240

func (p *Page) add(l Level, place, format string, args ...any) {
	p.Problems = append(p.Problems, Problem{l, cut(fmt.Sprintf(format, args...), maxProblem), place})
}

// summary is what is served. It does not claim that all names are private while there
// is a problem.
func (p *Page) summary(all bool) string {
	others := p.AllOf.Resources - p.AllOf.Vaults
	of := list(some(p.AllOf.Vaults, "vault"), some(others, "other resource"))
	switch {
	case p.Names == 0:
		return "No names are served."
	case all && p.Names == 1:
		return fmt.Sprintf("The name of %s is private.", of)
	case all:
		return fmt.Sprintf("All %d names of %s are private.", p.Names, of)
	}
	return fmt.Sprintf("%s of %s served.", count(p.Names, "name"), of+verb(p.Names))
}

func some(n int, what string) string {
	if n == 0 {
		return ""
	}
	return count(n, what)
}

func verb(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

func (p *Page) judgeSources(now time.Time) {
	for _, s := range p.Sources {
		switch {
		case !s.Loaded && s.Failure != "":
			p.add(Trouble, "sources", "%s has not been read since the start, its names may be SERVFAIL: %s", s.Name, s.Failure)
		case !s.Loaded:
			p.add(Trouble, "sources", "%s has not been read yet, its names may be SERVFAIL.", s.Name)
		case s.Failure != "":
			p.add(Warning, "sources", "%s cannot be read for %s, its last good records are served: %s", s.Name, Span(now.Sub(s.Failing)), s.Failure)
		}
	}
}

func (p *Page) judgeLedger(in *Input) {
	names, last, least := 0, ledger.Entry{}, ""
	for _, grade := range []ledger.Grade{ledger.Known, ledger.Backup} {
		if all := in.Ledger[grade]; len(all) == MaxLedger && in.Now.Sub(all[MaxLedger-1].Last) <= recent {
			least = "At least " // the input has no more
		}
		for _, e := range in.Ledger[grade] {
			if in.Now.Sub(e.Last) > recent {
				continue
			}
			if names++; e.Last.After(last.Last) {
				last = e
			}
		}
	}
	if names == 0 {
		return
	}
	by := ""
	if len(last.Networks) > 0 {
		by = ", asked by " + last.Networks[0].Prefix.String()
	}
	example := fmt.Sprintf("%s got %s%s", trimDot(last.Name), got[last.Kind], by)
	if names == 1 {
		p.add(Trouble, "ledger", "A name that should be private was not: %s, %s.", example, Ago(last.Last, in.Now))
		return
	}
	p.add(Trouble, "ledger", "%s%d names that should be private were not. The last one: %s, %s.", least, names, example, Ago(last.Last, in.Now))
}

// got is what a client got for a name that the zones lack.
var got = map[ledger.Kind]string{
	ledger.Public: "a public address", ledger.NXDomain: "NXDOMAIN", ledger.Withheld: "SERVFAIL in place of a public address",
}

func trimDot(name string) string {
	if n := len(name); n > 1 && name[n-1] == '.' {
		return name[:n-1]
	}
	return name
}

func (p *Page) judgeUpstreams() {
	down := 0
	for _, u := range p.Upstreams {
		if !u.Up {
			down++
		}
	}
	switch {
	case down == 0:
	case down == len(p.Upstreams):
		p.add(Trouble, "upstreams", "No upstream responds: names that are not private have old answers, or SERVFAIL. Private names are not affected.")
	default:
		p.add(Warning, "upstreams", "%d of %d upstreams do not respond.", down, len(p.Upstreams))
	}
}

func (p *Page) judgeResources(in *Input) {
	held, conflicts := 0, 0
	for _, s := range p.Sources {
		held += s.HeldBack
	}
	for _, b := range in.Blocks {
		conflicts += len(b.Survey.Conflicts)
	}
	if held > 0 {
		p.add(Warning, "vaults", "%s held back: the last lists lack more than half of the names of a source, which are served until three syncs agree.",
			count(held, "name")+verb(held))
	}
	p.judgeItems()
	if conflicts > 0 {
		p.add(Warning, "vaults", "%s different addresses in two places.", map[bool]string{
			true: "A name has", false: fmt.Sprintf("%d names have", conflicts)}[conflicts == 1])
	}
}

// judgeItems adds the endpoints that are not served, except those on purpose.
func (p *Page) judgeItems() {
	switch n, first := p.pending.count, p.pending.first.Short; {
	case n == 1:
		p.add(Warning, "not-served", "%s is not approved.", first)
	case n > 1:
		p.add(Warning, "not-served", "%d endpoints are not approved: %s and %d more.", n, first, n-1)
	}
	switch n, first := p.unserved.count, p.unserved.first; {
	case n == 1:
		p.add(Warning, "not-served", "%s is not served: %s", first.Short, first.Text)
	case n > 1:
		p.add(Warning, "not-served", "%d endpoints or names are not served: %s and %d more.", n, first.Short, n-1)
	}
}

func (p *Page) judgePeers() {
	for _, one := range p.Peers {
		if !one.InStep && !one.Checked.IsZero() {
			p.add(Warning, "peers", "The %s %s is not in step: %s.", one.Role, one.Address, one.Text)
		}
	}
}
