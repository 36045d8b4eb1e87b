package serverblock

import (
	"net"
	"net/netip"
	"slices"
)

// Hosts returns the addresses that plugin bind gives the block, each once. An empty text is
// all addresses, as without bind. An interface that does not exist is its name.
func (b *Block) Hosts() (all []string) {
	if !b.Has("bind") {
		return []string{""}
	}
	for d := b.Dispenser("bind"); d.Next(); {
		hosts := hostsOf(d.RemainingArgs())
		for d.NextBlock() {
			if d.Val() == "except" {
				except := hostsOf(d.RemainingArgs())
				hosts = slices.DeleteFunc(hosts, func(host string) bool { return slices.Contains(except, host) })
			}
		}
		all = append(all, hosts...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// hostsOf returns the addresses of the arguments, which are addresses or interfaces.
func hostsOf(args []string) (all []string) {
	for _, arg := range args {
		if card, err := net.InterfaceByName(arg); err == nil {
			all = append(all, hostsOn(card)...)
			continue
		}
		all = append(all, normalize(arg))
	}
	return all
}

// hostsOn returns the addresses of an interface, with the zone that a link-local one needs.
func hostsOn(card *net.Interface) (all []string) {
	addrs, err := card.Addrs()
	if err != nil {
		return []string{card.Name}
	}
	for _, addr := range addrs {
		prefix, err := netip.ParsePrefix(addr.String())
		if err != nil {
			continue
		}
		host := prefix.Addr()
		if host.Is6() && host.IsLinkLocalUnicast() {
			host = host.WithZone(card.Name)
		}
		all = append(all, host.String())
	}
	return all
}

// normalize returns the one spelling of an address. 0.0.0.0 and :: are all addresses, of
// both IP versions.
func normalize(text string) string {
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return text
	case addr.IsUnspecified():
		return ""
	}
	return addr.Unmap().String()
}
