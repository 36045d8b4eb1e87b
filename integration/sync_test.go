package integration

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// exportOf returns an export of n accounts whose names begin with prefix. Each account
// has its own endpoint.
func exportOf(prefix string, n int) string {
	var all []string
	for i := range n {
		name := fmt.Sprintf("%s%d", prefix, i)
		all = append(all, strings.ReplaceAll(export(fmt.Sprintf("%s.blob.core.windows.net 10.20.8.%d", name, i)), "pe-vault-we", "pe-"+name))
	}
	return "[" + strings.Join(all, ",") + "]"
}

// private checks that every account has its private address.
func (s *server) private(prefix string, n int) {
	s.t.Helper()
	for i := range n {
		name := fmt.Sprintf("%s%d", prefix, i)
		s.remains(name+".blob.core.windows.net", fmt.Sprintf("NOERROR ra: CNAME %s.privatelink.blob.core.windows.net., A 10.20.8.%d", name, i))
	}
}

// killAndRestart kills the server and starts it at once.
func (s *server) killAndRestart() *server {
	s.t.Helper()
	s.stopped = true
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-s.done
	return s.start()
}

// holds waits until the file contains the text.
func (s *server) holds(name, text string) {
	s.t.Helper()
	eventually(s.t, name+" has "+text, func() bool {
		got, _ := os.ReadFile(filepath.Join(s.dir, name))
		return strings.Contains(string(got), text)
	})
}

// An incomplete list removes no name, even after a kill, because the state file holds
// the names and the files of each source.
func TestIncompleteListRemovesNothing(t *testing.T) {
	t.Parallel()
	s := prepare(t, strings.Replace(corefile("ready 127.0.0.1:{$PORT_READY}"), "geo we", "geo we\n        state {$DIR}/state", 1))
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("endpoints-1.json", exportOf("one", 25))
	s.start()
	s.holds("state", "one24.blob.core.windows.net")
	s.remove("endpoints-1.json")
	s.write("endpoints-2.json", "")
	s.logs(`endpoints-2\.json: the document is empty.*its last good records are served`)
	s.logs(`endpoints-1\.json: the file is gone, the last 25 names are kept`)
	s.private("one", 25)

	s.killAndRestart()
	s.logs(`endpoints-1\.json: the file is gone, the last 25 names are kept`)
	s.private("one", 25)
	if got := s.ready(); got != http.StatusOK {
		t.Errorf("ready = %d; want 200 with the state file", got)
	}
	s.remove("endpoints-2.json")
	s.killAndRestart()
	s.logs(`no longer matches a file, its last 25 names are kept`)
	s.private("one", 25)

	s.write("endpoints-1.json", exportOf("one", 3))
	// three syncs have agreed on the loss
	s.becomes("one9.privatelink.blob.core.windows.net A +norec",
		"REFUSED: EDE 20 (Not Authoritative): (RD is not set: forward to this server, do not configure a stub zone)")
	s.private("one", 3)
}

// Two server blocks with one state file do not overwrite each other's records.
func TestSharedStateFile(t *testing.T) {
	t.Parallel()
	block := func(port, source string) string {
		return strings.NewReplacer("{$PORT}", port, "files {$DIR}/*.json", "hosts {$DIR}/"+source+"\n        state {$DIR}/state").Replace(corefile())
	}
	s := prepare(t, block("{$PORT}", "first")+block("{$PORT_SECOND}", "second"))
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("first", "10.20.0.1 first.blob.core.windows.net\n")
	s.write("second", "10.20.0.2 second.blob.core.windows.net\n")
	s.start()
	s.holds("state", "first.blob.core.windows.net")
	s.holds("state", "second.blob.core.windows.net")
	check := func() {
		s.remains("first.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.0.1")
		if got, want := dig(t, s.addr("_SECOND"), "second.privatelink.blob.core.windows.net").String(), "NOERROR aa ra: A 10.20.0.2"; got != want {
			t.Errorf("second block: %s; want %s", got, want)
		}
	}
	s.stop(t)
	s.remove("first")
	s.remove("second")
	s.start()
	check()
	s.killAndRestart()
	check()
}

// A reload that fails at a port in use changes neither answers, state file nor log.
func TestReloadThatFailsLate(t *testing.T) {
	t.Parallel()
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	state := func(corefile string) string {
		return strings.Replace(corefile, "geo we", "geo we\n        state {$DIR}/state", 1)
	}
	s, _ := serve(t, state(reloading("r0.blob.core.windows.net 10.20.9.0")))
	s.holds("state", "wepod01ecs114x.blob.core.windows.net")
	before, err := os.ReadFile(filepath.Join(s.dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	other := strings.NewReplacer("files {$DIR}/*.json", "hosts {$DIR}/other.hosts", "ttl 60s", "").Replace(state(reloading("r1.blob.core.windows.net 10.20.9.1")))
	s.write("other.hosts", "10.20.0.77 other.blob.core.windows.net\n")
	s.write("Corefile", other+fmt.Sprintf("\nx.example:%d {\n    bind 127.0.0.1\n    forward . {$UPSTREAM}\n}\n", occupied.Addr().(*net.TCPAddr).Port))
	s.logs("Corefile changed but reload failed")
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	after, err := os.ReadFile(filepath.Join(s.dir, "state"))
	if err != nil || string(after) != string(before) {
		t.Errorf("the state file changed:\n%s\n%v", after, err)
	}
	if text := s.out.String(); strings.Contains(text, "removed ") || strings.Contains(text, "added other.privatelink.blob.core.windows.net") {
		t.Error("the log reports changes that were not made")
	}
	s.write("vault.json", export(fc1+" 10.20.0.44"))
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.44")
	s.holds("state", "10.20.0.44")

	s.write("Corefile", other)
	s.becomes("other.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.0.77")
	s.logs(`removed 4728190365512870934-ab-pod01-fc1`)
}

// A state path that is not a regular file does not stop the server.
func TestStateFileIsFIFO(t *testing.T) {
	t.Parallel()
	s := prepare(t, strings.Replace(corefile(), "geo we", "geo we\n        state {$DIR}/state", 1))
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("vault.json", export(vault...))
	if err := syscall.Mkfifo(filepath.Join(s.dir, "state"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.logs(`state: .*state: not a regular file \(starting without it`)
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	s.logs(`state: .*state: not a regular file \(a restart without Azure would lose the records\)`)
	s.write("vault.json", export(fc1+" 10.20.0.44"))
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.44")
}
