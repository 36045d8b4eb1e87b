// Package check is the command that asks a running server, and the machine's own
// resolver, for every name of every private endpoint.
package check

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/client"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// Command is "check".
var Command = command.Command{
	Name:    "check",
	Summary: "ask a running server for every name, and report what stops a backup",
	Text: `Reads the private endpoints as the server does, and asks for each of their
names, with and without privatelink, over UDP and TCP: first the server, then
the resolver of this machine, as a backup agent would. It reports for each vault
whether its names are complete and private everywhere, and a remedy for each
fault. It replaces the nslookup of each name by hand. Run it again after the
first registration and after the first backup.

A vault without blob and queue names is normal before the first registration
and is noted, not counted as a finding.`,
	Example: `privatelink-dns check
privatelink-dns check -server 10.10.0.4 -server 10.10.0.5 -connect
privatelink-dns check -files endpoints.json -server 10.10.0.4 -resolver 10.1.0.10 -all`,
	Setup: setup,
}

type options struct {
	input      input.Flags
	servers    servers
	resolvers  servers
	noResolver bool
	connect    bool
	all        bool
	json       bool
}

// servers is a repeatable flag; each value is host:port.
type servers []string

func (s *servers) String() string { return strings.Join(*s, " ") }

// Repeatable implements command.Repeatable.
func (*servers) Repeatable() {}

// Set adds ADDRESS[:PORT], or several with commas between.
func (s *servers) Set(text string) error {
	for _, one := range client.Split(text) {
		addr, err := client.Address(one)
		if err != nil {
			return err
		}
		if !slices.Contains(*s, addr) {
			*s = append(*s, addr)
		}
	}
	return nil
}

func setup(flags *flag.FlagSet) command.Run {
	var o options
	o.input.Register(flags)
	flags.Var(&o.servers, "server", "ask the server at `ADDRESS`[:PORT]; repeatable (default: where the Corefile listens, on this machine)")
	flags.Var(&o.resolvers, "resolver", "ask the resolver at `ADDRESS`[:PORT] in place of this machine's; repeatable")
	flags.BoolVar(&o.noResolver, "no-resolver", false, "ask no resolver")
	flags.BoolVar(&o.connect, "connect", false, "connect to port 443 of each private address, too")
	flags.BoolVar(&o.all, "all", false, "print every answer")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	return o.run
}

func (o *options) run(ctx context.Context, out command.Output) (int, error) {
	if o.noResolver && len(o.resolvers) > 0 {
		return command.Failed, command.Wrong("-resolver and -no-resolver exclude each other")
	}
	out.Progress("reading the sources")
	blocks, err := o.input.Load(source.WithProgress(ctx, func(text string) { out.Progress("%s", text) }))
	out.Progress("")
	for _, line := range o.input.Warnings() {
		out.Warn(line)
	}
	if err != nil {
		return command.Failed, err
	}
	c := &checker{plan: newPlan(blocks), targets: o.targets(blocks), out: out}
	if !slices.ContainsFunc(c.targets, func(t *target) bool { return !t.resolver }) {
		return command.Failed, errors.New("the Corefile listens nowhere for plain DNS: name the server with -server")
	}
	c.run(ctx)
	closed := map[netip.Addr]error{}
	if o.connect {
		closed = c.connect(ctx)
	}
	if ctx.Err() != nil {
		return command.Failed, ctx.Err()
	}
	return o.print(c.report(c.findings(closed)), out)
}

func (o *options) print(r report, out command.Output) (int, error) {
	w := bufio.NewWriter(out.Stdout)
	if o.json {
		if err := command.PrintJSON(w, r); err != nil {
			return command.Failed, err
		}
	} else {
		r.print(w, o.all, out)
	}
	if err := w.Flush(); err != nil {
		return command.Failed, fmt.Errorf("print: %w", err)
	}
	return r.Status, nil
}

// targets returns whom to ask: the servers, then the resolvers.
func (o *options) targets(blocks []input.Block) (all []*target) {
	ours := o.servers
	for i := range blocks {
		if len(o.servers) > 0 {
			break
		}
		for _, addr := range blocks[i].Listen {
			if !slices.Contains(ours, addr) {
				ours = append(ours, addr)
			}
		}
	}
	for _, addr := range ours {
		all = append(all, &target{addr: addr})
	}
	for _, addr := range o.machine() {
		all = append(all, &target{addr: addr, resolver: true})
	}
	return all
}

// machine returns the resolvers that a client on this machine asks.
func (o *options) machine() []string {
	if o.noResolver || len(o.resolvers) > 0 {
		return o.resolvers
	}
	config, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil || runtime.GOOS == "windows" {
		return []string{system}
	}
	var all []string
	for _, server := range config.Servers {
		all = append(all, net.JoinHostPort(server, config.Port))
	}
	return all
}
