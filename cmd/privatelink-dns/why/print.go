package why

import (
	"fmt"
	"io"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// print writes the report for people, at most about six lines for a name.
func (r *report) print(w io.Writer, out command.Output) {
	for i, answer := range r.Answers {
		if i > 0 {
			command.Fprintf(w, "\n")
		}
		found := distinct(aligned(answer.Found))
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

// distinct unites the blocks that agree.
func distinct(all []verdict.Finding) (found []verdict.Finding) {
	for _, f := range all {
		same := func(other verdict.Finding) bool {
			other.Block, other.Lacking = f.Block, f.Lacking
			return reflect.DeepEqual(other, f)
		}
		if !slices.ContainsFunc(found, same) {
			found = append(found, f)
		}
	}
	return found
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
		command.Fprintf(w, "  %s, %s\n", f.Owner, endpoint(f))
	}
	if more := n - shownNames; more > 0 {
		command.Fprintf(w, "  and %s, -json has them\n", command.Count(more, "more name"))
	}
}

func (r *report) printOne(w io.Writer, f verdict.Finding, out command.Output) {
	if f.Served {
		command.Fprintf(w, "%s\n", out.Paint(command.Good, fmt.Sprintf("%s is private: %s", f.Name, source.Addresses(f.Addrs))))
		command.Fprintf(w, "  step %d: %s\n", f.Step, how(f))
	} else {
		command.Fprintf(w, "%s\n", out.Paint(command.Bad, fmt.Sprintf("%s is not private: %s%s", f.Name, f.Text, before(f))))
	}
	if f.Endpoint != "" {
		command.Fprintf(w, "  endpoint: %s\n", endpoint(f))
	}
	if f.Source != "" {
		command.Fprintf(w, "  source: %s\n", r.source(f))
	}
	if !f.Served {
		command.Fprintf(w, "  clients get %s (step %d: %s)%s\n", gets(f), f.Step, how(f), asked(f.Lacking))
	} else if f.Text != "" {
		command.Fprintf(w, "  %s\n", out.Paint(command.Warn, "note: "+f.Text))
	}
	if f.Remedy != "" {
		command.Fprintf(w, "  %s %s\n", out.Paint(command.Bold, "remedy:"), f.Remedy)
	}
}

// before is when a name was served that is not served any more.
func before(f verdict.Finding) string {
	if f.Since.IsZero() || len(f.Addrs) == 0 {
		return ""
	}
	return fmt.Sprintf("; it was %s until %s", source.Addresses(f.Addrs), input.At(f.Since.Local()))
}

// endpoint is the endpoint with its target and subscription.
func endpoint(f verdict.Finding) string {
	id := f.Endpoint
	if f.Subscription != "" {
		id = path.Base(id)
	}
	text := source.Title(id, f.Target)
	if zone := source.ZoneIn(f.Endpoint); zone != "" {
		text = "private DNS zone " + zone
	}
	if f.Subscription != "" {
		text += ", subscription " + f.Subscription
	}
	return text
}

func (r *report) source(f verdict.Finding) string {
	text := f.Source
	if known := r.sources[f.Source]; known != "" {
		text += ": " + known
	}
	switch {
	case f.Since.IsZero() || !f.Served:
	case f.Kind == verdict.HeldBack:
		text += ", which lacks it since " + input.At(f.Since.Local())
	default:
		text += ", since " + input.At(f.Since.Local())
	}
	return text
}

// answers has what clients get in place of the private address.
var answers = map[verdict.Answer]string{
	verdict.Refused: "REFUSED",
	verdict.NoData:  "no address", verdict.NXDomain: "NXDOMAIN", verdict.ServFail: "SERVFAIL", verdict.Upstream: "the answer of the upstream, which may be public",
}

// gets is what clients get.
func gets(f verdict.Finding) string {
	if f.Answer == verdict.Upstream && f.Kind == verdict.NeverSeen && f.Zone == "" {
		return "the answer of the upstream"
	}
	if f.Answer == verdict.Upstream && f.Strict {
		return "NXDOMAIN if the upstream's CNAME chain leads into the zone, otherwise the upstream's answer, which may be public"
	}
	if f.Answer == verdict.ServFail && f.Step == 4 {
		return "SERVFAIL in place of a public address, because of protect"
	}
	return answers[f.Answer]
}

// how is why the step of the resolution order decides.
func how(f verdict.Finding) string {
	switch {
	case f.Step == 0:
		return "plugin privatelink gets no query for it"
	case f.Step == 1 && f.Served:
		return fmt.Sprintf("the zone %s has the record %s", f.Zone, f.Owner)
	case f.Step == 1:
		return "the name exists in a zone, and has no address"
	case f.Step == 2:
		return fmt.Sprintf("the zone %s is strict and lacks it", f.Zone)
	case f.Step == 3:
		return fmt.Sprintf("an alias of the record %s", f.Owner)
	case f.Step == 5:
		return "not every source has been read"
	case f.Served:
		return fmt.Sprintf("the upstream's CNAME chain leads to the record %s", f.Owner)
	case f.Zone != "":
		return fmt.Sprintf("the zone %s lacks it", f.Zone)
	}
	return "it is in no zone"
}

// asked is who got another answer, by the ledger.
func asked(lacking []ledger.Entry) string {
	count, last := uint64(0), time.Time{}
	var networks []string
	for _, e := range lacking {
		count += e.Count
		if e.Last.After(last) {
			last = e.Last
		}
		for _, n := range e.Networks {
			if text := n.Prefix.String(); !slices.Contains(networks, text) {
				networks = append(networks, text)
			}
		}
	}
	if count == 0 {
		return ""
	}
	text := fmt.Sprintf(": %s, last %s", command.Count(int(count), "time"), input.At(last.Local())) //nolint:gosec // G115: a count of answers
	if n := len(networks); n > 0 {
		text += ", by " + strings.Join(networks[:min(n, 3)], ", ")
		if n > 3 {
			text += fmt.Sprintf(" and %d more networks", n-3)
		}
	}
	return text
}
