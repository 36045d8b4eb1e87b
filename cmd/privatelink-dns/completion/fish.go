package completion

import (
	"fmt"
	"strings"
)

// fish returns the script for fish.
func fish(program string, all []entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s completion fish\n", program)
	names := strings.Join(commandNames(all), " ")
	for _, e := range all {
		condition := "not __fish_seen_subcommand_from " + names
		if e.name != "" {
			fmt.Fprintf(&b, "complete -c %s -n __fish_use_subcommand -f -a %s -d %s\n", program, e.name, quote(e.summary))
			condition = "__fish_seen_subcommand_from " + e.name
		}
		if len(e.arguments) > 0 {
			fmt.Fprintf(&b, "complete -c %s -n %s -f -a %s\n", program, quote(condition), quote(strings.Join(e.arguments, " ")))
		}
		for _, o := range e.flags {
			fmt.Fprintf(&b, "complete -c %s -n %s -o %s%s -d %s\n", program, quote(condition), o.name, o.fish(), quote(o.usage))
		}
	}
	return b.String()
}

// fish returns the flags of `complete` for the option's value.
func (o option) fish() string {
	switch {
	case o.value == "":
		return ""
	case o.files:
		return " -r -F"
	case len(o.choices) > 0:
		return " -x -a " + quote(strings.Join(o.choices, " "))
	}
	return " -x"
}
