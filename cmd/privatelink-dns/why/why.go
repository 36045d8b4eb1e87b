// Package why is the command that reports why a name is private, or why not. It asks
// a running server, or reads the files that the server reads.
package why

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/corefile"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/status"
)

// Command is "why".
var Command = command.Command{
	Name:    "why",
	Summary: "report why a name is private, or why not",
	Text: `Reports by which private endpoint and source a name is served and since when, or
why it is not served, what a client gets instead, and what to do. NAME is a name
in any form (public, with privatelink, a DNS zone endpoint) or an IP address.

It asks the running server, at the address of plugin status in the Corefile. If no
server answers there, or with -files, -hosts, -zonefile or -state, it reads the
private endpoints as the server does. Then it does not know since when a name is
served, which names were removed, and who got a public answer.`,
	Example: `privatelink-dns why wepod01ecs114x.blob.core.windows.net
privatelink-dns why 10.20.0.12
privatelink-dns why wepod01ecs114x.blob.core.windows.net -files 'exports/*.json'`,
	Operand: "name",
	Setup:   setup,
}

type options struct {
	input    input.Flags
	names    names
	status   string
	noServer bool
	json     bool
}

// names is a repeatable flag.
type names []string

func (n *names) String() string { return strings.Join(*n, " ") }

// Set checks the name, so that a mistake is found before any source is read.
func (n *names) Set(text string) error {
	if _, err := verdict.Ask(nil, text); err != nil {
		return err
	}
	*n = append(*n, text)
	return nil
}

func setup(flags *flag.FlagSet) command.Run {
	var o options
	o.input.Register(flags)
	flags.Var(&o.names, "name", "the `NAME` or the IP address; the flag may be left out; repeatable")
	flags.StringVar(&o.status, "status", "", "ask the running server at `ADDRESS` (default: that of status in the Corefile)")
	flags.BoolVar(&o.noServer, "no-server", false, "ask no running server")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	return o.run
}

// A report is the output of -json.
type report struct {
	Status  int           `json:"status"`           // the exit status
	Server  string        `json:"server,omitempty"` // the running server that was asked; empty for files
	Answers []verdict.Why `json:"answers"`

	sources map[string]string // of files, by name, for people
	unread  bool              // a source could not be read
}

func (o *options) run(ctx context.Context, out command.Output) (int, error) {
	switch {
	case len(o.names) == 0:
		return command.Failed, command.Wrong("which name? Write a domain name or an IP address")
	case o.status != "" && o.noServer:
		return command.Failed, command.Wrong("-status and -no-server exclude each other")
	}
	r, err := o.ask(ctx, out)
	if err != nil {
		return command.Failed, err
	}
	r.Status = r.status()
	w := bufio.NewWriter(out.Stdout)
	if o.json {
		err = command.PrintJSON(w, r)
	} else {
		r.print(w, out)
	}
	if err := errors.Join(err, w.Flush()); err != nil {
		return command.Failed, fmt.Errorf("print: %w", err)
	}
	return r.Status, nil
}

// ask asks the running server, or reads the files.
func (o *options) ask(ctx context.Context, out command.Output) (*report, error) {
	if o.status != "" {
		if _, _, err := net.SplitHostPort(o.status); err != nil {
			return nil, command.Wrong(fmt.Sprintf("-status: %q is not an address with a port, such as %s", o.status, status.DefaultAddress))
		}
		r, err := askServer(ctx, o.server(o.status), o.names)
		if err != nil {
			return nil, fmt.Errorf("ask the running server: %w: check that its Corefile has status with this address, or leave out -status", err)
		}
		return r, nil
	}
	if servers := o.servers(); len(servers) > 0 {
		var failed []string
		for _, server := range servers {
			r, err := askServer(ctx, server, o.names)
			if err == nil {
				return r, nil
			}
			failed = append(failed, err.Error())
		}
		out.Note("the running server cannot be asked: " + strings.Join(failed, "; ") + "; the answer is from the files alone")
	}
	return o.askFiles(ctx, out)
}

// servers returns where the server of the Corefile is asked.
func (o *options) servers() []status.Server {
	if o.noServer || o.input.State != "" || o.input.Patterned() {
		return nil
	}
	return o.configured()
}

// server returns how the server at the address is asked: if it is the one of the Corefile,
// with its certificate and token.
func (o *options) server(address string) status.Server {
	for _, server := range o.configured() {
		if server.Address == address {
			return server
		}
	}
	return status.Server{Address: address}
}

func (o *options) configured() []status.Server {
	if o.input.Conf == "stdin" {
		return nil
	}
	conf, err := corefile.Find(o.input.Conf)
	if err != nil {
		return nil // the files report it
	}
	return status.Servers(conf)
}

func (o *options) askFiles(ctx context.Context, out command.Output) (*report, error) {
	out.Progress("reading the sources")
	blocks, err := o.input.Load(source.WithProgress(ctx, func(text string) { out.Progress("%s", text) }))
	out.Progress("")
	for _, line := range o.input.Warnings() {
		out.Warn(line)
	}
	if err != nil {
		return nil, err
	}
	r := &report{sources: map[string]string{}}
	var books []verdict.Block
	for i := range blocks {
		b := &blocks[i]
		r.unread = r.unread || !b.Snapshot.Complete
		books = append(books, verdict.Block{Position: b.Position, Origins: b.Origins, Listen: b.Listen, Protect: b.Protect, Explainer: b.Book()})
		for _, src := range b.Sources {
			r.sources[src.Name] = src.String()
		}
		for _, err := range command.Errors(b.Failed()) {
			out.Warn(err.Error())
		}
	}
	for _, name := range o.names {
		answer, err := verdict.Ask(books, name)
		if err != nil {
			return nil, err
		}
		r.Answers = append(r.Answers, answer)
	}
	return r, nil
}

// status returns the exit status: whether every name is private. A source that was not
// read leaves the question open.
func (r *report) status() int {
	status := command.Done
	for _, answer := range r.Answers {
		if len(answer.Found) == 0 {
			status = max(status, command.Findings, map[bool]int{true: command.Failed}[r.unread])
		}
		for _, f := range answer.Found {
			switch {
			case f.Served:
			case f.Kind == verdict.NotReady && r.Server == "":
				status = command.Failed
			default:
				status = max(status, command.Findings)
			}
		}
	}
	return status
}
