package validate

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
)

// A report is the output of the command, as in JSON.
type report struct {
	Status   int       `json:"status"` // the exit status
	Blocks   []block   `json:"blocks"`
	Errors   []finding `json:"errors"`
	Warnings []finding `json:"warnings"`
	Notes    []finding `json:"notes"`

	corefile bool // there is one, not files alone
	worst    severity
}

type block struct {
	Position string         `json:"position"`
	Origins  []dnsname.Name `json:"origins,omitempty"`  // of the server block; empty without a Corefile
	Listen   []string       `json:"listen,omitempty"`   // for plain DNS; ":53" is all addresses
	FastPath string         `json:"fastPath,omitempty"` // "on", or why it is off; empty without a Corefile
	Zones    []zoneCount    `json:"zones"`
	Sources  []input.Source `json:"sources"`
}

type zoneCount struct {
	Zone   dnsname.Name `json:"zone"`
	Names  int          `json:"names"`
	Strict bool         `json:"strict"`
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
func leaveRemote(blocks []privatelink.Block, live bool) [][]input.Source {
	left := make([][]input.Source, len(blocks))
	for i := range blocks {
		var local []source.Source
		for _, src := range blocks[i].Sources {
			if config := src.Config(); config.Remote && !live {
				left[i] = append(left[i], input.Source{Name: config.Name})
				continue
			}
			local = append(local, src)
		}
		blocks[i].Sources = local
	}
	return left
}

// add reports a block and the records of its sources.
func (r *report) add(b *input.Block, left []input.Source) {
	shown := block{Position: b.Position, Zones: []zoneCount{}, Sources: append([]input.Source{}, b.Sources...)}
	if r.corefile {
		shown.Origins, shown.Listen, shown.FastPath = b.Origins, b.Bound, "on"
		if b.FastPath != nil {
			shown.FastPath = "off: " + b.FastPath.Error()
		}
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
	for i, src := range b.Preview.Sources {
		r.addSource(b, src)
		if hint := b.Sources[i].Hint(); hint != "" {
			r.found(note, b.Position, src.Name, hint)
		}
	}
	if total == 0 && len(left) == 0 && !unreadable(b) {
		r.found(lost, b.Position, "", "its sources have no name: check that they are those of the right "+
			"subscription or folder, and that the private endpoints are Approved")
	}
	shown.Sources = append(shown.Sources, left...)
	r.Blocks = append(r.Blocks, shown)
}

// unreadable reports whether a source has an error that explains why it has no name.
func unreadable(b *input.Block) bool {
	return slices.ContainsFunc(b.Preview.Sources, func(src syncer.Fetched) bool {
		return src.Err != nil && !errors.Is(src.Err, source.ErrNoFile)
	})
}

func (r *report) addSource(b *input.Block, src syncer.Fetched) {
	for _, err := range command.Errors(src.Err) {
		if errors.Is(err, source.ErrNoFile) {
			r.found(warning, b.Position, src.Name, err.Error()+" (until there is one, names that no other source has are SERVFAIL)")
			continue
		}
		r.found(broken, b.Position, src.Name, err.Error())
	}
	for _, f := range src.Findings {
		r.found(severityOf(b, f), b.Position, src.Name, f.Text)
	}
}

// found adds a finding. A position and a source may be empty.
func (r *report) found(s severity, position, source, text string) {
	list := &r.Errors
	switch s {
	case note:
		list = &r.Notes
	case warning:
		list = &r.Warnings
	}
	// Blocks that import one snippet have the same findings at the same position.
	if f := (finding{position, source, text}); !slices.Contains(*list, f) {
		*list = append(*list, f)
	}
	r.worst = max(r.worst, s)
}

// conclude sets the exit status.
func (r *report) conclude() {
	switch r.worst {
	case lost:
		r.Status = command.Findings
	case broken:
		r.Status = command.Failed
	}
}
