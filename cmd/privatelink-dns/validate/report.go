package validate

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
)

// A report is what the command prints, as JSON has it.
type report struct {
	Status   int       `json:"status"` // the exit status
	Blocks   []block   `json:"blocks"`
	Errors   []finding `json:"errors"`
	Warnings []finding `json:"warnings"`

	corefile bool // there is one, not files alone
}

type block struct {
	Position string         `json:"position"`
	Origins  []dnsname.Name `json:"origins,omitempty"` // what the server block is for; none without a Corefile
	Listen   []string       `json:"listen,omitempty"`  // for plain DNS
	Zones    []zoneCount    `json:"zones"`
	Sources  []sourceCount  `json:"sources"`
}

type zoneCount struct {
	Zone   dnsname.Name `json:"zone"`
	Names  int          `json:"names"`
	Strict bool         `json:"strict"`
}

type sourceCount struct {
	Source string `json:"source"`
	Asked  bool   `json:"asked"`
	Names  int    `json:"names"` // of records that it has, an earlier source perhaps, too
}

type finding struct {
	Position string `json:"position,omitempty"` // of the block; an error of the Corefile says its own
	Source   string `json:"source,omitempty"`
	Text     string `json:"text"`
}

func (f finding) String() string {
	parts := slices.DeleteFunc([]string{f.Position, f.Source, f.Text}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// leaveRemote takes the sources that are asked over the network out of the
// blocks, unless live, and returns them by block.
func leaveRemote(blocks []privatelink.Block, live bool) [][]sourceCount {
	left := make([][]sourceCount, len(blocks))
	for i := range blocks {
		var local []source.Source
		for _, src := range blocks[i].Sources {
			if config := src.Config(); config.Remote && !live {
				left[i] = append(left[i], sourceCount{Source: config.Name})
				continue
			}
			local = append(local, src)
		}
		blocks[i].Sources = local
	}
	return left
}

// add reports a block and what its sources gave.
func (r *report) add(b *input.Block, left []sourceCount) {
	shown := block{Position: b.Position, Zones: []zoneCount{}, Sources: []sourceCount{}}
	if r.corefile {
		shown.Origins, shown.Listen = b.Origins, b.Listen
	}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(b.Snapshot.Zones)) {
		z := b.Snapshot.Zones[name]
		n := 0
		for range z.Records() {
			n++
		}
		total += n
		shown.Zones = append(shown.Zones, zoneCount{name, n, z.Strict})
	}
	before := len(r.Errors) + len(r.Warnings)
	for _, src := range b.Preview.Sources {
		shown.Sources = append(shown.Sources, sourceCount{src.Name, true, records(b, src.List)})
		r.addSource(b.Position, src)
	}
	if total == 0 && len(left) == 0 && len(r.Errors)+len(r.Warnings) == before {
		r.warn(b.Position, "", "its sources give no name")
	}
	shown.Sources = append(shown.Sources, left...)
	r.Blocks = append(r.Blocks, shown)
}

func (r *report) addSource(position string, src syncer.Fetched) {
	for _, err := range command.Errors(src.Err) {
		text := err.Error()
		if errors.Is(err, source.ErrNoFile) {
			r.warn(position, src.Name, text+" (until there is one, names that no other source gives are SERVFAIL)")
			continue
		}
		r.Errors = append(r.Errors, finding{position, src.Name, text})
	}
	for _, line := range src.Findings {
		r.warn(position, src.Name, line)
	}
}

func (r *report) warn(position, source, text string) {
	r.Warnings = append(r.Warnings, finding{position, source, text})
}

// records counts the records that a list makes, alone.
func records(b *input.Block, list *source.List) int {
	if list == nil {
		return 0
	}
	all := map[dnsname.Name]bool{}
	for _, e := range list.Entries {
		if place, err := b.Snapshot.OwnerOf(e.FQDN); err == nil {
			all[place.Name] = true
		}
	}
	return len(all)
}

func (r *report) conclude() {
	switch {
	case len(r.Errors) > 0:
		r.Status = command.Failed
	case len(r.Warnings) > 0:
		r.Status = command.Findings
	}
}

// print writes the report for people.
func (r *report) print(w io.Writer, out command.Output) {
	for _, b := range r.Blocks {
		command.Fprintf(w, "%s%s\n", out.Paint(command.Bold, b.Position), b.serves())
		rows := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, z := range b.Zones {
			command.Fprintf(rows, "  %s\t%s\n", z.Zone, command.Count(z.Names, "name"))
		}
		for _, s := range b.Sources {
			text := command.Count(s.Names, "name")
			if !s.Asked {
				text = "not asked, -live does"
			}
			command.Fprintf(rows, "  from %s\t%s\n", s.Source, text)
		}
		rows.Flush()
	}
	for _, f := range r.Warnings {
		command.Fprintf(w, "%s %s\n", out.Paint(command.Warn, "warning:"), f)
	}
	for _, f := range r.Errors {
		command.Fprintf(w, "%s %s\n", out.Paint(command.Bad, "error:"), f)
	}
	command.Fprintf(w, "%s\n", r.verdict(out))
}

func (b *block) serves() string {
	switch {
	case len(b.Origins) == 0:
		return ":"
	case len(b.Listen) == 0: // for encrypted DNS only
		return ": for " + dnsname.Join(b.Origins, ", ")
	}
	return fmt.Sprintf(": for %s on %s", dnsname.Join(b.Origins, ", "), strings.Join(b.Listen, ", "))
}

func (r *report) verdict(out command.Output) command.Safe {
	switch r.Status {
	case command.Failed:
		return out.Paint(command.Bad, "not in order: "+command.Count(len(r.Errors), "error"))
	case command.Findings:
		return out.Paint(command.Warn, "it starts: "+command.Count(len(r.Warnings), "warning"))
	}
	return out.Paint(command.Good, "in order")
}
