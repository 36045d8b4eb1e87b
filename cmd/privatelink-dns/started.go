package main

import (
	"net"
	"slices"
	"strings"

	"github.com/coredns/caddy"
	clog "github.com/coredns/coredns/plugin/pkg/log"
)

// reportStart logs the Corefile and the addresses of a server that has started, so
// that the log shows which file is in use and which of two servers has a port.
func reportStart(event caddy.EventName, info any) error {
	if inst, ok := info.(*caddy.Instance); ok && event == caddy.InstanceStartupEvent {
		clog.Infof("Serving %s on %s", inst.Caddyfile().Path(), strings.Join(addresses(inst), ", "))
	}
	return nil
}

func addresses(inst *caddy.Instance) (all []string) {
	for _, s := range inst.Servers() {
		for _, addr := range []string{text(s.LocalAddr()), text(s.Addr())} {
			if addr != "" && !slices.Contains(all, addr) {
				all = append(all, addr)
			}
		}
	}
	slices.Sort(all)
	return all
}

// text returns the network and the address, or "" for a server without one.
func text(addr net.Addr) string {
	if addr == nil {
		return ""
	}
	return addr.Network() + " " + addr.String()
}
