package source

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestVanishedFiles(t *testing.T) {
	for _, tc := range []struct{ name, patterns, steps, want string }{
		{"the only file", "*.json", "a.json=a:50; 1s; rm a.json; 600s", "50 complete; *.json: no match, keeps 50"},
		{"the only file, with one name", "*.json", "a.json=a:1; 1s; rm a.json; 600s", "1 complete; *.json: no match, keeps "},
		{"the only file, which was empty on purpose", "*.json", "a.json=a:0; 1s; rm a.json; 600s", "0 complete; *.json: no match, keeps 0"},
		{"a file named without a wildcard", "a.json", "a.json=a:3; 1s; rm a.json; 600s", "3 complete; a.json: no match, keeps 3"},
		{"all files at once", "*.json", "a.json=a:2; b.json=b:1; 1s; rm a.json b.json; 600s", "3 complete; *.json: no match, keeps 3"},
		{"the folder is renamed", "d/*.json", "mkdir d; d/a.json=a:2; d/b.json=b:1; 1s; mv d e; 600s", "3 complete; d/*.json: no match, keeps 3"},
		{"the folder is renamed and back", "d/*.json", "mkdir d; d/a.json=a:2; 1s; mv d e; 600s; mv e d", "2 complete"},
		{"the folder is empty, as a share that is not mounted", "d/*.json", "mkdir d; d/a.json=a:20; 1s; mv d e; mkdir d; 600s", "20 complete; d/*.json: no match, keeps 20"},
		{"the folder is replaced by a file", "d/*.json", "mkdir d; d/a.json=a:2; 1s; rm d; text d x; 600s", "2 complete; stat d/a.json: not a directory"},
		{"the folder is replaced by a dangling link", "d/*.json", "mkdir d; d/a.json=a:2; 1s; rm d; link none d; 600s", "2 complete; d/*.json: no match, keeps 2"},
		{"only a folder still matches", "*.json", "mkdir b.json; a.json=a:2; 1s; rm a.json; 600s", "2 complete; *.json: no match, keeps 2"},
		{"only a dangling link still matches", "*", "link none b; a=a:2; 1s; rm a; 600s", "2 incomplete; *: no match, keeps 2; b: a symbolic link to a file that does not exist"},
		{"two patterns for a file, one still matches", "*.json a.json", "a.json=a:2; b.json=b:1; 1s; rm a.json; 600s", "3 complete; a.json: no match, keeps 2"},
		{"a file of a second pattern changes", "a.json b.json", "a.json=a:9; b.json=b:9; 1s; rm a.json; 1s; b.json=b:1", "10 complete; a.json: no match, keeps 9"},
		{"a file reappears with different content", "a.json", "a.json=a:9; 1s; rm a.json; 60s; a.json=b:2", "2 complete"},
		{"a file reappears empty", "a.json", "a.json=a:9; 1s; rm a.json; 60s; a.json=a:0", "0 complete"},
		{"a file reappears invalid", "a.json", "a.json=a:9; 1s; rm a.json; 60s; text a.json [", "9 complete; a.json: line 1: unexpected end of JSON input"},
		{"a new file matches, the old file had many names", "*.json", "a.json=a:9; 1s; rm a.json; 60s; b.json=b:1; 600s", "10 complete; a.json: gone, keeps 9"},
		{"a new file has the names", "*.json", "a.json=a:9; 1s; mv a.json b.json; 60s", "9 complete"},
		{"a new file has the names later", "*.json", "a.json=a:9; 1s; rm a.json; 60s; b.json=a:9; 6s; b.json=a:1", "1 complete"},
		{"a new file does not have five of the names", "*.json", "a.json=a:9; 1s; rm a.json; b.json=a:4; 6s", "4 complete"},

		{"one of two files, six names", "*.json", "a.json=a:6; b.json=b:9; 1s; rm a.json; 600s", "15 complete; a.json: gone, keeps 6"},
		{"one of two files, five names, after 4 s", "*.json", "a.json=a:5; b.json=b:9; 1s; rm a.json; 4s", "14 complete"},
		{"one of two files, five names, after 5 s", "*.json", "a.json=a:5; b.json=b:9; 1s; rm a.json; 5s", "9 complete"},
		{"a second file has all names of the file", "*.json", "a.json=b:9; b.json=b:9; 1s; rm a.json; 5s", "9 complete"},
		{"two files with the same names", "*.json", "a.json=a:9; b.json=a:9; c.json=c:1; 1s; rm a.json b.json; 60s", "10 complete; a.json, b.json: gone, keeps 9"},
		{"replaced by delete and create", "*.json", "a.json=a:5; b.json=b:1; 6s; rm a.json; 3s; a.json=a:5; 60s", "6 complete"},
		{"two files with six names", "*.json", "a.json=a:3; b.json=b:3; c.json=c:1; 1s; rm a.json b.json; 600s", "7 complete; a.json, b.json: gone, keeps 6"},
		{"a fetch between two deletions", "*.json", "a.json=a:3; b.json=b:3; c.json=c:1; 1s; rm a.json; 4s; rm b.json; 600s", "7 complete; a.json, b.json: gone, keeps 6"},
		{"a fetch between two deletions, the large file first", "*.json", "a.json=a:9; b.json=b:3; c.json=c:1; 1s; rm a.json; 4s; rm b.json; 600s", "13 complete; a.json, b.json: gone, keeps 12"},
		{"a fetch between the deletions of all files", "*.json", "a.json=a:3; b.json=b:1; 1s; rm a.json; 4s; rm b.json; 600s", "4 complete; *.json: no match, keeps 4"},
		{"two deletions with 6 s between", "*.json", "a.json=a:3; b.json=b:3; c.json=c:1; 1s; rm a.json; 6s; rm b.json; 6s", "1 complete"},
		{"a small file a minute after a large file", "*.json", "a.json=a:9; b.json=b:3; c.json=c:1; 1s; rm a.json; 60s; rm b.json; 6s", "10 complete; a.json: gone, keeps 9"},
		{"two vanished files reappear one after the other", "*.json", "a.json=a:9; b.json=b:3; c.json=c:1; 1s; mv a.json x; mv b.json y; 60s; mv x a.json; 4s; mv y b.json; 60s", "13 complete"},
		{"one of two vanished files reappears, after 4 s", "*.json", "a.json=a:9; b.json=b:3; c.json=c:1; 1s; mv a.json x; mv b.json y; 60s; mv x a.json; 4s", "13 complete"},
		{"a fetch between two deletions, a file appears", "*.json", "a.json=a:3; b.json=b:3; c.json=c:1; 6s; rm a.json; 4s; d.json=d:1; 2s; rm b.json; 600s", "8 complete; a.json, b.json: gone, keeps 6"},
		{"one of two vanished files reappears, after 6 s", "*.json", "a.json=a:9; b.json=b:3; c.json=c:1; 1s; rm a.json b.json; 60s; a.json=a:9; 6s", "10 complete"},
		{"six files are gone", "*", "a=a:2; b=b:2; c=c:2; d=d:2; e=e:2; f=f:2; z=z:1; 1s; rm a b c d e f; 1s", "13 complete; a, b, c, d, e, 1 more: gone, keeps 12"},
		{"an invalid file that never had names", "*.json", "text a.json [; b.json=b:1; 1s; rm a.json; 6s", "1 complete"},
		{"an invalid file that never had names, after 4 s", "*.json", "text a.json [; b.json=b:1; 1s; rm a.json; 4s", "1 incomplete"},
		{"the only file, which was always invalid", "*.json", "text a.json [; 1s; rm a.json; 60s", "0 incomplete; *.json: no such file"},
		{"an invalid file that had many names", "*.json", "a.json=a:9; b.json=b:1; 1s; cut a.json; 1s; rm a.json; 60s", "10 complete; a.json: gone, keeps 9"},
		{"a file with 25 names is deleted, one is emptied", "*.json", "a.json=a:25; b.json=b:25; 1s; rm a.json; text b.json ; 60s", "50 complete; a.json: gone, keeps 25; b.json: the document is empty"},
		{"replaced by a folder", "*.json", "a.json=a:2; b.json=b:1; 1s; rm a.json; mkdir a.json; 60s", "3 complete; a.json: not a regular file"},
		{"replaced by a dangling link", "*.json", "a.json=a:2; b.json=b:1; 1s; rm a.json; link none a.json; 60s", "3 complete; a.json: a symbolic link to a file that does not exist"},
		{"replaced by a loop of links", "*.json", "a.json=a:2; b.json=b:1; 1s; rm a.json; link a.json a.json; 60s", "3 complete; stat a.json: too many levels of symbolic links"},
		{"a ConfigMap is swapped", "*.json", "mkdir 1; mkdir 2; 1/a.json=a:9; 2/a.json=a:8; link 1 data; link data/a.json a.json; 1s; link 2 new; mv new data; 1s", "8 complete"},
		{"a ConfigMap loses its data", "*.json", "mkdir 1; 1/a.json=a:9; link 1 data; link data/a.json a.json; 1s; rm 1; 60s", "9 complete; a.json: a symbolic link to a file that does not exist"},
	} {
		t.Run(tc.name, func(t *testing.T) { play(t, "files", tc.patterns, tc.steps, tc.want) })
	}
}

