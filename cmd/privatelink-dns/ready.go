package main

import (
	"fmt"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin/pkg/reuseport"

	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

// checkReady makes a start or a reload fail if plugin ready cannot listen, as it
// does for plugin health. Plugin ready itself drops the error: the server would run
// without /ready, and no log line would report it.
func checkReady() {
	caddy.RegisterParsingCallback("dns", "ready", func(caddy.Context) error {
		all := caddy.Instances() // the one that starts is the last
		if len(all) == 0 {
			return nil
		}
		return canListen(readyAddrs(all[len(all)-1].Caddyfile()))
	})
}

// readyAddrs returns the addresses of the ready directives. The directives have
// been checked.
func readyAddrs(corefile caddy.Input) (addrs []string) {
	blocks, err := serverblock.Parse(corefile, nil)
	if err != nil {
		return nil
	}
	for _, block := range blocks {
		for _, args := range block.Arguments("ready") {
			addrs = append(addrs, append(args, ":8181")[0])
		}
	}
	return addrs
}

// canListen listens as plugin ready does, which on Unix succeeds beside a listener
// of this process.
func canListen(addrs []string) error {
	for _, addr := range addrs {
		listener, err := reuseport.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("ready: %w: end the other program or write another address, such as `ready :8182`", err)
		}
		listener.Close()
	}
	return nil
}
