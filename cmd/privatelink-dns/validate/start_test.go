package validate

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

// What the server would log at its start about plugin status is a warning.
func TestStatus(t *testing.T) {
	inFolder(t)
	for name, text := range map[string]string{"short": "0123456789abcde\n", "token": "0123456789abcdef\n", "sub/token2": "x"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const (
		begin = "warning: Corefile:5: status: Off, DNS is not affected: "
		end   = ": correct the file, and reload\nvalid, 1 warning\n"
	)
	for _, tt := range []struct{ name, status, want string }{
		{"without properties", "status", "valid\n"},
		{"a token", "status {\ntoken token\n}", "valid\n"},
		{"no token file", "status {\ntoken none\n}", begin + "token: open none: no such file or directory" + end},
		{"a short token", "status {\ntoken short\n}", begin + "token: short: a token has at least 16 characters, this one has 15" + end},
		{"no certificate", "status {\ntls none key\n}", begin + "tls: open none: no such file or directory" + end},
		{"below root", "root sub\nstatus {\ntoken token2\n}", "sub/token2: a token has at least 16 characters, this one has 1" + end},
		{"of two blocks", "status {\ntoken none\n}\n}\nexample.org {\nstatus {\ntoken none\n}", begin + "token: open none: no such file or directory" + end},
	} {
		t.Run(tt.name, func(t *testing.T) {
			corefile := forRoot("record a.blob.core.windows.net 10.0.0.1")
			corefile = strings.TrimSuffix(corefile, "}\n") + tt.status + "\n}\n"
			if status, stdout, stderr := run(t, corefile, ""); status != 0 || !strings.HasSuffix(stdout, tt.want) || stderr != "" {
				t.Errorf("status %d, stdout\n%s\nstderr\n%s\nwant 0,\n%s", status, stdout, stderr, tt.want)
			}
		})
	}
}

// A name outside of the zones is left out on purpose, unless it is nearly in one of them.
func TestMisspelt(t *testing.T) {
	inFolder(t)
	if err := os.WriteFile("typo.hosts", []byte("10.1.1.1 a.blob.core.window.net\n10.1.1.2 sql.database.windows.net\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "warning: Corefile:2: hosts typo.hosts: skipped typo.hosts:1: a.blob.core.window.net is in none of the zones, " +
		"do you mean privatelink.blob.core.windows.net?\nvalid, 1 warning, 1 note\n"
	if status, stdout, stderr := run(t, forRoot("files a.json", "hosts typo.hosts"), ""); status != 0 || !strings.HasSuffix(stdout, want) || stderr != "" {
		t.Errorf("status %d, stdout\n%s\nstderr\n%s\nwant 0,\n%s", status, stdout, stderr, want)
	}
}

// The state file cannot be written to its folder. The text is that of the server.
func TestReadOnlyState(t *testing.T) {
	if os.Getuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("this user may write to every folder")
	}
	inFolder(t)
	if err := os.Chmod("sub", 0o500); err != nil { //nolint:gosec // G302: a folder
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod("sub", 0o700) }) //nolint:gosec // G302: a folder
	const want = "warning: Corefile:2: state: open sub/state.tmp: permission denied (a restart without Azure would lose the records)\nvalid, 1 warning\n"
	if status, stdout, stderr := run(t, forRoot("files a.json", "state sub/state"), ""); status != 0 || !strings.HasSuffix(stdout, want) || stderr != "" {
		t.Errorf("status %d, stdout\n%s\nstderr\n%s\nwant 0,\n%s", status, stdout, stderr, want)
	}
}
