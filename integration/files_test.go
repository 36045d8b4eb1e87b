package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	fc1  = "4728190365512870934-ab-pod01-fc1.privatelink.we.backup.windowsazure.com"
	blob = "wepod01ecs114x.blob.core.windows.net"

	rec2        = "4728190365512870934-ab-pod01-rec2.we.backup.windowsazure.com"
	privateRec2 = "4728190365512870934-ab-pod01-rec2.privatelink.we.backup.windowsazure.com"
)

// becomes waits until dig's reply equals want.
func (s *server) becomes(question, want string) {
	s.t.Helper()
	last := ""
	defer func() {
		if last != want {
			s.t.Errorf("dig %s\n got %s\nwant %s", question, last, want)
		}
	}()
	eventually(s.t, question+" = "+want, func() bool {
		last = dig(s.t, s.addr(""), strings.Fields(question)...).String()
		return last == want
	})
}

// remains checks that dig's reply equals want.
func (s *server) remains(question, want string) {
	s.t.Helper()
	if got := dig(s.t, s.addr(""), strings.Fields(question)...).String(); got != want {
		s.t.Errorf("dig %s\n got %s\nwant %s", question, got, want)
	}
}

func TestChangedFile(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")

	s.write("vault.json", export(fc1+" 10.20.0.44", "new.blob.core.windows.net 10.20.0.45"))
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.44")
	s.remains("new.blob.core.windows.net", "NOERROR ra: CNAME new.privatelink.blob.core.windows.net., A 10.20.0.45")

	s.write("second.json", strings.ReplaceAll(export("late.queue.core.windows.net 10.20.0.46"), "pe-vault-we", "pe-late"))
	s.becomes("late.queue.core.windows.net", "NOERROR ra: CNAME late.privatelink.queue.core.windows.net., A 10.20.0.46")
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.44")
}

