// Package validate is the command that checks a Corefile and its files as the
// server would read them, without serving.
package validate

import (
	"bufio"
	"context"
	"flag"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// Command is "validate".
var Command = command.Command{
	Name:    "validate",
	Summary: "check a Corefile and its files, without listening",
	Text: `Reads the Corefile as the server does, with the setup of every plugin, then
the exports, hosts files and zone files that its privatelink blocks name.
Relative paths begin where the server's do, in the working folder. Azure is
asked with -live only. Nothing listens, nothing is written.

Status 0: the server starts and serves all names that the sources have; notes
and warnings may need a look, an endpoint outside of the zones for example. 1:
it starts, but a name that a source has is not served, or with a public
address, or there is no name at all. 2: it would not start, or a file is
broken. -conf stdin reads the Corefile from a pipe.`,
	Example: `privatelink-dns validate -conf /etc/privatelink-dns/Corefile
privatelink-dns validate -files endpoints.json -json
privatelink-dns validate && systemctl restart privatelink-dns`,
	Setup: setup,
}

func setup(flags *flag.FlagSet) command.Run {
	var in input.Flags
	in.Register(flags)
	asJSON := flags.Bool("json", false, "print the report as JSON")
	live := flags.Bool("live", false, "ask Azure, too")
	return func(ctx context.Context, out command.Output) (int, error) {
		r, err := validate(ctx, &in, *live, out)
		if err != nil {
			return command.Failed, err
		}
		if *asJSON {
			return r.Status, command.PrintJSON(out.Stdout, r)
		}
		w := bufio.NewWriter(out.Stdout)
		r.print(w, out)
		return r.Status, w.Flush()
	}
}

// validate returns the report. The error is that of a context that ended.
func validate(ctx context.Context, in *input.Flags, live bool, out command.Output) (*report, error) {
	r := &report{Blocks: []block{}, Errors: []finding{}, Warnings: []finding{}, Notes: []finding{}}
	r.corefile = in.State == "" && !in.Patterned()
	defer r.conclude()
	blocks, err := in.Blocks()
	for _, line := range in.Warnings() {
		r.found(warning, "", "", line)
	}
	if err != nil {
		for _, one := range command.Errors(err) {
			r.found(broken, "", "", one.Error())
		}
		return r, nil
	}
	skipped := leaveRemote(blocks, live)
	out.Progress("reading the sources")
	fetched, err := input.Fetch(source.WithProgress(ctx, func(text string) { out.Progress("%s", text) }), blocks)
	out.Progress("")
	if err != nil {
		return nil, err
	}
	for i := range fetched {
		r.add(&fetched[i], skipped[i])
	}
	r.checkStates(fetched)
	r.checkStatus(in.Corefile())
	r.checkOrigins(fetched)
	r.checkSelection(in.Corefile(), fetched, skipped)
	return r, nil
}
