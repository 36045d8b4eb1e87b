package check

import (
	"fmt"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// A report is the output of -json.
type report struct {
	Status    int              `json:"status"` // 0, or 1 if there are findings
	Sources   []input.Source   `json:"sources"`
	Servers   []targetReport   `json:"servers"`
	Endpoints []endpointReport `json:"endpoints"`
	Notes     []string         `json:"notes"` // about sources
	Findings  []finding        `json:"findings"`
}

type targetReport struct {
	Address  string `json:"address"`
	Role     string `json:"role"` // server, or resolver
	Asked    int    `json:"asked"`
	Expected int    `json:"as_expected"`
}

type endpointReport struct {
	Endpoint string `json:"endpoint"` // resource ID, or the file
	Target   string `json:"target"`   // resource ID, or empty if unknown
	Title    string `json:"title"`
	verdict.Counts
	Verdict string       `json:"verdict"`
	Note    string       `json:"note,omitempty"`
	Names   []nameReport `json:"names"`

	wrong bool
}

type nameReport struct {
	Name     dnsname.Name   `json:"name"`
	Expected string         `json:"expected"`
	Answers  []answerReport `json:"answers"`
}

type answerReport struct {
	Server   string       `json:"server"`
	Question dnsname.Name `json:"question"`
	Answer   string       `json:"answer"`
	Finding  string       `json:"finding,omitempty"` // its kind
}

// report returns everything that was found.
func (c *checker) report(found []finding) report {
	r := report{Sources: c.plan.sources, Servers: []targetReport{}, Endpoints: []endpointReport{}, Notes: []string{}, Findings: found}
	for _, s := range c.plan.sources {
		if hint := s.Hint(); hint != "" {
			r.Notes = append(r.Notes, s.Name+": "+hint)
		}
	}
	for _, t := range c.targets {
		one := targetReport{Address: t.addr, Role: "server"}
		if t.resolver {
			one.Role = "resolver"
		}
		r.Servers = append(r.Servers, one)
	}
	for _, e := range c.plan.endpoints {
		r.Endpoints = append(r.Endpoints, c.ofEndpoint(e, r.Servers))
	}
	if len(found) > 0 {
		r.Status = command.Findings
	} else {
		r.Findings = []finding{}
	}
	return r
}

func (c *checker) ofEndpoint(e *endpoint, servers []targetReport) endpointReport {
	one := endpointReport{
		Endpoint: e.ID, Target: e.Target, Title: e.Title(), Counts: e.Counts(), Note: c.plan.inventory.Note(e.Endpoint), Names: []nameReport{},
	}
	wrong, atResolver := 0, 0
	for _, n := range e.names {
		one.Names = append(one.Names, c.ofResults(n, servers))
		wrong += number(n.wrong)
		atResolver += number(n.wrongAtResolver)
	}
	one.wrong = wrong+atResolver+len(e.Skips) > 0
	switch {
	case len(e.names) == 0:
		one.Verdict = "not served"
	case wrong > 0:
		one.Verdict = fmt.Sprintf("%d of %d names wrong", wrong, len(e.names))
	case !c.asked():
		one.Verdict = "not asked"
	case atResolver > 0:
		one.Verdict = fmt.Sprintf("%d of %d names wrong at this machine's resolver", atResolver, len(e.names))
	case len(e.Skips) > 0:
		one.Verdict = "not served in part"
	default:
		one.Verdict = "good"
	}
	return one
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (c *checker) asked() bool {
	return slices.ContainsFunc(c.targets, func(t *target) bool { return !t.resolver && (t.noUDP == nil || t.noTCP == nil) })
}

func (c *checker) ofResults(n *name, servers []targetReport) nameReport {
	one := nameReport{Name: n.owner, Expected: source.Addresses(n.addrs), Answers: []answerReport{}}
	for _, r := range n.results {
		kind := judge(r, n.addrs)
		server := &servers[slices.Index(c.targets, r.to)]
		if server.Asked++; kind == "" {
			server.Expected++
		}
		one.Answers = append(one.Answers, answerReport{r.to.addr, r.name, r.shown(), kind})
	}
	return one
}
