package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/coredns/coredns/coremain"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/completion"
	about "github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/version"
)

// build identifies this binary.
func build() about.Info {
	info, _ := debug.ReadBuildInfo() // nil in a binary without it
	return about.Info{Version: version, Commit: commit, Date: date, CoreDNS: coremain.CoreVersion}.Complete(info)
}

// The commands about the binary itself come last in the list. They are added here,
// because completion needs the list.
func init() {
	commands = append(commands,
		completion.Command(program, func() []command.Command { return commands }, flag.CommandLine),
		about.Command(build().Text(program)))
}

// showVersion replaces CoreDNS's flag -version, which prints neither a date nor the
// version of this program alone.
type showVersion struct{}

func (showVersion) String() string   { return "false" }
func (showVersion) IsBoolFlag() bool { return true }

func (showVersion) Set(value string) error {
	show, err := strconv.ParseBool(value)
	if err != nil || !show {
		return err
	}
	fmt.Print(build().Text(program))
	os.Exit(0)
	return nil
}
