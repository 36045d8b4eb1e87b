// Package completion prints scripts that complete commands, flags and their values in
// a shell. They come from the table of commands and their flags, so that a new command
// needs no change here.
package completion

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// scripts returns the script of each shell.
var scripts = map[string]func(program string, all []entry) string{"bash": bash, "fish": fish, "zsh": zsh}

// Command returns the command completion. The commands are read when it runs, because
// it is one of them. The flags for serving have no command.
func Command(program string, commands func() []command.Command, serving *flag.FlagSet) command.Command {
	shells := slices.Sorted(maps.Keys(scripts))
	return command.Command{
		Name:      "completion",
		Summary:   "print a script for the completion of a shell",
		Arguments: strings.Join(shells, "|"),
		Text: `Prints a script for bash, fish or zsh that completes commands, flags and their
values. The packages install it. Without them, the example is for one session.`,
		Example: "source <(privatelink-dns completion bash)\nprivatelink-dns completion fish | source",
		Setup: func(flags *flag.FlagSet) command.Run {
			return func(_ context.Context, out command.Output) (int, error) {
				script, ok := scripts[flags.Arg(0)]
				if !ok || flags.NArg() != 1 {
					return 0, command.Wrong(fmt.Sprintf("%q is not a shell: write one of %s", strings.Join(flags.Args(), " "), strings.Join(shells, ", ")))
				}
				command.Fprintf(out.Stdout, "%s", command.Safe(script(program, entries(commands(), serving))))
				return command.Done, nil
			}
		},
	}
}
