package completion

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// sample is a table with every kind of flag.
func sample() []command.Command {
	return []command.Command{
		{Name: "check", Summary: "ask a server: it's quick", Setup: func(flags *flag.FlagSet) command.Run {
			flags.String("conf", "", "Corefile `FILE`, or stdin")
			flags.String("server", "", "ask `ADDRESS`[:PORT]")
			flags.String("cloud", "", "`NAME` is public, usgov or china (default public)")
			flags.Bool("all", false, "print every answer")
			return nil
		}},
		Command("demo-dns", sample, flag.NewFlagSet("", flag.ContinueOnError)),
	}
}

func TestScript(t *testing.T) {
	for _, tt := range []struct {
		name, args string
		status     int
		want       string
	}{
		{"bash", "completion bash", command.Done, "complete -o default -F _demo_dns demo-dns"},
		{"zsh", "completion zsh", command.Done, "#compdef demo-dns"},
		{"fish", "completion fish", command.Done, "complete -c demo-dns"},
		{"no shell", "completion", command.Failed, `"" is not a shell: write one of bash, fish, zsh`},
		{"an unknown shell", "completion tcsh", command.Failed, `"tcsh" is not a shell`},
		{"two shells", "completion bash zsh", command.Failed, `"bash zsh" is not a shell`},
		{"an unknown flag", "completion -x bash", command.Failed, `flag provided but not defined: -x`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			status := command.Main(context.Background(), "demo-dns", sample(), strings.Fields(tt.args), command.Output{Stdout: &out, Stderr: &out})
			if status != tt.status || !strings.Contains(out.String(), tt.want) {
				t.Errorf("%s: status %d, %s; want status %d, %q", tt.args, status, &out, tt.status, tt.want)
			}
		})
	}
}

// Each shell accepts its script.
func TestSyntax(t *testing.T) {
	for shell, script := range scripts {
		t.Run(shell, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(path, []byte(script("demo-dns", entries(sample(), flag.CommandLine))), 0o600); err != nil {
				t.Fatal(err)
			}
			program, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("no %s here: install the Debian package %s", shell, shell)
			}
			if out, err := exec.Command(program, "-n", path).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s -n: %v\n%s", shell, err, out)
			}
		})
	}
}

// The words that bash proposes. A real terminal is in the tests of the packages.
func TestBash(t *testing.T) {
	program, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here: install the Debian package bash")
	}
	for _, tt := range []struct{ name, words, want string }{
		{"commands", "demo-dns |", "check completion"},
		{"a command's beginning", "demo-dns ch|", "check"},
		{"flags for serving", "demo-dns -q|", "-quickstart"},
		{"a command's flags", "demo-dns check -|", "-all -cloud -conf -server -h"},
		{"a choice", "demo-dns check -cloud |", "public usgov china"},
		{"an argument", "demo-dns completion |", "bash fish zsh"},
		{"an address is not completed", "demo-dns check -server |", ""},
		{"a file is left to bash", "demo-dns check -conf |", ""},
		{"an unknown command", "demo-dns nope |", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			serving := flag.NewFlagSet("", flag.ContinueOnError)
			serving.Bool("quickstart", false, "try it")
			words := strings.Split(strings.TrimSuffix(tt.words, "|"), " ")
			script := bash("demo-dns", entries(sample(), serving)) + "COMP_CWORD=$(($# - 1)); COMP_WORDS=(\"$@\"); _demo_dns; echo \"${COMPREPLY[*]}\""
			out, err := exec.Command(program, append([]string{"-c", script, "bash"}, words...)...).Output()
			if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
				t.Errorf("%s = %q, %v; want %q", tt.words, got, err, tt.want)
			}
		})
	}
}

func TestChoices(t *testing.T) {
	for _, tt := range []struct{ usage, want string }{
		{"NAME is table, hosts, zone, json, csv", "table hosts zone json csv"},
		{"NAME is public, usgov or china (default public)", "public usgov china"},
		{"Log format (text or json)", "text json"},
		{"this zone only: NAME begins with privatelink", ""},
		{"Quiet mode (no initialization output)", ""},
	} {
		if got := strings.Join(choices(tt.usage), " "); got != tt.want {
			t.Errorf("choices(%q) = %q; want %q", tt.usage, got, tt.want)
		}
	}
}
