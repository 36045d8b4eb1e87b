package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// The folder testdata/golden has the whole output of each command for the sample
// vault. UPDATE_GOLDEN=1 writes it: read the difference before you commit it.
func TestGolden(t *testing.T) {
	golden, err := filepath.Abs("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile("../../corefile/quickstart.json")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"endpoints.json": string(sample), "Corefile": sampleCorefile} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, args string }{
		{"check-help", "check -h"},
		{"records-help", "records -h"},
		{"validate-help", "validate -h"},
		{"forwarders-help", "forwarders -h"},
		{"records", "records"},
		{"records-files", "records -files endpoints.json"},
		{"records-hosts", "records -format hosts"},
		{"records-zone", "records -format zone -zone privatelink.blob.core.windows.net"},
		{"records-json", "records -format json"},
		{"records-csv", "records -format csv"},
		{"records-diff", "records -diff files:endpoints.json"},
		{"validate", "validate"},
		{"validate-json", "validate -json"},
		{"validate-unknown", "validate -jsno"},
		{"forwarders-powershell", "forwarders -format powershell -server 10.10.0.4 -server 10.10.0.5"},
		{"forwarders-bind", "forwarders -format bind -server 10.10.0.4"},
		{"forwarders-unbound", "forwarders -format unbound -server 10.10.0.4"},
		{"forwarders-dnsmasq", "forwarders -format dnsmasq -server 10.10.0.4"},
		{"forwarders-coredns", "forwarders -format coredns -server 10.10.0.4"},
		{"forwarders-systemd-resolved", "forwarders -format systemd-resolved -server 10.10.0.4"},
		{"forwarders-knot-resolver", "forwarders -format knot-resolver -server 10.10.0.4"},
		{"forwarders-pdns-recursor", "forwarders -format pdns-recursor -server 10.10.0.4"},
		{"forwarders-pdns-recursor-yaml", "forwarders -format pdns-recursor-yaml -server 10.10.0.4"},
		{"forwarders-knot-resolver-6", "forwarders -format knot-resolver-6 -server 10.10.0.4"},
		{"forwarders-azure-ruleset", "forwarders -format azure-ruleset -server 10.10.0.4"},
		{"forwarders-technitium", "forwarders -format technitium -server 10.10.0.4"},
		{"forwarders-adguard-home", "forwarders -format adguard-home -server 10.10.0.4"},
		{"forwarders-pi-hole", "forwarders -format pi-hole -server 10.10.0.4"},
		{"forwarders-opnsense", "forwarders -format opnsense -server 10.10.0.4"},
		{"forwarders-names", "forwarders -format dnsmasq -names -server 10.10.0.4"},
	} {
		t.Run(tt.name, func(t *testing.T) { compare(t, filepath.Join(golden, tt.name+".txt"), transcript(t, tt.args)) })
	}
}

const sampleCorefile = `. {
    privatelink {
        files endpoints.json
    }
    lru
    upstream . 168.63.129.16
}
`

// moment is the time of a source or a serial, which is that of the test.
var moment = regexp.MustCompile(`\b1[789]\d{8}\b|\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?`)

// transcript returns what the command prints, and its status.
func transcript(t *testing.T, args string) string {
	var stdout, stderr bytes.Buffer
	status := command.Main(t.Context(), program, commands, strings.Fields(args), command.Output{Stdout: &stdout, Stderr: &stderr})
	text := "$ " + program + " " + args + "\n" + stdout.String()
	if stderr.Len() > 0 {
		text += "--- stderr\n" + stderr.String()
	}
	return moment.ReplaceAllString(text, "TIME") + "--- status " + string(rune('0'+status)) + "\n"
}

func compare(t *testing.T, file, got string) {
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // G301: part of the sources
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil { //nolint:gosec // G306: part of the sources
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s\n got %s\nwant %s", filepath.Base(file), got, want)
	}
}
