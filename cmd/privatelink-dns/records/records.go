// Package records is the command that prints the records that would be served, and
// their differences from earlier records, or from those of a running server.
package records

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/client"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// Command is "records".
var Command = command.Command{
	Name:    "records",
	Summary: "print what would be served, or how two inputs differ",
	Text: `Reads the sources of a Corefile, live Azure too, or files alone, and prints
the records that a server would make of them, with the private endpoint that
each one comes from. With -server it prints the records of a running server,
which has to allow zone transfers to this machine; else only the names that
the input has are seen. Endpoints that are skipped, and whatever else the
server would warn of, go to stderr.

With -diff it compares: "- name address" is a record that only KIND:VALUE has,
"+ name address" one that only the main input, or -server, has. The status is
1 if there is one. KIND is conf, files, hosts, zonefile, state or server.

If a source cannot be read, what could be read is printed, with the names that
the state file of the Corefile has, and the status is 2. It is 2 as well if
there is no record. Then -diff prints nothing, and -out writes nothing.`,
	Example: `privatelink-dns records
privatelink-dns records -files 'exports/*.json' -format hosts
privatelink-dns records -format zone -out /var/lib/bind/privatelink
privatelink-dns records -diff server:127.0.0.1
privatelink-dns records -state state.json -diff state:yesterday.json`,
	Setup: setup,
}

type options struct {
	input                           input.Flags
	server, format, zone, out, diff string

	only dnsname.Name // zone, parsed
	old  *side        // diff, parsed
}

func setup(flags *flag.FlagSet) command.Run {
	var o options
	o.input.Register(flags)
	flags.StringVar(&o.server, "server", "", "print the records of the running server at `ADDRESS`[:PORT]")
	flags.StringVar(&o.format, "format", "table", "`NAME` is "+formats)
	flags.StringVar(&o.zone, "zone", "", "this zone only: `NAME` begins with privatelink")
	flags.StringVar(&o.out, "out", "", "for -format zone: a file for each zone in `FOLDER`")
	flags.StringVar(&o.diff, "diff", "", "compare with `KIND:VALUE`, which is the older one")
	return o.run
}

func (o *options) run(ctx context.Context, out command.Output) (int, error) {
	main, err := o.parse()
	if err != nil {
		return command.Failed, err
	}
	sides := []*side{main}
	if o.old != nil {
		sides = append(sides, o.old)
	}
	sets, err := o.load(ctx, sides, out)
	if err != nil {
		return command.Failed, err
	}
	for _, s := range sets {
		for _, line := range s.warnings {
			out.Warn(line)
		}
		for _, src := range s.sources {
			if hint := src.Hint(); hint != "" {
				out.Note(src.Name + ": " + hint)
			}
		}
		err = errors.Join(err, s.failed)
	}
	if !slices.ContainsFunc(sets, func(s set) bool { return len(s.all()) > 0 }) {
		err = errors.Join(err, o.nothing(sets, err))
	}
	return o.print(sets, err, out)
}

// nothing is the error of inputs without a record: an empty output must not pass for
// the records of an estate.
func (o *options) nothing(sets []set, failed error) error {
	where, remedy := "the input has no record", "check that the sources are those of the right subscription or folder, and that the private endpoints are Approved"
	switch {
	case o.server != "":
		where, remedy = o.server+" has no record", "check that it is the right server"
	case failed != nil:
		where = "no record is known"
		remedy = "with the property state in the Corefile, the last good records are known here as well; -server prints those of a server that runs"
	case len(sets) > 1:
		where = "neither side has a record"
	}
	if o.only != "" {
		where += fmt.Sprintf(" in the zone %s", o.only)
	}
	return fmt.Errorf("%s: %s", where, remedy)
}

// print writes the result. failed has the errors of unreadable sources.
func (o *options) print(sets []set, failed error, out command.Output) (status int, err error) {
	w := bufio.NewWriter(out.Stdout)
	defer func() { err = errors.Join(err, w.Flush()) }()
	switch {
	case len(sets) > 1 && failed == nil:
		changes := differences(sets[1], sets[0])
		if len(changes) > 0 {
			status = command.Findings
		}
		if o.format == "json" {
			printJSON(w, changes)
			return status, nil
		}
		printChanges(w, changes, out)
		return status, nil
	case len(sets) > 1:
	case o.out == "":
		printers[o.format](w, sets[0], out)
	case failed == nil:
		return command.Done, writeZones(w, sets[0], o.out)
	}
	return command.Done, failed
}

// parse checks the flags and returns the main side.
func (o *options) parse() (main *side, err error) {
	main = &side{input: &o.input}
	if printers[o.format] == nil {
		return nil, command.Wrong(fmt.Sprintf("-format: %q is not one of %s", o.format, formats))
	}
	switch {
	case o.diff != "" && o.format != "table" && o.format != "json":
		return nil, command.Wrong("-diff has -format json, and no other one")
	case o.out != "" && o.format != "zone":
		return nil, command.Wrong("-out is for -format zone")
	case o.format == "zone" && o.zone == "" && o.out == "":
		return nil, command.Wrong("-format zone needs -zone or -out: a zone file holds one zone")
	}
	if o.zone != "" {
		if o.only, err = dnsname.Parse(o.zone); err != nil {
			return nil, command.Wrong(fmt.Sprintf("-zone: %v", err))
		}
	}
	if o.server != "" {
		if main.server, err = client.Address(o.server); err != nil {
			return nil, command.Wrong(fmt.Sprintf("-server: %v", err))
		}
	}
	if o.diff != "" {
		o.old, err = parseSide(o.diff, o.input.Cloud)
	}
	return main, err
}

// load returns the records of each side.
func (o *options) load(ctx context.Context, sides []*side, out command.Output) ([]set, error) {
	err := o.open(sides)
	for _, s := range sides {
		s.warn(out)
	}
	if err != nil {
		return nil, err
	}
	for _, s := range sides {
		out.Progress("reading the sources")
		err := s.fetch(source.WithProgress(ctx, func(text string) { out.Progress("%s", text) }))
		out.Progress("")
		if err != nil {
			return nil, err
		}
	}
	var sets []set
	found := o.only == ""
	for _, s := range sides {
		one, err := o.read(ctx, s, knownTo(sides, o.only), out)
		if err != nil {
			return nil, err
		}
		found = found || len(one.zones) > 0
		sets = append(sets, one)
	}
	if !found {
		return nil, fmt.Errorf("-zone: %s is not one of the zones: %s", o.only, sides[0].zones())
	}
	return sets, nil
}

// open reads the inputs without their sources.
func (o *options) open(sides []*side) error {
	for _, s := range sides {
		if err := s.open(); err != nil {
			return err
		}
	}
	main, last := sides[0], sides[len(sides)-1]
	main.useZonesOf(last)
	last.useZonesOf(main)
	for _, s := range sides {
		if o.only != "" && s.patterns() {
			s.addZone(o.only)
		}
	}
	return nil
}

// read returns the side's records, of the zone of -zone only.
func (o *options) read(ctx context.Context, s *side, about known, out command.Output) (set, error) {
	if s.server == "" {
		return s.local.only(o.only), nil
	}
	if err := s.local.failed; err != nil {
		out.Warn(oneLine(err) + " (the names that it would add are not looked for)")
	}
	return (&server{addr: s.server, known: about, out: out}).read(ctx)
}

func oneLine(err error) string {
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
