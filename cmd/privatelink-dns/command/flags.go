package command

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/spelling"
)

// A Repeatable flag has several values. They may follow each other: a shell makes
// "-files a.json b.json" of a pattern without quotes.
type Repeatable interface {
	flag.Value
	Repeatable()
}

// parse parses the flags, and leaves arguments to the command if it has some. Its errors
// name the remedy.
func parse(flags *flag.FlagSet, args []string, operand string, arguments bool) error {
	for {
		if err := flags.Parse(args); err != nil {
			return misspelt(flags, err)
		}
		rest := flags.Args()
		if len(rest) == 0 {
			return nil
		}
		before := last(flags, args[:len(args)-len(rest)])
		if before == nil && arguments {
			return nil
		}
		n, err := 1, error(nil)
		if operand == "" {
			n, err = more(before, rest)
		} else {
			err = setOperand(flags, operand, before, rest[0])
		}
		if err != nil {
			return err
		}
		args = rest[n:]
	}
}

// setOperand sets the flag of operands. A file behind a repeatable flag is not meant as
// an operand: a shell made it of a pattern.
func setOperand(flags *flag.FlagSet, operand string, before *flag.Flag, arg string) error {
	if before != nil {
		_, repeatable := before.Value.(Repeatable)
		if _, err := os.Stat(arg); err == nil && repeatable {
			return Wrong(fmt.Sprintf("%q is a file: quote the pattern behind -%s, or write the flag before each file", arg, before.Name))
		}
	}
	if err := flags.Set(operand, arg); err != nil {
		return Wrong(err.Error())
	}
	return nil
}

// last returns the flag that the last of the arguments belong to, or nil.
func last(flags *flag.FlagSet, args []string) *flag.Flag {
	for i := len(args) - 1; i >= 0 && i >= len(args)-2; i-- {
		name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(args[i], "-"), "-"), "=")
		if f := flags.Lookup(name); f != nil && strings.HasPrefix(args[i], "-") {
			return f
		}
	}
	return nil
}

// more adds the arguments that follow to a repeatable flag, up to the next flag, and
// returns their number.
func more(before *flag.Flag, args []string) (n int, err error) {
	if before == nil {
		return 0, Wrong(fmt.Sprintf("%q is not expected, a flag begins with \"-\"", args[0]))
	}
	values, ok := before.Value.(Repeatable)
	if !ok {
		return 0, Wrong(fmt.Sprintf("%q is not expected behind -%s", args[0], before.Name))
	}
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			break
		}
		if err := values.Set(arg); err != nil {
			return 0, Wrong(fmt.Sprintf("invalid value %q for flag -%s: %v", arg, before.Name, err))
		}
		n++
	}
	return n, nil
}

// misspelt adds the flag that is meant to the error for an unknown one.
func misspelt(flags *flag.FlagSet, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return err
	}
	var names []string
	flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	if best := spelling.Nearest(name, names); best != "" {
		return fmt.Errorf("%w, do you mean -%s?", err, best)
	}
	return err
}
