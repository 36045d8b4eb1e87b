package source

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlowHosts(t *testing.T) {
	const noLine = `a.hosts: no line with an address and a name in it: if there are no endpoints, write the line "# no endpoints"`
	const cut = "; a.hosts: the last line has no newline, more of it may follow: write one, or wait until the file has not changed for 10s"
	for _, tc := range []struct{ name, steps, want string }{
		{"a complete file", "a.hosts=a:3", "3 complete"},
		{"no final newline, first read, old", "text a.hosts 10.20.0.4 a|10.20.0.4 b; old a.hosts", "2 complete"},
		{"no final newline, first read, young", "text a.hosts 10.20.0.4 a|10.20.0.4 b", "1 incomplete" + cut},
		{"no final newline, first read, young, 9 s later", "text a.hosts 10.20.0.4 a|10.20.0.4 b; 9s", "1 incomplete" + cut},
		{"no final newline, first read, young, 10 s later", "text a.hosts 10.20.0.4 a|10.20.0.4 b; 10s", "2 complete"},
		{"no final newline, one line", "text a.hosts 10.20.0.4 a", "0 incomplete" + cut},
		{"no final newline, half an address", "text a.hosts 10.20.", "0 incomplete" + cut},
		{"no final newline, half an address, 10 s later", "text a.hosts 10.20.; 10s", `0 incomplete; a.hosts: line 1: "10.20.": an address and a name are expected`},
		{"no final newline, half an address beside a name, 10 s later", "text a.hosts 10.20.0.4 a|10.20.; 10s", `1 incomplete; a.hosts: line 2: "10.20.": an address and a name are expected`},
		{"the rest of the line follows", "text a.hosts 10.20.0.4 a; 3s; text a.hosts 10.20.0.4 abc|", "1 complete"},
		{"a future time is ignored", "text a.hosts 10.20.0.4 a; future a.hosts; 9s", "0 incomplete" + cut},
		{"a future time is ignored, 10 s later", "text a.hosts 10.20.0.4 a; future a.hosts; 10s", "1 complete"},
		{"an old time is ignored after the first read", "a.hosts=a:3; 1s; text a.hosts 10.20.0.4 b; old a.hosts; 9s", "3 complete"},

		{"cut within a line", "a.hosts=a:3; 1s; text a.hosts 10.20.0.4 a1.example|10.20.0.4 a2.exa; 9s", "3 complete"},
		{"cut within a line, 10 s later", "a.hosts=a:3; 1s; text a.hosts 10.20.0.4 a1.example|10.20.0.4 a2.exa; 10s", "2 complete"},
		{"cut at the end of a line", "a.hosts=a:3; 1s; a.hosts=a:1; 9s", "3 complete"},
		{"cut at the end of a line, 10 s later", "a.hosts=a:3; 1s; a.hosts=a:1; 10s", "1 complete"},
		{"names are added at once", "a.hosts=a:3; 1s; a.hosts=a:4", "4 complete"},
		{"names are added to a cut file at once", "a.hosts=a:3; 1s; a.hosts=b:2", "5 complete"},
		{"rewritten line by line, nine seconds a line", "a.hosts=a:3; 1s; a.hosts=a:1; 9s; a.hosts=a:2; 9s", "3 complete"},
		{"rewritten line by line, to its end", "a.hosts=a:3; 1s; a.hosts=a:1; 9s; a.hosts=a:2; 9s; a.hosts=a:3; 60s", "3 complete"},
		{"rewritten line by line, invalid for a minute", "a.hosts=a:3; 1s; a.hosts=b:1; 1s; text a.hosts x|; 60s; a.hosts=b:1; 1s", "4 complete"},
		{"rewritten line by line, then shorter", "a.hosts=a:3; 1s; a.hosts=a:1; 9s; a.hosts=a:2; 10s", "2 complete"},
		{"empty for a moment", "a.hosts=a:3; 1s; text a.hosts ; 1s", "3 complete; " + noLine},
		{"comments alone are not an empty list", "a.hosts=a:3; 1s; text a.hosts # Exported|; 60s", "3 complete; " + noLine},
		{"no endpoints, on purpose", "a.hosts=a:3; 1s; text a.hosts # no endpoints|; 9s", "3 complete"},
		{"no endpoints, on purpose, 10 s later", "a.hosts=a:3; 1s; text a.hosts # no endpoints|; 10s", "0 complete"},
		{"no endpoints, from the start", "text a.hosts # no endpoints|", "0 complete"},
		{"replaced by delete and create, line by line", "a.hosts=a:3; b.hosts=b:1; 1s; rm a.hosts; 3s; a.hosts=a:1; 9s; a.hosts=a:2; 9s", "4 complete"},
		{"vanished", "a.hosts=a:3; 1s; rm a.hosts; 60s", "3 complete; *.hosts: no match, keeps 3"},

		{"after a restart, young", "a.hosts=a:3; 1s; restart; a.hosts=a:1; 9s", "1 incomplete"},
		{"after a restart, young, 10 s later", "a.hosts=a:3; 1s; restart; a.hosts=a:1; 10s", "1 complete"},
		{"after a restart, old", "a.hosts=a:3; 1s; restart; a.hosts=a:1; old a.hosts", "1 complete"},
		{"after a restart, a new file", "a.hosts=a:3; 11s; restart; old a.hosts; b.hosts=b:1", "4 complete"},
	} {
		t.Run(tc.name, func(t *testing.T) { play(t, "hosts", "*.hosts", tc.steps, tc.want) })
	}
}

// A file that is written with a pause within each line never loses a name, and its
// list is always complete.
func TestSlowHostsNeverLoseAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, "hosts", "*.hosts")
		whole := s.content("a:20")
		s.put("a.hosts", whole)
		s.fetch()
		for i := 0; i <= len(whole); i += 7 {
			s.put("a.hosts", whole[:i])
			time.Sleep(2 * time.Second)
			if s.fetch(); len(namesOf(s.list.Entries)) != 20 || !s.list.Complete {
				t.Fatalf("after %d octets: %s; want 20 names, complete", i, s.state())
			}
		}
		s.put("a.hosts", strings.ReplaceAll(whole, "10.20.0.4", "10.20.0.5"))
		if s.fetch(); s.list.Entries[0].Addrs[0].String() != "10.20.0.5" {
			t.Errorf("%s; want the new addresses at once", show(s.list))
		}
	})
}
