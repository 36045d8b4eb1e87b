// Package forwarders is the command that prints the configuration of the DNS
// servers in front of privatelink-dns: which names they have to forward to it.
package forwarders

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
)

// Command is "forwarders".
var Command = command.Command{
	Name:    "forwarders",
	Summary: "print configuration for DNS servers that forward to this one",
	Text: `Prints what another DNS server needs to forward the names of private
endpoints to privatelink-dns, and no other name: a conditional forwarder for
each public parent of the zones that a Corefile serves (blob.core.windows.net
for privatelink.blob.core.windows.net), with whatever keeps DNSSEC validation
and protection against rebinding from dropping the private addresses. Comments
in it tell where it belongs and how to check it.

-names prints a forwarder for each name that is served now instead, so that no
other name depends on privatelink-dns. It reads the records, and nothing is
printed if a source fails: a forwarder that is missing makes a name public.
Scripts remove the forwarders of names that are gone.

-server is an address of privatelink-dns as the other server reaches it. Without
-names Azure is not asked, and a Corefile's files are not read; -files, -hosts
and -zonefile are.

-scope is for Windows DNS. By default the forwarders are on one server. Those
of a domain or a forest also reach a domain controller to which privatelink-dns
forwards, and a query would then go round in a loop: the script looks for that
before it changes anything. -probe looks for a loop that already exists, of any
kind of server: it asks each -server for a random name below each parent.

The status is 1 if the Corefile's server blocks would refuse some of the names,
or if -probe finds something; stderr has the reasons and remedies.`,
	Example: `privatelink-dns forwarders -format powershell -server 10.0.0.4 -server 10.0.0.5
privatelink-dns forwarders -format powershell -scope dc1.corp.example,dc2.corp.example -names -server 10.0.0.4
privatelink-dns forwarders -format unbound -server '[fd00::4]:5353' -conf Corefile
privatelink-dns forwarders -format bind -server 10.0.0.4 -state state.json`,
	Setup: setup,
}

type options struct {
	input   input.Flags
	format  string
	servers servers
	scope   scope
	names   bool
	probe   bool
}

func setup(flags *flag.FlagSet) command.Run {
	var o options
	o.input.Register(flags)
	flags.StringVar(&o.format, "format", "", "`NAME` is "+formatNames())
	flags.Var(&o.servers, "server", "forward to privatelink-dns at `ADDRESS`[:PORT]; repeatable, as [ADDRESS]:PORT for IPv6")
	flags.Var(&o.scope, "scope", "of powershell: `SERVERS` is forest, domain, or DNS servers; repeatable (default: the server that runs the script)")
	flags.BoolVar(&o.names, "names", false, "a forwarder for each served name instead of each parent zone")
	flags.BoolVar(&o.probe, "probe", false, "ask each -server whether its queries come back to it")
	return o.run
}

func (o *options) run(ctx context.Context, out command.Output) (int, error) {
	f, err := o.parse()
	if err != nil {
		return command.Failed, err
	}
	blocks, t, err := o.target(ctx, f)
	for _, line := range o.input.Warnings() {
		out.Warn(line)
	}
	if err != nil {
		return command.Failed, err
	}
	if err := f.print(out.Stdout, t); err != nil {
		return command.Failed, err
	}
	if t.Scope.Replication != "" {
		out.Warn(fmt.Sprintf("-scope %s: the forwarders also reach domain controllers to which privatelink-dns may forward, which is a loop: %s", &t.Scope,
			"the script looks for it; without -scope, or with the names of servers, nothing is replicated"))
	}
	warnings := append(refusals(blocks, t), t.upstreamsInScope()...)
	if o.probe {
		warnings = append(warnings, probe(ctx, t)...)
	}
	for _, line := range warnings {
		out.Warn(line)
	}
	if len(warnings) > 0 {
		return command.Findings, nil
	}
	return command.Done, nil
}

// target reads the input. Without -names, of sources only files in place of a Corefile
// are read: otherwise a pattern without files would stay unnoticed.
func (o *options) target(ctx context.Context, f format) (blocks []privatelink.Block, t target, err error) {
	blocks, err = o.input.Blocks()
	switch {
	case err != nil:
		return nil, t, err
	case len(blocks[0].Zones.Zones) == 0: // a state file may have none
		return nil, t, fmt.Errorf("%s: no zone in it", blocks[0].Position)
	case o.names:
		t, err = o.ofNames(ctx, f, blocks)
	default:
		t, err = ofParents(blocks), o.checkFiles(ctx, blocks)
	}
	t.Servers, t.Scope, t.Upstreams = o.servers, o.scope, o.upstreams(t.Suffixes)
	return blocks, t, err
}

func (o *options) checkFiles(ctx context.Context, blocks []privatelink.Block) error {
	if !o.input.Patterned() {
		return nil
	}
	fetched, err := input.Fetch(ctx, blocks)
	if err != nil {
		return err
	}
	return fetched[0].Failed()
}

// ofNames returns no target if a source fails, because the names that it does not
// have would lose their forwarders.
func (o *options) ofNames(ctx context.Context, f format, blocks []privatelink.Block) (target, error) {
	fetched, err := input.Fetch(ctx, blocks)
	if err != nil {
		return target{}, err
	}
	for i := range fetched {
		if err := fetched[i].Failed(); err != nil {
			return target{}, fmt.Errorf("-names needs every source; -state FILE uses the records of a running server: %w", err)
		}
	}
	t := ofNames(blocks, fetched, f.wholeZones)
	if len(t.Zones) == 0 {
		return target{}, errors.New("-names: no name is served, so that there is nothing to forward")
	}
	return t, nil
}

// parse checks the flags. There is no default: a wrong address in another
// server's configuration takes the names away from all its clients.
func (o *options) parse() (f format, err error) {
	if o.format == "" {
		return f, command.Wrong("-format is missing: " + formatNames())
	}
	f, ok := findFormat(o.format)
	switch {
	case !ok:
		return f, command.Wrong(fmt.Sprintf("-format: %q is not one of %s", o.format, formatNames()))
	case len(o.servers) == 0:
		return f, command.Wrong("-server is missing: an address of privatelink-dns, as the server that forwards reaches it")
	case o.format != "powershell" && o.scope.String() != "":
		return f, command.Wrong("-scope is for -format powershell: only Windows DNS servers replicate forwarders")
	}
	for _, limit := range f.limits {
		if err := limit(target{Servers: o.servers}); err != nil {
			return f, command.Wrong(fmt.Sprintf("-server: %v", err))
		}
	}
	return f, nil
}
