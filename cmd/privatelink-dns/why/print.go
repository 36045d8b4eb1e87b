package why

import (
	"fmt"
	"io"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// print writes the report for people, at most about six lines for a name.
func (r *report) print(w io.Writer, out command.Output) {
	for i, answer := range r.Answers {
		if i > 0 {
			command.Fprintf(w, "\n")
		}
		found := verdict.Distinct(answer.Found)
		switch {
		case len(found) == 0:
			command.Fprintf(w, "%s\n", out.Paint(command.Bad, answer.Question+" is the address of no record: no endpoint of the sources has it, or it is not served"))
		case len(found) > 1 && sameName(found):
			for _, f := range found {
				command.Fprintf(w, "in the block %s:\n", f.Block)
				r.printOne(w, f, out)
			}
		case len(found) > 1:
			printNames(w, answer, found, out)
		default:
			r.printOne(w, found[0], out)
		}
	}
}

func sameName(all []verdict.Finding) bool {
	return !slices.ContainsFunc(all, func(f verdict.Finding) bool { return f.Name != all[0].Name })
}

// shownNames is how many names of one address are printed.
const shownNames = 4

// printNames writes the names of an address, a line for each.
func printNames(w io.Writer, answer verdict.Why, found []verdict.Finding, out command.Output) {
	n := len(found) + answer.More
	command.Fprintf(w, "%s\n", out.Paint(command.Good, fmt.Sprintf("%s is the address of %s:", answer.Question, command.Count(n, "name"))))
	for _, f := range found[:min(len(found), shownNames)] {
		command.Fprintf(w, "  %s, %s\n", f.Owner, f.EndpointText())
	}
	if more := n - shownNames; more > 0 {
		command.Fprintf(w, "  and %s, -json has them\n", command.Count(more, "more name"))
	}
}

func (r *report) printOne(w io.Writer, f verdict.Finding, out command.Output) {
	for i, line := range f.Lines(input.At, func(source string) string { return r.sources[source] }) {
		indent := "  "
		if i == 0 {
			indent = ""
		}
		command.Fprintf(w, "%s", indent)
		printLine(w, line, out)
	}
}

var styles = map[verdict.Style]command.Style{verdict.Good: command.Good, verdict.Bad: command.Bad, verdict.Note: command.Warn}

func printLine(w io.Writer, line verdict.Line, out command.Output) {
	text := line.Text
	if line.Label != "" {
		text = line.Label + ": " + text
	}
	switch style, ok := styles[line.Style]; {
	case ok:
		command.Fprintf(w, "%s\n", out.Paint(style, text))
	case line.Style == verdict.Remedy:
		command.Fprintf(w, "%s %s\n", out.Paint(command.Bold, line.Label+":"), line.Text)
	default:
		command.Fprintf(w, "%s\n", text)
	}
}
