package forwarders

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/coredns/caddy/caddyfile"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

// upstreams returns the addresses to which the Corefile forwards names at, above or below
// one of the parents. Those in a file that a directive names are not among them.
func (o *options) upstreams(parents []string) (addrs []string) {
	conf := o.input.Corefile()
	if conf == nil {
		return nil
	}
	blocks, err := serverblock.Parse(conf, nil)
	if err != nil {
		return nil // input.Flags has parsed it without an error
	}
	for _, block := range blocks {
		for _, directive := range []string{"upstream", "forward"} {
			addrs = append(addrs, destinations(block.Dispenser(directive), parents)...)
		}
	}
	slices.Sort(addrs)
	return slices.Compact(addrs)
}

// destinations returns the addresses of a directive: those after the name that it is for,
// and those of its property fallback.
func destinations(d caddyfile.Dispenser, parents []string) (addrs []string) {
	for d.Next() {
		args := d.RemainingArgs()
		relevant := len(args) > 0 && related(args[0], parents)
		for d.NextBlock() {
			if property, values := d.Val(), d.RemainingArgs(); property == "fallback" {
				args = append(args, values...)
			}
		}
		for _, text := range args {
			if addr, ok := address(text); ok && relevant {
				addrs = append(addrs, addr.String())
			}
		}
	}
	return addrs
}

// related reports whether queries for names at or below a parent may be queries for names
// at or below from.
func related(from string, parents []string) bool {
	if from == "." {
		return true
	}
	name, err := dnsname.Parse(from)
	return err == nil && slices.ContainsFunc(parents, func(text string) bool {
		parent := dnsname.Name(text + ".")
		return parent.BelowAny([]dnsname.Name{name}) || name.BelowAny([]dnsname.Name{parent})
	})
}

// address parses [SCHEME://]ADDRESS[:PORT].
func address(text string) (netip.Addr, bool) {
	if _, rest, found := strings.Cut(text, "://"); found {
		text = rest
	}
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap(), true
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap(), err == nil
}

// upstreamsInScope warns of the servers of the scope to which the Corefile forwards.
func (t target) upstreamsInScope() (warnings []string) {
	for _, computer := range t.Scope.Computers {
		if slices.Contains(t.Upstreams, computer) {
			warnings = append(warnings, fmt.Sprintf("-scope: the Corefile forwards to %s, so that its forwarders would send queries back, which is a loop: "+
				"leave it out", computer))
		}
	}
	return warnings
}
