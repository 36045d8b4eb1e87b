package check

import (
	"fmt"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// ofServer returns the fault of an answer of privatelink-dns, and its remedy. The
// name is below parent.
func (c *checker) ofServer(kind string, r result, parent dnsname.Name) (text, remedy string) {
	server := "the server " + r.to.addr
	switch kind {
	case leak:
		return server + " returns a public address",
			"it does not have these records: is it privatelink-dns, with this Corefile and these sources?"
	case refused:
		if !r.name.BelowAny(c.plan.origins) {
			return fmt.Sprintf("%s refuses: no server block is for %s", server, parent),
				fmt.Sprintf("add %s to the server block with privatelink, which is for %s", parent, dnsname.Join(c.plan.origins, ", "))
		}
		return server + " refuses to answer this machine", "allow this machine in acl, or run the check on one that is allowed"
	case notReady:
		return server + " has not read every source yet", "see its log for the source that cannot be read; with state it would answer at once"
	case missing:
		return server + " does not have the name, or no address for it",
			"wait for the next sync, a minute or so; if it stays, compare the Corefile and the sources of the server with these"
	case outdated:
		return server + " returns another private address than the source",
			"wait for the next sync, a minute or so; if it stays, an earlier source in the Corefile has the name, too"
	}
	return server + " returns no answer for the name", "see the server's log"
}

// ofResolver returns the fault of an answer that clients of this machine get, and its
// remedy.
func ofResolver(kind string, r result, parent dnsname.Name) (text, remedy string) {
	resolver := "the machine's resolver " + r.to.addr
	forward := fmt.Sprintf("forward %s from it to privatelink-dns: `privatelink-dns forwarders` prints the configuration", parent)
	if r.to.addr == system {
		resolver = "this machine's own resolver"
	}
	switch kind {
	case leak:
		return resolver + " returns a public address: the backup leaves the private network, or fails", forward
	case missing:
		return resolver + " does not find the name, or no address for it", forward + "; what it has cached from before lasts for its TTL"
	case outdated:
		return resolver + " returns another private address than the source", "a record that was typed by hand, or a cached one: remove it there"
	case refused:
		return resolver + " refuses to answer", "ask a resolver that serves this machine, or allow the machine there"
	case notReady:
		return resolver + " comes to a privatelink-dns that has not read every source yet", "see the log of that server"
	}
	return resolver + " returns no answer for the name", forward + "; a check for rebinding or DNSSEC there may drop private addresses"
}

// transports has the names of networks for people.
var transports = map[string]string{"udp": "UDP", "tcp": "TCP"}

// shown is the answer on one line.
func (r result) shown() string {
	what := transports[r.network] + " " + dns.TypeToString[r.qtype] + ": "
	switch {
	case r.err != nil:
		return what + r.err.Error()
	case len(r.addrs) > 0:
		return what + source.Addresses(r.addrs)
	case r.rcode == dns.RcodeSuccess:
		return what + "no address"
	}
	return what + dns.RcodeToString[r.rcode]
}
