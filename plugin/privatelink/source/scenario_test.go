package source

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A filesSource is a source with files.
type filesSource interface {
	Source
	Remember(parts map[string]int)
}

// A scenario runs steps on a folder and its source, in a synctest bubble. The kind of its
// files is "files", "hosts", "zonefile" or "lines", an export with one resource a line,
// every second of which is a record set. The steps:
//
//	NAME=X:N     writes the file NAME, now, with the names X1 to XN; a + joins several X:N
//	cut NAME     leaves the first half of a file
//	rm NAME...   deletes files
//	mv A B       renames a file or a folder
//	mkdir NAME
//	link A B     makes a symbolic link B to A
//	text NAME T  writes a file with this text, in which | is a newline
//	old NAME     sets the time of a file to an hour ago
//	future NAME  sets the time of a file to an hour from now
//	3s           fetches once a second, for three seconds
//	restart      makes a new source that remembers the Parts of the last list
type scenario struct {
	*folder
	patterns []string
	kind     string
	src      filesSource
	list     *List
	err      error
}

func newScenario(t *testing.T, kind string, patterns ...string) *scenario {
	s := &scenario{folder: newFolder(t), kind: kind}
	for _, p := range patterns {
		s.patterns = append(s.patterns, s.at(p))
	}
	s.start(nil)
	return s
}

// play runs the steps, which are separated by semicolons, and then fetches.
func play(t *testing.T, kind, patterns, steps, want string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, kind, strings.Fields(patterns)...)
		for step := range strings.SplitSeq(steps, "; ") {
			s.step(step)
		}
		if got := s.state(); got != want {
			t.Errorf("after %q: %s; want %s", steps, got, want)
		}
	})
}

func (s *scenario) start(parts map[string]int) {
	switch s.kind {
	case "hosts":
		s.src = NewHosts(s.patterns, 0)
	case "zonefile":
		s.src = NewZoneFiles(s.patterns, 0)
	default:
		s.src = NewFiles(s.patterns, nil, 0)
	}
	if parts != nil {
		s.src.Remember(parts)
	}
}

func (s *scenario) fetch() { s.list, s.err = s.src.Fetch(context.Background()) }

func (s *scenario) step(text string) {
	f := strings.Fields(text)
	switch f[0] {
	case "rm":
		for _, name := range f[1:] {
			s.must(os.RemoveAll(s.at(name)))
		}
	case "mv":
		s.must(os.Rename(s.at(f[1]), s.at(f[2])))
	case "mkdir":
		s.must(os.Mkdir(s.at(f[1]), 0o700))
	case "link":
		s.must(os.Symlink(f[1], s.at(f[2])))
	case "cut":
		data, err := os.ReadFile(s.at(f[1]))
		s.must(err)
		s.put(f[1], string(data[:len(data)/2]))
	case "text":
		_, content, _ := strings.Cut(strings.TrimPrefix(text, "text "), " ")
		s.put(f[1], strings.ReplaceAll(content, "|", "\n"))
	case "old":
		s.must(os.Chtimes(s.at(f[1]), time.Time{}, time.Now().Add(-time.Hour)))
	case "future":
		s.must(os.Chtimes(s.at(f[1]), time.Time{}, time.Now().Add(time.Hour)))
	case "restart":
		s.start(s.list.Parts)
	default:
		if d, err := time.ParseDuration(f[0]); err == nil {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
				s.fetch()
			}
			s.fetch()
			return
		}
		name, spec, _ := strings.Cut(f[0], "=")
		s.put(name, s.content(spec))
	}
}

// put writes a file with the time of the bubble.
func (s *scenario) put(name, content string) {
	s.must(os.WriteFile(s.at(name), []byte(content), 0o600))
	s.must(os.Chtimes(s.at(name), time.Time{}, time.Now()))
}

// content returns the content of a spec such as "a:10+b:2".
func (s *scenario) content(spec string) string {
	var names []string
	for part := range strings.SplitSeq(spec, "+") {
		prefix, count, _ := strings.Cut(part, ":")
		n, err := strconv.Atoi(count)
		s.must(err)
		for i := range n {
			names = append(names, fmt.Sprintf("%s%d.example", prefix, i+1))
		}
	}
	return s.contentOf(names)
}

func (s *scenario) contentOf(names []string) string {
	var all []string
	for i, name := range names {
		switch {
		case s.kind == "hosts":
			all = append(all, "10.20.0.4 "+name+"\n")
		case s.kind == "zonefile":
			all = append(all, name+". A 10.20.0.4\n")
		case s.kind == "lines" && i%2 == 1:
			all = append(all, strings.ReplaceAll(recordSet("A", name, "10.20.0.4"), name+".privatelink.z.", name+"."))
		default:
			all = append(all, approved("pe-"+name, config(name, "10.20.0.4")))
		}
	}
	switch s.kind {
	case "hosts":
		return strings.Join(all, "")
	case "zonefile":
		return soaLine + strings.Join(all, "")
	case "lines":
		return strings.Join(all, "\n") + "\n"
	}
	return "[" + strings.Join(all, ",\n") + "]"
}

// soaLine begins a zone file.
const soaLine = "example. 3600 IN SOA ns.example. mail.example. 1 3600 300 2419200 10\n"

// lossText matches the text of a loss, so that state can shorten it. TestLossTexts
// compares the whole text.
var lossText = regexp.MustCompile(`(?:no longer (matches) a file|the files? (?:is|are) (gone)), (?:the|their|its) last (?:(\d+) names are|name is) kept: .*`)

// state returns the number of names, whether the list is complete, and the error.
func (s *scenario) state() string {
	s.fetch()
	got := fmt.Sprintf("%d complete", len(namesOf(s.list.Entries)))
	if !s.list.Complete {
		got = strings.Replace(got, "complete", "incomplete", 1)
	}
	for line := range strings.Lines(s.short(text(s.err))) {
		line = lossText.ReplaceAllString(strings.TrimSpace(line), "$1$2, keeps $3")
		got += "; " + strings.Replace(line, "matches,", "no match,", 1)
	}
	return got
}
