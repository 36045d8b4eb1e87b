package main

import (
	"net"
	"strings"

	"github.com/coredns/caddy"
	clog "github.com/coredns/coredns/plugin/pkg/log"

	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

// warnOfWildcards logs a warning for each server block in which plugin proxyproto has
// a wildcard listener. Behind it CoreDNS loses the address that a datagram was sent to,
// so the kernel chooses the source of the reply, and the client drops it.
func warnOfWildcards() {
	caddy.RegisterParsingCallback("dns", "bind", func(caddy.Context) error {
		if inst := starting(); inst != nil {
			for _, keys := range wildcards(inst.Caddyfile()) {
				clog.Warningf("proxyproto in the block of %s has a wildcard listener: "+
					"UDP replies leave from the address of the route, not from the one that was asked; add bind with each address", keys)
			}
		}
		return nil
	})
}

// wildcards returns the keys of the server blocks that have proxyproto and a wildcard
// listener for UDP.
func wildcards(corefile caddy.Input) (all []string) {
	blocks, err := serverblock.Parse(corefile, nil)
	if err != nil {
		return nil
	}
	for _, block := range blocks {
		keys := block.Name()
		overTCP := strings.HasPrefix(keys, "tls://") || strings.HasPrefix(keys, "https://")
		if block.Has("proxyproto") && !overTCP && !bound(block.Arguments("bind")) {
			all = append(all, keys)
		}
	}
	return all
}

// bound reports whether there is a bind directive, and none has a wildcard address.
func bound(directives [][]string) bool {
	for _, args := range directives {
		for _, arg := range args {
			if ip := net.ParseIP(arg); ip != nil && ip.IsUnspecified() {
				return false
			}
		}
	}
	return len(directives) > 0
}