// Each query is answered from the old records or from the new ones, never from a
// mixture or from an empty set.
func TestChangedFileIsAtomic(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	s.write("vault.json", export(fc1+" 10.20.1.1 10.20.1.2 10.20.1.3", blob+" 10.20.1.1"))
	eventually(t, "new records", func() bool {
		switch got := dig(t, s.addr(""), fc1).String(); got {
		case "NOERROR aa ra: A 10.20.0.4":
			return false
		case "NOERROR aa ra: A 10.20.1.1, A 10.20.1.2, A 10.20.1.3":
			return true
		default:
			t.Fatalf("dig %s = %s; want the old or the new records", fc1, got)
			return false
		}
	})
	s.remains(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.1.1")
}

func TestBrokenFile(t *testing.T) {
	t.Parallel()
	whole := export(vault...)
	for _, tt := range []struct{ name, text, log string }{
		{"truncated", whole[:len(whole)/2], `vault\.json: line \d+: unexpected end of JSON input`},
		{"garbage", "\n\n<html>", `vault\.json: line 3: not JSON; export with -o json \(this is HTML or XML\)`},
		{"empty", "", `vault\.json: the document is empty`},
		{"wrong shape", "[\n\"a\"\n]", `vault\.json: line 2: `},
		{"first page of several", `{"value": [` + whole + `], "nextLink": "https://example.invalid/?page=2"}`, `vault\.json: one page of a longer listing`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := serve(t, corefile("ready 127.0.0.1:{$PORT_READY}"))
			s.write("vault.json", tt.text)
			s.logs(`\[ERROR\] plugin/privatelink: .*` + tt.log + `.*\(its last good records are served\)`)
			s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
			s.remains(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")
			if got := s.ready(); got != http.StatusOK {
				t.Errorf("ready with a broken file = %d; want 200", got)
			}

			s.write("vault.json", export(fc1+" 10.20.0.44"))
			s.becomes(fc1, "NOERROR aa ra: A 10.20.0.44")
			s.logs(`recovered`)
		})
	}
}

func TestBrokenHostsFile(t *testing.T) {
	t.Parallel()
	s := prepare(t, strings.Replace(corefile(), "files {$DIR}/*.json", "hosts {$DIR}/vault.hosts", 1))
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("vault.hosts", "# a vault\r\n10.20.0.4 "+fc1+"\r\n10.20.0.12 "+blob+" # blob\r\n")
	s.start()
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	s.write("vault.hosts", "10.20.0.44 "+fc1+"\n\n10.20.0.400 "+blob+"\n")
	s.logs(`vault\.hosts: line 3: "10\.20\.0\.400" is not an IP address.*\(its last good records are served\)`)
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	s.remains(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")
}

// A pattern that no longer matches any file is an error, because a missing file
// does not prove that the endpoints are gone.
func TestDeletedFile(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile("ready 127.0.0.1:{$PORT_READY}"))
	s.remove("vault.json")
	s.logs(`\[ERROR\] plugin/privatelink: .*/\*\.json: no longer matches a file, ` +
		`its last \d+ names are kept: restore its files; .*\(its last good records are served\)`)
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	s.remains(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")
	if got := s.ready(); got != http.StatusOK {
		t.Errorf("ready with a deleted file = %d; want 200", got)
	}

	s.write("vault.json", export(fc1+" 10.20.0.44"))
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.44")
	s.logs(`recovered`)
	s.write("vault.json", "[]")
	s.becomes(fc1, "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com.")
}

// A folder that becomes empty is an error, because it looks like a share that is
// not mounted.
func TestRenamedFolder(t *testing.T) {
	t.Parallel()
	s := prepare(t, strings.Replace(corefile(), "files {$DIR}/*.json", "files {$DIR}/share/*.json", 1))
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("share/vault.json", export(vault...))
	s.start()
	s.rename("share", "away")
	s.write("share/lost+found/x", "")
	s.logs(`share/\*\.json: no longer matches a file`)
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	s.remove("share/lost+found/x")
	s.remove("share/lost+found")
	s.remove("share")
	s.rename("away", "share")
	s.logs(`recovered`)
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
}

// If one of several files is deleted, its names are removed after a delay, provided
// that the file had few names.
func TestDeletedFileOfSeveral(t *testing.T) {
	t.Parallel()
	const zone, nxdomain = ".privatelink.we.backup.windowsazure.com", "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."
	part := func(name string, names int) string {
		var lines []string
		for i := range names {
			lines = append(lines, fmt.Sprintf("%s%d%s 10.20.0.60", name, i, zone))
		}
		return strings.ReplaceAll(export(lines...), "pe-vault-we", "pe-"+name)
	}
	s := prepare(t, corefile())
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("vault.json", export(vault...))
	s.write("five.json", part("five", 5))
	s.write("six.json", part("six", 6))
	s.start()
	s.remains("five0"+zone, "NOERROR aa ra: A 10.20.0.60")

	deleted := time.Now()
	s.remove("five.json")
	s.becomes("five0"+zone, nxdomain)
	if after := time.Since(deleted); after < 5*time.Second {
		t.Errorf("the names of a deleted file were removed after %v; want at least 5s", after)
	}
	s.remove("six.json")
	s.logs(`\[ERROR\] plugin/privatelink: .*six\.json: the file is gone, the last 6 names are kept: restore it; .*\(its last good records are served\)`)
	s.remains("six0"+zone, "NOERROR aa ra: A 10.20.0.60")
	s.write("six.json", "[]")
	s.becomes("six0"+zone, nxdomain)
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
}

// A change is noticed even if it alters neither the file's size nor its
// modification time.
func TestChangeWithinTheClockTick(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	path := filepath.Join(s.dir, "vault.json")
	s.write("vault.json", export(fc1+" 10.20.0.44"))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.44")
	s.write("vault.json", export(fc1+" 10.20.0.55"))
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.55")
}

// No name is removed while a hosts file is being rewritten.
func TestSlowHostsFile(t *testing.T) {
	t.Parallel()
	const private, public = "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12",
		"NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., CNAME blob.am01prdstr01a.store.core.windows.net., A 203.0.113.7"
	s := prepare(t, strings.Replace(corefile(), "files {$DIR}/*.json", "hosts {$DIR}/vault.hosts", 1))
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("vault.hosts", "10.20.0.4 "+fc1+"\n10.20.0.12 "+blob+"\n")
	s.start()
	for _, tt := range []struct{ name, rest string }{
		{"cut within a line", "10.20.0.12 wepod"},
		{"cut at the end of a line", ""},
	} {
		s.write("vault.hosts", "10.20.0.44 "+fc1+"\n"+tt.rest)
		s.becomes(fc1, "NOERROR aa ra: A 10.20.0.44")
		if got := dig(t, s.addr(""), blob).String(); got != private {
			t.Errorf("%s: dig %s = %s; want %s", tt.name, blob, got, private)
		}
		s.write("vault.hosts", "10.20.0.4 "+fc1+"\n10.20.0.12 "+blob+"\n")
		s.becomes(fc1, "NOERROR aa ra: A 10.20.0.4")
		s.remains(blob, private)
	}
	shortened := time.Now()
	s.write("vault.hosts", "10.20.0.4 "+fc1+"\n")
	s.becomes(blob, public)
	if after := time.Since(shortened); after < 10*time.Second {
		t.Errorf("a name of a shortened hosts file was removed after %v; want at least 10s", after)
	}
}

func (s *server) remove(name string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) rename(from, to string) {
	s.t.Helper()
	if err := os.Rename(filepath.Join(s.dir, from), filepath.Join(s.dir, to)); err != nil {
		s.t.Fatal(err)
	}
}
