package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"strings"
	"testing"
)

var commands = []Command{
	{Name: "check", Summary: "ask a server", Text: "It asks.", Example: "prog check -n 2\nprog check", Setup: func(flags *flag.FlagSet) Run {
		n := flags.Int("n", 1, "how often")
		var files list
		flags.Var(&files, "files", "some files")
		return func(_ context.Context, out Output) (int, error) {
			_, err := out.Stdout.Write([]byte(strings.Join(append(files, ""), " ") + strings.Repeat("asked ", *n)))
			if *n > 5 {
				err = Wrong("-n: 6 is above the maximum of 5")
			}
			if *n == 4 {
				err = errors.Join(errors.New("it rains"), errors.New("it \x1b[2Jsnows"))
			}
			if *n == 5 {
				err = errors.New("it rains")
			}
			return Findings, err
		}
	}},
	{Name: "records", Summary: "print records", Text: "It prints.", Example: "prog records", Setup: func(*flag.FlagSet) Run { return nil }},
}

// A list is a repeatable flag.
type list []string

func (l *list) String() string { return "" }
func (*list) Repeatable()      {}

func (l *list) Set(text string) error {
	if text == "bad" {
		return errors.New("it is bad")
	}
	*l = append(*l, text)
	return nil
}

func TestCommands(t *testing.T) {
	const (
		exit    = "Exit status: 0 nothing to correct, 1 findings, 2 the command could not run.\n"
		seeHelp = "prog check -h has the flags and an example\n"
		help    = "prog check - ask a server\n\nIt asks.\n\nFlags:\n  -files value\n    \tsome files\n  -n int\n    \thow often (default 1)\n\n" +
			"Example:\n  prog check -n 2\n  prog check\n\n" + exit
		overview = "prog [FLAGS]          serve DNS\nprog COMMAND [FLAGS]  do one of:\n\n  check        ask a server\n  records      print records\n\n" +
			"prog COMMAND -h has its flags and an example.\n"
	)
	for _, tt := range []struct {
		name, args     string
		status         int
		stdout, stderr string
	}{
		{"runs", "check", Findings, "asked ", ""},
		{"takes flags", "check -n 2", Findings, "asked asked ", ""},
		{"fails", "check -n 5", Failed, "asked asked asked asked asked ", "prog check: it rains\n"},
		{"fails twice", "check -n 4", Failed, "asked asked asked asked ", "prog check: it rains\nit \uFFFD[2Jsnows\n"},
		{"is called in a wrong way", "check -n 6", Failed, "asked asked asked asked asked asked ", "prog check: -n: 6 is above the maximum of 5\n" + seeHelp},
		{"unknown flag", "check -m", Failed, "", "prog check: flag provided but not defined: -m\n" + seeHelp},
		{"unknown argument", "check now", Failed, "", "prog check: \"now\" is not expected, a flag begins with \"-\"\n" + seeHelp},
		{"a value behind a flag that has one", "check -n 2 now", Failed, "", "prog check: \"now\" is not expected behind -n\n" + seeHelp},
		{"values of a list", "check -files a.json b.json -n 2 -files=c.json d.json", Findings, "a.json b.json c.json d.json asked asked ", ""},
		{"a bad value of a list", "check -files a.json bad", Failed, "", "prog check: invalid value \"bad\" for flag -files: it is bad\n" + seeHelp},
		{"misspelt flag", "check -file a.json", Failed, "", "prog check: flag provided but not defined: -file, do you mean -files?\n" + seeHelp},
		{"misspelt flag in upper case", "check --Fiels=a.json", Failed, "", "prog check: flag provided but not defined: -Fiels, do you mean -files?\n" + seeHelp},
		{"help", "check -h", Done, help, ""},
		{"help without flags", "records -h", Done, "prog records - print records\n\nIt prints.\n\nExample:\n  prog records\n\n" + exit, ""},
		{"list", "help", Done, overview, ""},
		{"misspelt", "chek", Failed, "", "prog: unknown command \"chek\", do you mean \"check\"?; -h lists the commands\n"},
		{"upper case", "CHECK", Failed, "", "prog: unknown command \"CHECK\", do you mean \"check\"?; -h lists the commands\n"},
		{"begun", "rec", Failed, "", "prog: unknown command \"rec\", do you mean \"records\"?; -h lists the commands\n"},
		{"another word", "serve", Failed, "", "prog: unknown command \"serve\"; -h lists the commands\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := Main(t.Context(), "prog", commands, strings.Fields(tt.args), Output{Stdout: &stdout, Stderr: &stderr})
			if status != tt.status || stdout.String() != tt.stdout || stderr.String() != tt.stderr {
				t.Errorf("%s: status %d, stdout %q, stderr %q; want %d, %q, %q", tt.args, status, stdout.String(), stderr.String(), tt.status, tt.stdout, tt.stderr)
			}
		})
	}
}

func TestPaint(t *testing.T) {
	if got, want := (Output{Color: true}).Paint(Good, "y\x1b[31mes"), Safe("\x1b[32my\uFFFD[31mes\x1b[0m"); got != want {
		t.Errorf("with colours %q; want %q", got, want)
	}
	if got := (Output{}).Paint(Good, "yes"); got != "yes" {
		t.Errorf("without colours %q; want yes", got)
	}
}

func TestProgressIsForTerminals(t *testing.T) {
	var stderr bytes.Buffer
	Output{Stderr: &stderr}.Progress("%d names", 7)
	if stderr.Len() > 0 {
		t.Errorf("no terminal: %q", stderr.String())
	}
	Output{Stderr: &stderr, Terminal: true}.Progress("%d names", 7)
	if got, want := stderr.String(), "\r\x1b[K7 names"; got != want {
		t.Errorf("terminal: %q; want %q", got, want)
	}
}

func TestCount(t *testing.T) {
	for n, want := range []string{"no records", "1 record", "2 records"} {
		if got := Count(n, "record"); got != want {
			t.Errorf("Count(%d) = %q; want %q", n, got, want)
		}
	}
}
