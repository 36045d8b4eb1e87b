package completion

import (
	"flag"
	"regexp"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// An entry is a command with its flags. The one without a name serves.
type entry struct {
	name, summary string
	arguments     []string // the values of its argument, if they are a choice
	flags         []option
}

// An option is a flag of a command.
type option struct {
	name, usage string
	value       string   // the name of its value; "" for a switch
	files       bool     // its value is a path
	choices     []string // or one of these
}

func entries(commands []command.Command, serving *flag.FlagSet) []entry {
	all := []entry{{flags: options(serving)}}
	for _, c := range commands {
		flags := flag.NewFlagSet(c.Name, flag.ContinueOnError)
		c.Setup(flags)
		e := entry{name: c.Name, summary: c.Summary, flags: options(flags)}
		if strings.Contains(c.Arguments, "|") {
			e.arguments = strings.Split(c.Arguments, "|")
		}
		all = append(all, e)
	}
	return all
}

func options(flags *flag.FlagSet) (all []option) {
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		usage, _, _ = strings.Cut(usage, "\n")
		all = append(all, option{
			name: f.Name, usage: usage, value: value,
			files:   path.MatchString(value) || value == "string" && pathUsage.MatchString(usage),
			choices: choices(usage),
		})
	})
	return append(all, option{name: "h", usage: "help"})
}

// A flag's own words say what its value is: the name in its usage, and for the flags of
// CoreDNS, whose values have no names, the usage itself.
var (
	path      = regexp.MustCompile(`^(FILE|FOLDER|PATTERN)$`)
	pathUsage = regexp.MustCompile(`(?i)^(corefile|path) `)
	choice    = regexp.MustCompile(`(?:NAME is |\()((?:[\w-]+, )*[\w-]+(?:, | or )[\w-]+)(?:\)| \(|$)`)
	separator = regexp.MustCompile(`, | or `)
)

// choices returns the values in a usage such as "NAME is public, usgov or china".
func choices(usage string) []string {
	m := choice.FindStringSubmatch(usage)
	if m == nil {
		return nil
	}
	return separator.Split(m[1], -1)
}

// names returns the flags of the entry, for a word that begins with "-".
func (e entry) names() (all []string) {
	for _, o := range e.flags {
		all = append(all, "-"+o.name)
	}
	return all
}

// commandNames returns the words that can be first.
func commandNames(all []entry) (names []string) {
	for _, e := range all[1:] {
		names = append(names, e.name)
	}
	return names
}

// quote returns a word for a POSIX shell, which fish reads as well.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// plain reports whether the option has a value that cannot be completed.
func (o option) plain() bool { return o.value != "" && !o.files && len(o.choices) == 0 }

// with returns the entry's options that match, as words with their command.
func with(all []entry, match func(option) bool) (words []string) {
	for _, e := range all {
		for _, o := range e.flags {
			if match(o) {
				words = append(words, e.name+":-"+o.name)
			}
		}
	}
	slices.Sort(words)
	return words
}