func TestVanishedWhileStopped(t *testing.T) {
	for _, tc := range []struct{ name, patterns, steps, want string }{
		{"no file", "*.json", "a.json=a:9; b.json=b:2; 1s; restart", "11 complete"},
		{"the only file", "*.json", "a.json=a:9; 1s; restart; rm a.json; 600s", "0 incomplete; *.json: no match, keeps 9"},
		{"the only file, one name", "*.json", "a.json=a:1; 1s; restart; rm a.json; 600s", "0 incomplete; *.json: no match, keeps "},
		{"one of two files, six names", "*.json", "a.json=a:6; b.json=b:2; 1s; restart; rm a.json; 600s", "2 incomplete; a.json: gone, keeps 6"},
		{"one of two files, five names, after 4 s", "*.json", "a.json=a:5; b.json=b:2; 1s; restart; rm a.json; 4s", "2 incomplete"},
		{"one of two files, five names, after 5 s", "*.json", "a.json=a:5; b.json=b:2; 1s; restart; rm a.json; 5s", "2 complete"},
		{"two files with six names together", "*.json", "a.json=a:3; b.json=b:3; c.json=c:1; 1s; restart; rm a.json b.json; 600s", "1 incomplete; a.json, b.json: gone, keeps 6"},
		{"two files with the same names", "*.json", "a.json=a:9; b.json=a:9; c.json=c:1; 1s; restart; rm a.json b.json; 600s", "1 incomplete; a.json, b.json: gone, keeps 9"},
		{"one of two files with the same names", "*.json", "a.json=a:9; b.json=a:9; c.json=c:1; 1s; restart; rm a.json; 6s", "10 complete"},
		{"two files with the same names, one after the other", "*", "a=a:9; b=a:9; c=c:1; 1s; restart; text a [; rm b; 6s; rm a; 60s", "1 incomplete; a: gone, keeps 9"},
		{"the file reappears", "*.json", "a.json=a:9; 1s; restart; rm a.json; 60s; a.json=b:1; 11s", "1 complete"},
		{"the file reappears empty", "*.json", "a.json=a:9; b.json=b:1; 1s; restart; rm a.json; 60s; a.json=a:0; 11s", "1 complete"},
		{"a second restart", "*.json", "a.json=a:9; b.json=b:1; 1s; restart; rm a.json; 1s; b.json=b:2; 1s; restart; 60s", "2 incomplete; a.json: gone, keeps 9"},
		{"gone before the restart", "*.json", "a.json=a:9; b.json=b:1; 1s; rm a.json; 60s; restart; 60s", "1 incomplete; a.json: gone, keeps 9"},
		{"dropped before the restart", "*.json", "a.json=a:2; b.json=b:1; 1s; rm a.json; 6s; restart", "1 complete"},
		{"the file is invalid", "*.json", "a.json=a:9; b.json=b:1; 1s; restart; text a.json [; 60s", "1 incomplete; a.json: line 1: unexpected end of JSON input"},
		{"the file is invalid and then gone", "*.json", "a.json=a:9; b.json=b:1; 1s; restart; text a.json [; 60s; rm a.json; 60s", "1 incomplete; a.json: gone, keeps 9"},
		{"the file is a folder", "*.json", "a.json=a:1; b.json=b:1; 1s; restart; rm a.json; mkdir a.json; 60s", "1 incomplete; a.json: not a regular file"},
		{"the folder is gone", "d/*.json", "mkdir d; d/a.json=a:1; d/b.json=b:1; 1s; restart; mv d e; 60s", "0 incomplete; d/*.json: no match, keeps 2"},
	} {
		t.Run(tc.name, func(t *testing.T) { play(t, "files", tc.patterns, tc.steps, tc.want) })
	}
}

