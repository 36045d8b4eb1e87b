package corefile

import (
	"bytes"
	"log"
	"os"
	"strings"
	"testing"
)

const (
	one      = ". {\n}\n"
	two      = "a.example {\n}\n"
	unclosed = ". {\n"
	stays    = ": the running configuration stays"
)

// A reload reads the Corefile of the start, and logs a reason once.
func TestLoader(t *testing.T) {
	const missing = "open Corefile: "
	for _, tc := range []struct {
		name, path string
		start      string // the Corefile of the working folder; empty: none
		reloads    []string
		want       string // the paths and errors of the start and the reloads
		logs       []string
	}{
		{"unchanged", "", one, []string{one}, "Corefile, Corefile", nil},
		{"changed", "", one, []string{two}, "Corefile, Corefile", nil},
		{"missing for a moment", "", one, []string{"", "", one}, "Corefile, error, error, Corefile", []string{missing}},
		{"missing twice", "", one, []string{"", one, ""}, "Corefile, error, Corefile, error", []string{missing, missing}},
		{"missing, with -conf", "Corefile", one, []string{""}, "Corefile, error", []string{missing}},
		{"a mistake", "", one, []string{unclosed, unclosed, "", one}, "Corefile, error, error, error, Corefile", []string{"Corefile:1: {", missing}},
		{"the installed one, and then one in the folder", "", "", []string{one}, "etc, etc", nil},
		{"no file of -conf", "Corefile", "", nil, "error", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			defer func(old func() string) { installed = old }(installed)
			installed = func() string { return "etc" }
			put(t, "etc", one)
			logged := logs(t)
			l := loader(tc.path, false)
			var got []string
			for _, text := range append([]string{tc.start}, tc.reloads...) {
				put(t, "Corefile", text)
				got = append(got, load(t, l, text))
			}
			if got := strings.Join(got, ", "); got != tc.want {
				t.Errorf("%s; want %s", got, tc.want)
			}
			lines := strings.Split(strings.TrimSuffix(logged.String(), "\n"), "\n")
			if len(tc.logs) == 0 && logged.Len() > 0 || len(tc.logs) > 0 && len(lines) != len(tc.logs) {
				t.Fatalf("logged %q; want %q", lines, tc.logs)
			}
			for i, want := range tc.logs {
				if !strings.HasPrefix(lines[i], "[ERROR] "+want) || !strings.HasSuffix(lines[i], stays) {
					t.Errorf("logged %q; want %q", lines[i], want)
				}
			}
		})
	}
}

func loader(path string, quickstart bool) *Loader {
	return &Loader{Path: &path, Quickstart: &quickstart}
}

// load returns the path of the Corefile, which has the text, or "error".
func load(t *testing.T, l *Loader, text string) string {
	t.Helper()
	in, err := l.Load("dns")
	if err != nil {
		return "error"
	}
	if in.Path() == "Corefile" && string(in.Body()) != text {
		t.Errorf("%q; want %q", in.Body(), text)
	}
	return in.Path()
}

// put writes a file, or removes it.
func put(t *testing.T, name, text string) {
	t.Helper()
	err := os.Remove(name)
	if text != "" {
		err = os.WriteFile(name, []byte(text), 0o600)
	}
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

func logs(t *testing.T) *bytes.Buffer {
	var all bytes.Buffer
	flags := log.Flags()
	log.SetOutput(&all)
	log.SetFlags(0)
	t.Cleanup(func() {
		log.SetOutput(os.Stderr)
		log.SetFlags(flags)
	})
	return &all
}

// The embedded Corefile stays, also if a file comes.
func TestLoaderEmbedded(t *testing.T) {
	t.Chdir(t.TempDir())
	defer func(old func() string) { installed = old }(installed)
	installed = func() string { return "etc" }
	l := loader("", false)
	for range 2 {
		if got := load(t, l, ""); got != embedded {
			t.Errorf("%s; want %s", got, embedded)
		}
		put(t, "Corefile", one)
	}
}

// A pipe is read once.
func TestLoaderPipe(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer func(old *os.File) { os.Stdin = old }(os.Stdin)
	os.Stdin = read
	if _, err := write.WriteString(one); err != nil {
		t.Fatal(err)
	}
	write.Close()
	l := loader(pipe, false)
	for range 2 {
		if in, err := l.Load("dns"); err != nil || string(in.Body()) != one || in.Path() != pipe {
			t.Errorf("%v, %v; want %q", in, err, one)
		}
	}
}

func TestLoaderQuickstart(t *testing.T) {
	if _, err := loader("Corefile", true).Load("dns"); err != errBoth {
		t.Errorf("with -conf: %v; want %v", err, errBoth)
	}
}
