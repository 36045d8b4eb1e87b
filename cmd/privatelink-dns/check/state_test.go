package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// corefile runs the command in a folder with a Corefile of these properties and
// these files, which are old.
func corefile(t *testing.T, properties string, files map[string]string, args ...string) (status int, stdout string) {
	t.Helper()
	t.Chdir(t.TempDir())
	before := time.Now().Add(-12*24*time.Hour - time.Hour)
	files["Corefile"] = ".:1 {\nprivatelink {\n" + strings.ReplaceAll(properties, "; ", "\n") + "\n}\n}\n"
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, before, before); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	args = append([]string{"check", "-no-resolver"}, args...)
	status = command.Main(t.Context(), "p", []command.Command{Command}, args, command.Output{Stdout: &out, Stderr: &out})
	return status, out.String()
}

// stateOf is the state file of the vault.
func stateOf(source, part string) string {
	var entries []string
	for _, text := range []string{backupEntry, blobEntry, queueEntry} {
		f := strings.Fields(text)
		entries = append(entries, fmt.Sprintf(`{"fqdn": %q, "ipAddresses": [%q], "endpoint": "/subscriptions/0/pe"}`, f[0], f[1]))
	}
	return fmt.Sprintf(`{"version": 2, "serials": {}, "sources": {%q: {"parts": {%q: 3}, "entries": [%s]}}}`,
		source, part, strings.Join(entries, ","))
}

// While a source fails, the server serves its last good records, and the command
// asks for these.
func TestStateFile(t *testing.T) {
	good := serve(t, true, give(records))
	state := stateOf("files a.json", "a.json")
	nine := strings.Replace(stateOf("files *.json", "a.json"), ": 3}", ": 9}", 1)
	newer := strings.ReplaceAll(vault, "10.0.0.2", "10.0.0.9")
	const all = "18 of 18 answers as expected"
	for _, tt := range []struct {
		name, properties string
		files            map[string]string
		status           int
		want             []string // parts of what is printed
	}{
		{"a broken export", "files a.json; state s", map[string]string{"a.json": "{", "s": state}, 1, []string{
			"source files a.json: 3 names, from the state file s of ", " (12 days ago); it cannot be read as a whole\n", all, "1 1 1 0 pe good",
			"finding 1: a source cannot be read: files a.json: a.json: line 1: unexpected end of JSON input (3 names of it are from the state file s of ",
		}},
		{"a pattern that lost its files", "files lost/*.json; state s", map[string]string{"s": stateOf("files lost/*.json", "lost/a.json")}, 1, []string{
			all, "files lost/*.json: lost/*.json: no longer matches a file, its last 3 names are kept: restore its files; ",
		}},
		{"a file that vanished beside others", "files *.json; state s", map[string]string{"b.json": "[]", "s": nine}, 1, []string{
			all, "a.json: the file is gone, the last 9 names are kept: restore it; ",
		}},
		{"a pattern without files, and no state file", "files lost/*.json", map[string]string{}, 1, []string{
			"files lost/*.json: lost/*.json: no such file\n",
			"no name is known: the sources cannot be read, and there is no state file; a server that has read them before serves its last good records",
			"with the property state in the Corefile",
		}},
		{"a state file without the names", "files a.json; state s", map[string]string{"a.json": "{"}, 1, []string{
			"no name is known: the sources cannot be read, and the state file has none of their names",
		}},
		{"a broken state file", "files a.json; state s", map[string]string{"a.json": vault, "s": "{"}, 1, []string{
			all, "state: s: byte 1: the file ends here, it has been cut",
		}},
		{"an empty export", "files a.json", map[string]string{"a.json": "[]"}, 1, []string{"no source has a name: there is nothing to serve"}},
		{"an old export", "files a.json", map[string]string{"a.json": vault}, 0, []string{
			"source files a.json: 3 names, of ", " (12 days ago)\nserver ", "note: files a.json: its oldest data is of ",
			"Azure Backup adds names after the first backup", "\nall answers are as expected, but the data is old\n",
		}},
		{"an old export beside the new one", "files *.json", map[string]string{"a.json": vault, "b.json": newer}, 1, []string{
			"acct.privatelink.blob.core.windows.net has different addresses in two descriptions of one endpoint, all of them are served: " +
				"10.0.0.2 in a.json:1, 10.0.0.9 in b.json:1 of /subscriptions/0/pe (vault rsv): remove the older file",
		}},
		{"a variable that is not set", "files {$FOLDER_OF_EXPORTS}a.json", map[string]string{"a.json": vault}, 0, []string{
			"warning: Corefile:3: the environment variable FOLDER_OF_EXPORTS is not set",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, got := corefile(t, tt.properties, tt.files, "-server", good)
			if status != tt.status {
				t.Errorf("status %d; want %d\n%s", status, tt.status, got)
			}
			for _, want := range tt.want {
				if !strings.Contains(squeeze(got), want) {
					t.Errorf("printed\n%s\nwant in it\n%s", got, want)
				}
			}
		})
	}
}

func TestJSONOfSources(t *testing.T) {
	files := map[string]string{"a.json": "{", "b.hosts": "10.0.0.4 b.blob.core.windows.net\n", "s": stateOf("files a.json", "a.json")}
	status, got := corefile(t, "files a.json; hosts b.hosts; state s", files, "-server", serve(t, true, give(records)), "-json")
	var r report
	if err := json.Unmarshal([]byte(got), &r); err != nil || status != 1 {
		t.Fatalf("status %d, %v\n%s", status, err, got)
	}
	if s := r.Sources[0]; s.Name != "files a.json" || s.Names != 3 || s.Restored != 3 || s.State != "s" || s.Saved == nil || s.Oldest != nil || !s.Failed {
		t.Errorf("source %+v", s)
	}
	if s := r.Sources[1]; s.Name != "hosts b.hosts" || s.Names != 1 || s.Restored != 0 || s.Oldest == nil || time.Since(*s.Oldest) < 12*24*time.Hour || s.Failed {
		t.Errorf("source %+v", s)
	}
	if len(r.Notes) != 1 || !strings.HasPrefix(r.Notes[0], "hosts b.hosts: its oldest data is of ") {
		t.Errorf("notes %q", r.Notes)
	}
}
