// Package command implements flags, help, exit status and output of the commands beside
// serving.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/spelling"
)

// The exit status of every command. Pipelines depend on it.
const (
	Done     = 0 // nothing to correct
	Findings = 1 // the command ran and found something, a difference say
	Failed   = 2 // the command could not run
)

// A Command is one of the words after the program's name.
type Command struct {
	Name    string
	Summary string // one line for the list of commands, without a full stop
	Text    string // a description for -h, in lines of 80 characters
	Example string // one or more lines to type, without indentation

	// Operand is the flag whose values may be given without it, such as "name". If it
	// is empty, such an argument belongs to a [Repeatable] flag before it, or is an error.
	Operand string

	// Arguments names what follows the command, "bash|zsh|fish" for a choice. A command
	// without it has flags only. The function that runs reads them from the flags.
	Arguments string

	// Setup defines the command's flags and returns the function that runs once they
	// are parsed. An error means [Failed], and is printed; [Wrong] adds a hint at -h.
	Setup func(flags *flag.FlagSet) Run
}

// Run does the work and returns the exit status.
type Run func(ctx context.Context, out Output) (status int, err error)

// Wrong is an error in how the command was called.
type Wrong string

func (w Wrong) Error() string { return string(w) }

// Main runs the command that the first argument names and returns the exit
// status. It is not called without an argument.
func Main(ctx context.Context, program string, commands []Command, args []string, out Output) int {
	name := args[0]
	if name == "help" {
		List(out.Stdout, program, commands)
		return Done
	}
	i := slices.IndexFunc(commands, func(c Command) bool { return c.Name == name })
	if i < 0 {
		Fprintf(out.Stderr, "%s: unknown command %q%s; -h lists the commands\n", program, name, suggestion(name, commands))
		return Failed
	}
	return commands[i].run(ctx, program, args[1:], out)
}

func (c Command) run(ctx context.Context, program string, args []string, out Output) int {
	flags := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	run := c.Setup(flags)
	err := parse(flags, args, c.Operand, c.Arguments != "")
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.help(out.Stdout, program, flags)
		return Done
	case err != nil:
		c.fail(out, program, Wrong(err.Error()))
		return Failed
	}
	status, err := run(ctx, out)
	if err == nil {
		return status
	}
	c.fail(out, program, err)
	return Failed
}

func (c Command) fail(out Output, program string, err error) {
	for i, one := range Errors(err) {
		if i == 0 {
			Fprintf(out.Stderr, "%s %s: ", program, c.Name)
		}
		Fprintf(out.Stderr, "%s\n", one)
	}
	if wrong := Wrong(""); errors.As(err, &wrong) {
		Fprintf(out.Stderr, "%s %s -h has the flags and an example\n", program, c.Name)
	}
}

// Errors returns the errors that were joined, so that each is a line of its own.
func Errors(err error) (all []error) {
	if err == nil {
		return nil
	}
	several, ok := err.(interface{ Unwrap() []error })
	if !ok || errors.Join(several.Unwrap()...).Error() != err.Error() { // it has a text of its own
		return []error{err}
	}
	for _, one := range several.Unwrap() {
		all = append(all, Errors(one)...)
	}
	return all
}

// suggestion returns ", do you mean …?" for a name that is nearly a command's,
// or "".
func suggestion(name string, commands []Command) string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	best := spelling.Nearest(name, names)
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", do you mean %q?", best)
}

func (c Command) help(w io.Writer, program string, flags *flag.FlagSet) {
	fmt.Fprintf(w, "%s %s - %s\n\n%s\n", program, c.Name, c.Summary, c.Text)
	defined := 0
	flags.VisitAll(func(*flag.Flag) { defined++ })
	if defined > 0 {
		fmt.Fprintf(w, "\nFlags:\n")
		flags.SetOutput(w)
		flags.PrintDefaults()
	}
	fmt.Fprintf(w, "\nExample:\n%s\n\nExit status: 0 nothing to correct, 1 findings, 2 the command could not run.\n", indent(c.Example))
}

// List prints the commands, for the program's own -h.
func List(w io.Writer, program string, commands []Command) {
	fmt.Fprintf(w, "%s [FLAGS]          serve DNS\n%s COMMAND [FLAGS]  do one of:\n\n", program, program)
	for _, c := range commands {
		fmt.Fprintf(w, "  %-12s %s\n", c.Name, c.Summary)
	}
	fmt.Fprintf(w, "\n%s COMMAND -h has its flags and an example.\n", program)
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}