// Names that a vanished file shared with another one, or that followed in the same file,
// are kept while the process runs, and missed after a restart.
func TestSharedNames(t *testing.T) {
	const before = "a=n:10; b=n:10; c=c:1; 20s; "
	for _, tc := range []struct{ name, kind, before, steps, live, restarted string }{
		{"emptied", "files", before, "rm a; text b []; 20s", "11 complete; a: gone, keeps 10", "1 incomplete; a: gone, keeps 10"},
		{"shrunk", "files", before, "rm a; b=n:1; 20s", "11 complete; a: gone, keeps 9", "2 incomplete; a: gone, keeps 9"},
		{"as it was", "files", before, "rm a; 20s", "11 complete", "11 complete"},
		{"emptied", "hosts", before, "rm a; text b # no endpoints|; 30s", "11 complete; a: gone, keeps 10", "1 incomplete; a: gone, keeps 10"},
		{"shrunk", "hosts", before, "rm a; b=n:1; 30s", "11 complete; a: gone, keeps 9", "2 incomplete; a: gone, keeps 9"},
		{"as it was", "hosts", before, "rm a; 30s", "11 complete", "11 complete"},
		{"unreadable", "lines", "a=n:3; b=b:1; c=c:1; 20s; ", "a=n:1; 1s; rm b; mkdir d; rm a; link d a; 16s", "4 complete; a: not a regular file", "2 incomplete; a: not a regular file"},
		{"rewritten", "hosts", "a=n:3; b=b:1; c=c:1; 20s; ", "rm b; a=n:1; 4s; a=n:1; 4s; a=n:1; 4s; a=n:1; 4s", "4 complete", "2 incomplete"},
		{"the first document", "lines", "a=n:10; 20s; ", "a=n:1; 3s", "10 complete", "1 incomplete"},
		{"the only document", "lines", "a=n:10; 20s; ", "a=n:1; 12s", "1 complete", "1 complete"},
		{"all documents", "lines", "a=n:10; 20s; ", "a=n:1; 3s; a=n:10; 12s", "10 complete", "10 complete"},
	} {
		t.Run(tc.kind+" "+tc.name, func(t *testing.T) {
			play(t, tc.kind, "*", tc.before+tc.steps, tc.live)
			play(t, tc.kind, "*", tc.before+"restart; "+tc.steps, tc.restarted)
		})
	}
}

