package main

import (
	"bytes"
	"flag"
	"regexp"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// Each command and each of its flags is in the script of each shell, without a change
// in package completion.
func TestCompletionHasEveryCommand(t *testing.T) {
	for _, shell := range []string{"bash", "fish", "zsh"} {
		script := output(t, "completion", shell)
		for _, c := range commands {
			flags := flag.NewFlagSet(c.Name, flag.ContinueOnError)
			c.Setup(flags)
			if !strings.Contains(script, c.Name) {
				t.Errorf("%s: no command %s", shell, c.Name)
			}
			flags.VisitAll(func(f *flag.Flag) {
				if !regexp.MustCompile(`(-|-o )` + regexp.QuoteMeta(f.Name) + `\b`).MatchString(script) {
					t.Errorf("%s: no flag -%s of %s", shell, f.Name, c.Name)
				}
			})
		}
	}
}

func TestVersionCommand(t *testing.T) {
	want := `^privatelink-dns \S.*\ncommit \S.*\ndate \S+\nCoreDNS 1\.\d+\.\d+\nGo go1\.\S+ \w+/\w+\n$`
	if got := output(t, "version"); !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("version: %q; want %s", got, want)
	}
}

func output(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if status := command.Main(t.Context(), program, commands, args, command.Output{Stdout: &out, Stderr: &out}); status != command.Done {
		t.Fatalf("%q: status %d\n%s", args, status, &out)
	}
	return out.String()
}
