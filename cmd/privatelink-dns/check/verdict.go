package check

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// A finding is a fault that stops a backup, or may, with its remedy.
type finding struct {
	Kind     string         `json:"kind"`
	Endpoint string         `json:"endpoint,omitempty"` // resource ID, or the file
	Server   string         `json:"server,omitempty"`   // that was asked
	Text     string         `json:"text"`
	Names    []dnsname.Name `json:"names,omitempty"`   // that it is about
	Example  string         `json:"example,omitempty"` // the answer for the first of them
	Remedy   string         `json:"remedy"`
}

// The kinds of findings.
const (
	sourceFailed  = "source_failed"  // a source cannot be read
	nothingServed = "nothing_served" // there is no name
	notServed     = "not_served"     // an endpoint, or a name of it, is skipped
	configured    = "configuration"  // a conflict, or an address outside of the private ranges
	unreachable   = "unreachable"    // no answer at all
	overTCP       = "no_tcp"         // none over TCP
	refused       = "refused"
	notReady      = "not_ready"
	missing       = "missing"        // the name does not exist, or has no address
	outdated      = "other_address"  // private, and not the expected one
	leak          = "public_address" // of a name that has a private one
	failing       = "no_answer"      // SERVFAIL, or silence for this name
	closedPort    = "port_443"       // no connection to the private address
)

// judge compares one result with the expected addresses. It returns the kind of the
// finding, or "" if the result is as expected.
func judge(r result, expected []netip.Addr) string {
	want := slices.DeleteFunc(slices.Clone(expected), func(a netip.Addr) bool { return a.Is4() != (r.qtype == dns.TypeA) })
	switch {
	case r.err != nil:
		return failing
	case r.notReady:
		return notReady
	case r.rcode == dns.RcodeRefused:
		return refused
	case r.rcode == dns.RcodeServerFailure:
		return failing
	case r.rcode == dns.RcodeNameError: // also for AAAA: the client may believe it for A
		return missing
	case slices.Equal(r.addrs, want):
		return ""
	case slices.ContainsFunc(r.addrs, func(a netip.Addr) bool { return isPublic(a) && !slices.Contains(want, a) }):
		return leak
	case len(r.addrs) == 0:
		return missing
	}
	return outdated
}

func isPublic(a netip.Addr) bool { return a.IsGlobalUnicast() && !source.IsPrivate(a) }

// findings returns all that is wrong, the most general first.
func (c *checker) findings(closed map[netip.Addr]error) []finding {
	var all findings
	for _, err := range c.plan.failures {
		all.add(finding{Kind: sourceFailed, Text: fmt.Sprintf("a source cannot be read: %v", err),
			Remedy: "repair it; the Troubleshooting section of plugin privatelink's manual has the causes"})
	}
	for _, t := range c.targets {
		c.ofTarget(&all, t)
	}
	named := false
	for _, e := range c.plan.endpoints {
		named = named || len(e.names) > 0
		for _, skip := range e.Skips {
			all.add(ofSkip(e, skip))
		}
		for _, n := range e.names {
			c.ofName(&all, n, closed)
		}
	}
	if !named {
		all.add(c.plan.nothing())
	}
	for _, line := range c.plan.warnings {
		all.add(finding{Kind: configured, Text: line, Remedy: "compare with the DNS configuration of the private endpoint"})
	}
	return all.list
}

// nothing is the finding of sources without a name. If they cannot be read, a server
// that runs may nevertheless serve its last good records.
func (p *plan) nothing() finding {
	f := finding{Kind: nothingServed}
	switch {
	case len(p.failures) == 0:
		f.Text = "no source has a name: there is nothing to serve"
		f.Remedy = "check that the sources are those of the right subscription or folder, and that the private endpoints are Approved"
	case p.state:
		f.Text = "no name is known: the sources cannot be read, and the state file has none of their names"
		f.Remedy = "repair the sources"
	default:
		f.Text = "no name is known: the sources cannot be read, and there is no state file; " +
			"a server that has read them before serves its last good records"
		f.Remedy = "repair the sources; with the property state in the Corefile, the last good records are known here too; " +
			"`privatelink-dns records -server ADDRESS` prints those of a server that allows zone transfers"
	}
	return f
}

// ofTarget adds the finding of a server that does not answer.
func (c *checker) ofTarget(all *findings, t *target) {
	f := finding{Kind: unreachable, Server: t.addr}
	switch {
	case t.noUDP != nil && t.resolver:
		f.Text = fmt.Sprintf("the machine's resolver %s does not answer: %v", t.addr, t.noUDP)
		f.Remedy = "check the DNS settings of this machine, and firewalls for UDP port 53"
	case t.noUDP != nil && t.noTCP != nil:
		f.Text = fmt.Sprintf("the server %s does not answer: %v", t.addr, t.noUDP)
		f.Remedy = "start it, or name the right address with -server; check firewalls for UDP and TCP port 53"
	case t.noUDP != nil:
		f.Text = fmt.Sprintf("the server %s answers over TCP and not over UDP: %v", t.addr, t.noUDP)
		f.Remedy = "open UDP port 53 on the way to it"
	case t.noTCP != nil:
		f.Kind, f.Text = overTCP, fmt.Sprintf("the server %s does not answer over TCP: %v", t.addr, t.noTCP)
		f.Remedy = "open TCP port 53 on the way to it: answers that are too large for UDP come that way"
	default:
		return
	}
	all.add(f)
}

// ofSkip is the finding of an endpoint, or a name of it, that is not served.
func ofSkip(e *endpoint, skip source.Skip) finding {
	text := fmt.Sprintf("%s is not served: %s", e.Title(), verdict.TextOf(skip))
	if skip.Reason == source.NoAddress { // the other records of the zone are served
		text = fmt.Sprintf("%s: %s", e.Title(), verdict.TextOf(skip))
	}
	return finding{Kind: notServed, Endpoint: e.ID, Text: text, Remedy: verdict.RemedyOf(skip)}
}

// ofName adds the findings of the answers for one name.
func (c *checker) ofName(all *findings, n *name, closed map[netip.Addr]error) {
	for _, r := range n.results {
		kind := judge(r, n.addrs)
		if kind == "" {
			continue
		}
		n.wrong, n.wrongAtResolver = n.wrong || !r.to.resolver, n.wrongAtResolver || r.to.resolver
		f := finding{Kind: kind, Server: r.to.addr, Names: []dnsname.Name{r.name}, Example: r.shown()}
		if r.to.resolver {
			f.Text, f.Remedy = ofResolver(kind, r, n.zones.Forward(r.name))
		} else {
			f.Text, f.Remedy = c.ofServer(kind, r, n.zones.Forward(r.name))
		}
		all.add(f)
	}
	for _, addr := range n.addrs {
		if err := closed[addr]; err != nil {
			n.wrong = true
			all.add(finding{Kind: closedPort, Names: []dnsname.Name{n.owner}, Example: err.Error(),
				Text:   "no connection to port 443 of the private addresses",
				Remedy: "check routes, peering and firewalls from this machine to the private endpoint's subnet; DNS is not the cause"})
		}
	}
}

// findings unites those that differ in names only.
type findings struct{ list []finding }

func (fs *findings) add(f finding) {
	for i := range fs.list {
		have := &fs.list[i]
		if have.Kind == f.Kind && have.Endpoint == f.Endpoint && have.Server == f.Server && have.Text == f.Text && have.Remedy == f.Remedy {
			have.Names = slices.Compact(append(have.Names, f.Names...)) // one name's results are neighbours
			return
		}
	}
	fs.list = append(fs.list, f)
}