func TestLossTexts(t *testing.T) {
	const (
		exports  = "write an empty array ([]) into each"
		zone     = `write the line "; no endpoints" into each`
		hosts    = `write the line "# no endpoints" into each`
		restore  = "kept: restore its files; if there are no endpoints, "
		corefile = ", or remove the pattern from the Corefile"
	)
	for _, tc := range []struct{ name, steps, want string }{
		{"a pattern", "a=a:2; 1s; rm a", "*: no longer matches a file, its last 2 names are " + restore + exports + corefile},
		{"a pattern, one name", "a=a:1; 1s; rm a", "*: no longer matches a file, its last name is " + restore + exports + corefile},
		{"a file", "a=a:6; b=b:1; 1s; rm a", "a: the file is gone, the last 6 names are kept: restore it; if it has no endpoints, write an empty array ([]) into it"},
		{"two files", "a=a:6; b=b:6; c=c:1; 1s; rm a b", "a, b: the files are gone, their last 12 names are kept: restore them; if they have no endpoints, " + exports},
		{"hosts: a pattern", "a=a:2; 1s; rm a", "*: no longer matches a file, its last 2 names are " + restore + hosts + corefile},
		{"zonefile: a pattern", "a=a:2; 1s; rm a", "*: no longer matches a file, its last 2 names are " + restore + zone + corefile},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kind, _, _ := strings.Cut(tc.name, ":")
				s := newScenario(t, kind, "*")
				for step := range strings.SplitSeq(tc.steps+"; 1s", "; ") {
					s.step(step)
				}
				if got := s.short(text(s.err)); got != tc.want {
					t.Errorf("after %q: %s; want %s", tc.steps, got, tc.want)
				}
			})
		})
	}
}
