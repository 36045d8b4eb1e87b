package fastpath

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin/pkg/transport"

	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

// obstacle returns why the fast path is off for one of the blocks, or nil.
func obstacle(blocks []serverBlock, i int) error {
	if err := blocks[i].obstacle(); err != nil {
		return err
	}
	for j := range blocks {
		if name := blocks[j].strange(); name != "" && blocks[j].sharesPort(&blocks[i]) {
			return fmt.Errorf("plugin %s is in the server block %s on the same port, and its effect is not known", name, blocks[j].name())
		}
	}
	return nil
}

func (b *serverBlock) sharesPort(other *serverBlock) bool {
	return slices.ContainsFunc(b.Zones, func(z serverblock.Zone) bool { return len(other.ZonesAt(z.Port)) > 0 })
}

// name returns the zones of the block, as the log has them.
func (b *serverBlock) name() string {
	var all []string
	for _, z := range b.Zones {
		all = append(all, z.Name)
	}
	return strings.Join(all, " ")
}

// routesOf returns the routes of a server. They are nil if the fast path is off
// for all of its server blocks.
func (in *instance) routesOf(server *dnsserver.Server, protocol string) (routes, error) {
	host, port, err := hostAndPort(server)
	if err != nil {
		return nil, err
	}
	r, on := routes{}, false
	for i := range in.blocks {
		zones := in.blocks[i].ZonesAt(port)
		targets, err := in.targetsOf(i, zones, server, host, protocol)
		if err != nil {
			return nil, err
		}
		for _, zone := range zones {
			t := targets[zone]
			if t != nil && in.selects(i, zone) {
				t = nil
			}
			if _, twice := r[zone]; !twice || t != nil { // the other block has the zone at another address
				r[zone] = t
			}
			on = on || t != nil
		}
	}
	if !on {
		return nil, nil
	}
	return r, nil
}

// selects reports whether another block with the zone on the same port may select
// queries for it, as plugin view does.
func (in *instance) selects(i int, zone string) bool {
	for j := range in.blocks {
		b := &in.blocks[j]
		if j != i && b.Has("view") && slices.ContainsFunc(b.Zones, func(z serverblock.Zone) bool { return z.Name == zone }) {
			return true
		}
	}
	return false
}

// targetsOf returns the targets of a block's zones, or nil if the block is not on
// the server's address or its fast path is off.
func (in *instance) targetsOf(i int, zones []string, server *dnsserver.Server, host, protocol string) (map[string]*target, error) {
	config := in.configs[i]
	if config == nil || len(zones) == 0 || in.obstacle(i) != nil || !slices.ContainsFunc(config.ListenHosts, sameHost(host)) {
		return nil, nil
	}
	if config.ProxyProtoConnPolicy != nil || config.NumSockets > 1 || len(config.FilterFuncs) > 0 || config.ViewName != "" {
		return nil, errors.New("the server block selects its queries, or has sockets of its own")
	}
	return newTargets(zones, config.Handlers(), chainCounters{server: server.Addr, protocol: protocol})
}

// sameHost returns whether a host of a Corefile is the one of a server's address.
func sameHost(host string) func(string) bool {
	return func(other string) bool {
		addr, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(other, "0"))
		if err != nil {
			return false
		}
		got, _, _ := net.SplitHostPort(addr.String())
		return got == host
	}
}

// listenAddress returns the address that the server listens on. It differs from the one in
// the Corefile for port 0, and for 0.0.0.0 and ::, which are the same: each has both IP
// versions. The protocol is "udp" or "tcp".
func (in *instance) listenAddress(server *dnsserver.Server, protocol string) (string, error) {
	host, port, err := hostAndPort(server)
	if err != nil {
		return "", err
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsUnspecified() {
		host = ""
	}
	var found []string
	for _, s := range in.caddy.Servers() {
		addr := s.LocalAddr()
		if protocol == "tcp" {
			addr = s.Addr()
		}
		at, err := netip.ParseAddrPort(fmt.Sprint(addr))
		if err != nil || port != "0" && port != fmt.Sprint(at.Port()) {
			continue
		}
		if at.Addr().String() == host || at.Addr().IsUnspecified() && host == "" {
			found = append(found, fmt.Sprint(at.Port()))
		}
	}
	switch {
	case len(found) == 1:
		return net.JoinHostPort(host, found[0]), nil
	case port == "0":
		return "", fmt.Errorf("%d sockets have a port of the system's choice, one is expected", len(found))
	case len(found) > 1:
		return "", fmt.Errorf("%d servers listen at the same address: bind 0.0.0.0 or ::, each has both IP versions", len(found))
	}
	return net.JoinHostPort(host, port), nil
}

func hostAndPort(server *dnsserver.Server) (host, port string, err error) {
	return net.SplitHostPort(strings.TrimPrefix(server.Addr, transport.DNS+"://"))
}
