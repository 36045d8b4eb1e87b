package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// A Search is the answer to a question about a name or an address.
type Search struct {
	Question string   `json:"question"`
	Error    string   `json:"error,omitempty"`
	Results  []Result `json:"results"`
}

// A Result is the answer of one block, at most six lines and a command to copy.
type Result struct {
	Block string         `json:"block,omitempty"` // if the blocks differ
	Lines []verdict.Line `json:"lines"`
	Dig   string         `json:"dig,omitempty"`
}

const shownNames = 4 // of one address

// NewSearch returns the answer as text. server is the address of the DNS server.
func NewSearch(why verdict.Why, err error, server string, now time.Time) *Search {
	s := &Search{Question: why.Question, Results: []Result{}}
	if err != nil {
		s.Error = err.Error()
		return s
	}
	found := verdict.Distinct(why.Found)
	at := func(t time.Time) string { return fmt.Sprintf("%s (%s)", t.Format("2006-01-02 15:04"), Ago(t, now)) }
	same := !slices.ContainsFunc(found, func(f verdict.Finding) bool { return f.Name != found[0].Name })
	switch {
	case len(found) == 0:
		s.Results = []Result{{Lines: []verdict.Line{{Style: verdict.Bad, Text: why.Question + " is the address of no record."}}}}
	case !same:
		s.Results = []Result{names(why, found)}
	default:
		for _, f := range found {
			one := Result{Lines: f.Lines(at, nil), Dig: dig(server, f.Name.String())}
			if len(found) > 1 {
				one.Block = f.Block
			}
			for i := range one.Lines {
				one.Lines[i].Text = bounded(one.Lines[i].Text)
			}
			s.Results = append(s.Results, one)
		}
	}
	return s
}

// names is the answer about an address of several names.
func names(why verdict.Why, found []verdict.Finding) (r Result) {
	n := len(found) + why.More
	r.Lines = append(r.Lines, verdict.Line{Style: verdict.Good, Text: fmt.Sprintf("%s is the address of %s:", why.Question, count(n, "name"))})
	for _, f := range found[:min(len(found), shownNames)] {
		r.Lines = append(r.Lines, verdict.Line{Style: verdict.Plain, Label: f.Owner.String(), Text: f.EndpointText()})
	}
	if n > shownNames {
		r.Lines = append(r.Lines, verdict.Line{Style: verdict.Plain, Text: fmt.Sprintf("and %d more; /api/why?name=%s has them", n-shownNames, why.Question)})
	}
	return r
}

// dig returns the command that asks the server for the name. A shell would expand *.
func dig(server, name string) string {
	host, port, ok := cutPort(server)
	if !ok {
		return ""
	}
	if strings.Contains(name, "*") {
		name = "'" + name + "'"
	}
	if port != "53" {
		host += " -p " + port
	}
	return fmt.Sprintf("dig @%s %s", host, name)
}

func cutPort(server string) (host, port string, ok bool) {
	i := strings.LastIndexByte(server, ':')
	if i < 0 {
		return "", "", false
	}
	return strings.Trim(server[:i], "[]"), server[i+1:], true
}
