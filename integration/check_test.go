package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// checks runs the command check and compares its exit status. The output must contain
// parts.
func (s *server) checks(status int, args string, parts ...string) {
	s.t.Helper()
	stdout, stderr, got := s.command("check " + args)
	if got != status || stderr != "" {
		s.t.Errorf("check %s: status %d, stderr %q; want %d\n%s", args, got, stderr, status, stdout)
	}
	for _, want := range parts {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			s.t.Errorf("check %s: output lacks %q:\n%s", args, want, stdout)
		}
	}
}

// The command check queries the server at the addresses of its Corefile.
func TestCheck(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile())
	s.checks(0, "-conf Corefile -no-resolver", "server "+s.addr("")+": 51 of 51 answers as expected", "2 4 2 0 pe-vault-we good", "all good")
	s.checks(0, "-conf Corefile -resolver "+s.addr(""), "resolver "+s.addr("")+": 34 of 34", "all good")
	s.checks(1, "-conf Corefile -resolver "+upstream.Addr,
		"names wrong at this machine's resolver",
		"returns a public address: the backup leaves the private network, or fails wepod01ecs114x.privatelink.blob.core.windows.net UDP A: 203.0.113.7",
		"remedy: forward blob.core.windows.net from it to privatelink-dns",
		"remedy: forward backup.windowsazure.com from it to privatelink-dns")
}

// Each configuration error is reported with its remedy.
func TestCheckFindings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, corefile, want string }{
		{"this machine is blocked", corefile("acl {", "    block", "}"), "refuses to answer this machine"},
		{"a server block lacks a zone", strings.Replace(corefile(), ".:{$PORT}", "core.windows.net:{$PORT} we.backup.windowsazure.com:{$PORT}", 1),
			"remedy: add blob.storage.azure.net to the server block with privatelink, which is for core.windows.net, we.backup.windowsazure.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := serve(t, tt.corefile)
			s.checks(1, "-conf Corefile -no-resolver", tt.want)
		})
	}
	t.Run("the server has not read every source", func(t *testing.T) {
		t.Parallel()
		s, _ := serve(t, strings.Replace(corefile(), "files {$DIR}/*.json", "files {$DIR}/*.json {$DIR}/none.txt", 1))
		s.write("later/more.json", strings.ReplaceAll(export("new1x.blob.core.windows.net 10.20.0.90"), "pe-vault-we", "pe-later"))
		s.checks(1, "-files later/*.json -no-resolver -server "+s.addr(""), "has not read every source yet", "remedy: see its log")
	})
}

// A pattern that lost its files: the server serves their last names, and the command
// asks for them.
func TestCheckFilesThatVanished(t *testing.T) {
	t.Parallel()
	s := prepare(t, strings.Replace(corefile(), "files {$DIR}/*.json", "files {$DIR}/exports/*.json\n        state {$DIR}/state", 1))
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("exports/vault.json", export(vault...))
	s.start()
	eventually(t, "state file", func() bool {
		stdout, _, status := s.command("records -conf Corefile -diff state:state")
		return status == 0 && stdout == ""
	})
	if err := os.RemoveAll(filepath.Join(s.dir, "exports")); err != nil {
		t.Fatal(err)
	}
	s.logs("no longer matches a file")
	s.checks(1, "-conf Corefile -no-resolver", "8 names, from the state file "+s.dir+"/state of ",
		"51 of 51 answers as expected", "no longer matches a file, its last 8 names are kept")
}

// Files that the shell makes of a pattern, and two servers in one flag.
func TestCheckForgivesFlags(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	s.write("later.json", strings.ReplaceAll(export(vault...), "pe-vault-we", "pe-later"))
	s.checks(1, "-files later.json vault.json -no-resolver -server "+s.addr("")+",127.0.0.1:1", "server "+s.addr("")+": 51 of 51", "is in two endpoints")
}

// The report follows a vault from its private endpoint to the first backup and to
// the rejection of its connection.
func TestCheckFollowsAVault(t *testing.T) {
	t.Parallel()
	s, arm := serveLive(t, live(), true, vaultEndpoint(fc1))
	s.becomes(fc1, fc1Served)
	s.checks(0, "-conf Corefile -no-resolver", "1 0 0 0 pe-vault-we (vault pe-vault-we) good",
		"no storage names yet: normal before the first registration", "all good")
	arm.Update(func(e fakearm.Estate) { e[subscription] = []fakearm.Endpoint{vaultEndpoint(fc1, blob)} })
	s.becomes(blob, blobServed)
	s.checks(0, "-conf Corefile -no-resolver", "1 1 0 0", "no queue name yet", "all good")
	arm.Update(func(e fakearm.Estate) {
		rejected := vaultEndpoint(fc1, blob)
		rejected.Status = "Rejected"
		e[subscription] = []fakearm.Endpoint{rejected}
	})
	s.becomes(fc1, "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com.")
	s.checks(1, "-conf Corefile -no-resolver", "its connection is Rejected",
		"remedy: it cannot be approved any more, delete the private endpoint and create it again", "no source has a name")
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	stdout, stderr, status := s.command("check -conf Corefile -no-resolver -json")
	var report struct {
		Status    int
		Endpoints []struct{ Verdict string }
		Findings  []any
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || status != 0 || stderr != "" {
		t.Fatalf("status %d, %v\n%s\n%s", status, err, stdout, stderr)
	}
	if report.Status != 0 || len(report.Endpoints) != 1 || report.Endpoints[0].Verdict != "good" || report.Findings == nil || len(report.Findings) != 0 {
		t.Errorf("report %+v", report)
	}
}
