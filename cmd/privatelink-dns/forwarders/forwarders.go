// Package forwarders is the command that prints the configuration of the DNS
// servers in front of privatelink-dns: which names they have to forward to it.
package forwarders

import (
	"context"
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

-server is an address of privatelink-dns as the other server reaches it. Azure
is not asked, and a Corefile's files are not read; -files, -hosts and -zonefile are.

The status is 1 if the Corefile's server blocks would refuse some of the names;
stderr names them, and the zones to add.`,
	Example: `privatelink-dns forwarders -format powershell -server 10.0.0.4 -server 10.0.0.5
privatelink-dns forwarders -format unbound -server '[fd00::4]:5353' -conf Corefile
privatelink-dns forwarders -format bind -server 10.0.0.4 -state state.json`,
	Setup: setup,
}

type options struct {
	input   input.Flags
	format  string
	servers servers
}

func setup(flags *flag.FlagSet) command.Run {
	var o options
	o.input.Register(flags)
	flags.StringVar(&o.format, "format", "", "`NAME` is "+formatNames())
	flags.Var(&o.servers, "server", "forward to privatelink-dns at `ADDRESS`[:PORT]; repeatable, as [ADDRESS]:PORT for IPv6")
	return o.run
}

func (o *options) run(ctx context.Context, out command.Output) (int, error) {
	f, err := o.parse()
	if err != nil {
		return command.Failed, err
	}
	blocks, err := o.blocks(ctx)
	for _, line := range o.input.Warnings() {
		out.Warn(line)
	}
	if err != nil {
		return command.Failed, err
	}
	if err := f.print(out.Stdout, newTarget(blocks, o.servers)); err != nil {
		return command.Failed, err
	}
	warnings := refusals(blocks)
	for _, line := range warnings {
		out.Warn(line)
	}
	if len(warnings) > 0 {
		return command.Findings, nil
	}
	return command.Done, nil
}

// blocks reads the input. Of sources only files in place of a Corefile are read:
// otherwise a pattern without files would stay unnoticed.
func (o *options) blocks(ctx context.Context) ([]privatelink.Block, error) {
	blocks, err := o.input.Blocks()
	switch {
	case err != nil:
		return nil, err
	case len(blocks[0].Zones.Zones) == 0: // a state file may have none
		return nil, fmt.Errorf("%s: no zone in it", blocks[0].Position)
	case !o.input.Patterned():
		return blocks, nil
	}
	looked, err := input.Look(ctx, blocks)
	if err != nil {
		return nil, err
	}
	return blocks, looked[0].Failed()
}

// parse checks the flags. There is no default: a wrong address in another
// server's configuration takes the names away from all its clients.
func (o *options) parse() (f format, err error) {
	if o.format == "" {
		return f, command.Wrong("-format is missing: " + formatNames())
	}
	f, ok := findFormat(o.format)
	if !ok {
		return f, command.Wrong(fmt.Sprintf("-format: %q is not one of %s", o.format, formatNames()))
	}
	if len(o.servers) == 0 {
		return f, command.Wrong("-server is missing: an address of privatelink-dns, as the server that forwards reaches it")
	}
	if f.check != nil {
		if err := f.check(o.servers); err != nil {
			return f, command.Wrong(fmt.Sprintf("-server: %v", err))
		}
	}
	return f, nil
}
