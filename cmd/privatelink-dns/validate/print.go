package validate

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// print writes the report for people, the most important at the end.
func (r *report) print(w io.Writer, out command.Output) {
	for _, b := range r.Blocks {
		b.print(w, out)
	}
	r.printNotes(w)
	for _, f := range r.Warnings {
		command.Fprintf(w, "%s %s\n", out.Paint(command.Warn, "warning:"), f)
	}
	for _, f := range r.Errors {
		command.Fprintf(w, "%s %s\n", out.Paint(command.Bad, "error:"), f)
	}
	command.Fprintf(w, "%s\n", r.summary(out))
}

func (b *block) print(w io.Writer, out command.Output) {
	command.Fprintf(w, "%s%s\n", out.Paint(command.Bold, b.Position), b.serves())
	rows := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if b.FastPath != "" {
		command.Fprintf(rows, "  fast path\t%s\n", b.FastPath)
	}
	empty := 0
	for _, z := range b.Zones {
		if z.Names == 0 {
			empty++
		}
		if z.Names > 0 || empty <= most {
			command.Fprintf(rows, "  %s\t%s\n", z.Zone, command.Count(z.Names, "name"))
		}
	}
	if more := empty - most; more > 0 {
		command.Fprintf(rows, "  %d more zones\tno names\n", more)
	}
	for _, s := range b.Sources {
		command.Fprintf(rows, "  from %s\t%s\n", s.Name, s)
	}
	rows.Flush()
}

// most is how many notes are printed, and zones without names: a subscription may have
// hundreds of endpoints of other services, and a Corefile all zones of Azure.
const most = 5

func (r *report) printNotes(w io.Writer) {
	for _, f := range r.Notes[:min(len(r.Notes), most)] {
		command.Fprintf(w, "note: %s\n", f)
	}
	if more := len(r.Notes) - most; more > 0 {
		command.Fprintf(w, "note: %d more like these, -json has all\n", more)
	}
}

func (b *block) serves() string {
	switch {
	case len(b.Origins) == 0:
		return ":"
	case len(b.Listen) == 0: // for encrypted DNS only
		return ": for " + dnsname.Join(b.Origins, ", ")
	}
	return fmt.Sprintf(": for %s on %s", dnsname.Join(b.Origins, ", "), b.listeners())
}

// listeners lists the addresses. A block has all addresses of a port or none: bind counts
// for each of its ports.
func (b *block) listeners() string {
	ports := make([]string, len(b.Listen))
	for i, address := range b.Listen {
		port, all := strings.CutPrefix(address, ":")
		if !all {
			return strings.Join(b.Listen, ", ")
		}
		ports[i] = port
	}
	if len(ports) == 1 {
		return "all addresses, port " + ports[0]
	}
	return "all addresses, ports " + strings.Join(ports, ", ")
}

func (r *report) summary(out command.Output) command.Safe {
	found := r.counts()
	switch r.worst {
	case broken:
		return out.Paint(command.Bad, "invalid: "+found)
	case lost:
		return out.Paint(command.Bad, "valid, but not all names are served as they should be: "+found)
	case warning:
		return out.Paint(command.Warn, "valid, "+found)
	}
	if found != "" {
		return out.Paint(command.Good, "valid, "+found)
	}
	return out.Paint(command.Good, "valid")
}

// counts lists how many findings there are, "" for none.
func (r *report) counts() string {
	var all []string
	for _, c := range []struct {
		findings []finding
		what     string
	}{{r.Errors, "error"}, {r.Warnings, "warning"}, {r.Notes, "note"}} {
		if len(c.findings) > 0 {
			all = append(all, command.Count(len(c.findings), c.what))
		}
	}
	return strings.Join(all, ", ")
}
