package check

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// print writes the report for people. If all is set, it has every answer.
func (r report) print(w io.Writer, all bool, out command.Output) {
	for _, s := range r.Sources {
		command.Fprintf(w, "source %s: %s\n", s.Name, s)
	}
	for _, t := range r.Servers {
		command.Fprintf(w, "%s %s: %d of %d answers as expected\n", t.Role, t.Address, t.Expected, t.Asked)
	}
	command.Fprintf(w, "\n")
	rows := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	command.Fprintf(rows, "BACKUP\tBLOB\tQUEUE\tOTHER\tENDPOINT\tVERDICT\n")
	for _, e := range r.Endpoints {
		style := command.Good
		if e.wrong {
			style = command.Bad
		}
		command.Fprintf(rows, "%d\t%d\t%d\t%d\t%s\t%s\n", e.Backup, e.Blob, e.Queue, e.Other, e.Title, out.Paint(style, e.Verdict))
	}
	rows.Flush()
	for _, e := range r.Endpoints {
		if e.Note != "" {
			command.Fprintf(w, "\nnote: %s: %s\n", e.Title, e.Note)
		}
		if all {
			e.printNames(w, out)
		}
	}
	for _, note := range r.Notes {
		command.Fprintf(w, "\nnote: %s\n", note)
	}
	for i, f := range r.Findings {
		f.print(w, i+1, out)
	}
	switch {
	case len(r.Findings) > 0:
	case len(r.Notes) > 0:
		command.Fprintf(w, "\n%s\n", out.Paint(command.Warn, "all answers are as expected, but the data is old"))
	default:
		command.Fprintf(w, "\n%s\n", out.Paint(command.Good, "all good"))
	}
}

func (e endpointReport) printNames(w io.Writer, out command.Output) {
	for _, n := range e.Names {
		command.Fprintf(w, "\n%s: %s expected\n", n.Name, n.Expected)
		for _, a := range n.Answers {
			verdict := out.Paint(command.Good, "good")
			if a.Finding != "" {
				verdict = out.Paint(command.Bad, a.Finding)
			}
			command.Fprintf(w, "  %s  %s  %s  %s\n", a.Server, a.Question, a.Answer, verdict)
		}
	}
}

func (f finding) print(w io.Writer, number int, out command.Output) {
	command.Fprintf(w, "\n%s %s\n", out.Paint(command.Bad, fmt.Sprintf("finding %d:", number)), f.Text)
	for i, n := range f.Names {
		if i == 3 {
			command.Fprintf(w, "  and %d more\n", len(f.Names)-i)
			break
		}
		command.Fprintf(w, "  %s%s\n", n, example(i, f.Example))
	}
	command.Fprintf(w, "  %s %s\n", out.Paint(command.Bold, "remedy:"), f.Remedy)
}

func example(i int, text string) string {
	if i > 0 || text == "" {
		return ""
	}
	return "  " + text
}
