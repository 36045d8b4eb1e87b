package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/check"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/forwarders"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/records"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/validate"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/why"
)

const program = "privatelink-dns"

// commands are the subcommands of the binary. Without one it serves.
var commands = []command.Command{
	check.Command,
	forwarders.Command,
	records.Command,
	validate.Command,
	why.Command,
}

// runCommand runs the command that the first argument names. Ctrl-C ends it.
func runCommand(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return command.Main(ctx, program, commands, args, command.Standard())
}

// usage is the text of -h: the commands, then the flags for serving.
func usage() {
	w := flag.CommandLine.Output()
	command.List(w, program, commands)
	fmt.Fprintf(w, "\nFlags for serving:\n")
	flag.PrintDefaults()
}
