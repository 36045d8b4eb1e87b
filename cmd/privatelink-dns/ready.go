package main

import (
	"cmp"
	"fmt"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin/pkg/reuseport"

	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

// A listening plugin listens on a TCP address of its own.
type listening struct{ directive, address, other string } // the default address, and another one

var listeners = []listening{{"ready", ":8181", ":8182"}, {"health", ":8080", ":8081"}, {"prometheus", "localhost:9153", "localhost:9154"}}

// checkListeners makes a start fail if another process listens on an address of one of
// the listeners. They share their ports (SO_REUSEPORT), so two servers of one user would
// start, and either would answer for the other. A start or a reload also fails if plugin
// ready cannot listen, as for plugin health. Plugin ready itself drops the error: the
// server would run without /ready, and no log line would report it.
func checkListeners() {
	last := listeners[len(listeners)-1].directive
	caddy.RegisterParsingCallback("dns", last, func(caddy.Context) error {
		inst := starting()
		if inst == nil {
			return nil
		}
		for _, l := range listeners {
			if err := l.check(inst.Caddyfile()); err != nil {
				return err
			}
		}
		return nil
	})
}

// starting returns the caddy instance that starts, or nil.
func starting() *caddy.Instance {
	all := caddy.Instances()
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

func (l listening) check(corefile caddy.Input) error {
	for _, addr := range l.addresses(corefile) {
		err := lifecycle.CheckTCP(addr)
		if l.directive == "ready" {
			err = cmp.Or(canListen(addr), err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w: end the other program or write another address, such as `%[1]s %[3]s`", l.directive, err, l.other)
		}
	}
	return nil
}

// addresses returns the addresses of the directives, which have been checked.
func (l listening) addresses(corefile caddy.Input) (addrs []string) {
	blocks, err := serverblock.Parse(corefile, nil)
	if err != nil {
		return nil
	}
	for _, block := range blocks {
		for _, args := range block.Arguments(l.directive) {
			addrs = append(addrs, append(args, l.address)[0])
		}
	}
	return addrs
}

// canListen listens as plugin ready does, which on Unix succeeds beside a listener
// of this process.
func canListen(addr string) error {
	listener, err := reuseport.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return listener.Close()
}
