package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	configFolders = regexp.MustCompile(`/(etc|var/lib)/privatelink-dns`)
	resolvConf    = strings.NewReplacer("/etc/resolv.conf", "127.0.0.1:1")
)

// Every published Corefile is valid once its files exist. The ports are not rewritten,
// because validate does not listen.
func TestValidateCorefiles(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../corefile/*.corefile")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no Corefiles: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := prepare(t, "")
			s.env["QUICKSTART"] = s.dir
			s.write("endpoints.json", export(vault...))
			s.write("Corefile", resolvConf.Replace(configFolders.ReplaceAllLiteralString(string(text), s.dir)))
			stdout, stderr, status := s.command("validate")
			if status != 0 || !strings.HasSuffix(stdout, "\nvalid\n") || stderr != "" {
				t.Errorf("status %d\n%s%s", status, stdout, stderr)
			}
			// The command sets up both Corefiles in one process.
			if !strings.Contains(string(text), "azure") {
				s.prints("records -diff conf:Corefile", 0, "")
			}
		})
	}
}

// validate reports errors of privatelink and of other plugins, with the exit status
// for a pipeline.
func TestValidate(t *testing.T) {
	t.Parallel()
	s := prepare(t, "")
	s.write("vault.json", export(vault...))
	s.write("broken/export.json", "[\n{")
	s.write("sql.json", strings.ReplaceAll(export("x.database.windows.net 10.20.0.9"), "pe-vault-we", "pe-sql"))
	s.write("pending.json", strings.NewReplacer("pe-vault-we", "pe-new", "Approved", "Pending").Replace(export("new.blob.core.windows.net 10.20.0.9")))
	for _, tt := range []struct {
		name, corefile string
		status         int
		want           string
	}{
		{"valid", ". {\n  health :8080\n  prometheus :9153\n  privatelink {\n    files vault.json\n  }\n  forward . 127.0.0.1:1\n}\n", 0, "valid\n"},
		{"a missing export", ". {\n  privatelink {\n    files none.json vault.json\n  }\n}\n", 0, "warning: Corefile:2: files none.json vault.json: none.json: no such file (until there is one,"},
		{"a database beside the vault", ". {\n  privatelink {\n    files sql.json vault.json\n  }\n}\n", 0, "to the zones of privatelink\nvalid, 1 note\n"},
		{"nothing but a database", ". {\n  privatelink {\n    files sql.json\n  }\n}\n", 1, "error: Corefile:2: its sources have no name: "},
		{"a Pending endpoint", ". {\n  privatelink {\n    files pending.json vault.json\n  }\n}\n", 1,
			"its connection is Pending, only Approved endpoints are served\nvalid, but not all names are served as they should be: 1 error\n"},
		{"a broken export", ". {\n  privatelink {\n    files broken/*\n  }\n}\n", 2, "error: Corefile:2: files broken/*: broken/export.json: line 2: unexpected end of JSON input\n"},
		{"forward without an upstream", ". {\n  privatelink {\n    files vault.json\n  }\n  forward\n}\n", 2, "error: plugin/forward: Corefile:5 - Error during parsing: Wrong argument count"},
		{"an invalid cache size", ". {\n  privatelink {\n    files vault.json\n  }\n  lru many\n}\n", 2, "error: plugin/lru: Corefile:5 - Error during parsing: "},
		{"an unknown property", ". {\n  privatelink {\n    geos we\n  }\n}\n", 2, "error: plugin/privatelink: Corefile:3 - Error during parsing: geos: unknown property"},
		{"a missing certificate", "tls://. {\n  tls cert.pem key.pem\n  privatelink {\n    files vault.json\n  }\n}\n", 2, "error: plugin/tls: "},
		{"an invalid network in an access list", ". {\n  acl {\n    allow net 10.0.0.0/33\n  }\n  privatelink {\n    files vault.json\n  }\n}\n", 2, "error: plugin/acl: "},
		{"a duplicate server block", ".:1 {\n  privatelink {\n    files vault.json\n  }\n}\n.:1 {\n  errors\n}\n", 2, "error: Corefile: cannot serve dns://.:1 - it is already defined\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.write("Corefile", tt.corefile)
			stdout, stderr, status := s.command("validate")
			if status != tt.status || !strings.Contains(stdout, tt.want) || stderr != "" {
				t.Errorf("status %d, stdout\n%s\nstderr\n%s\nwant %d,\n%s", status, stdout, stderr, tt.status, tt.want)
			}
		})
	}
	s.write("Corefile", "")
	cmd := s.prepareCommand("validate -conf stdin")
	cmd.Stdin = strings.NewReader(". {\n  privatelink {\n    geo eastus\n    files vault.json\n  }\n}\n")
	out, err := cmd.CombinedOutput()
	want := `error: plugin/privatelink: stdin:3 - Error during parsing: geo: "eastus" is a region, its geo code is "eus"`
	if cmd.ProcessState.ExitCode() != 2 || !strings.HasPrefix(string(out), want) {
		t.Errorf("Corefile from a pipe: %v, %s; want %s", err, out, want)
	}
}
