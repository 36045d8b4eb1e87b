package command

import (
	"bytes"
	"context"
	"flag"
	"os"
	"strings"
	"testing"
)

func TestOperands(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("b.json", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	why := Command{Name: "why", Operand: "name", Setup: func(flags *flag.FlagSet) Run {
		var names, files list
		flags.Var(&names, "name", "a name")
		flags.Var(&files, "files", "some files")
		all := flags.Bool("all", false, "all")
		return func(_ context.Context, out Output) (int, error) {
			Fprintf(out.Stdout, "%v %v %v", []string(names), []string(files), *all)
			return Done, nil
		}
	}}
	const hint = "prog why -h has the flags and an example\n"
	for _, tt := range []struct{ name, args, want string }{
		{"one", "a", "[a] [] false"},
		{"before a flag", "a -all", "[a] [] true"},
		{"after a flag without a value", "-all a", "[a] [] true"},
		{"after a repeatable flag", "-files a.json a b", "[a b] [a.json] false"},
		{"between flags", "-files a.json a -files c.json b", "[a b] [a.json c.json] false"},
		{"by its flag", "-name a b", "[a b] [] false"},
		{"a file of a pattern", "-files a.json b.json a", `prog why: "b.json" is a file: quote the pattern behind -files, or write the flag before each file` + "\n" + hint},
		{"a name that is also that of a file", "b.json -all", "[b.json] [] true"},
		{"a bad value", "bad", "prog why: it is bad\n" + hint},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			Main(t.Context(), "prog", []Command{why}, strings.Fields("why "+tt.args), Output{Stdout: &out, Stderr: &out})
			if out.String() != tt.want {
				t.Errorf("why %s = %q; want %q", tt.args, out.String(), tt.want)
			}
		})
	}
}
