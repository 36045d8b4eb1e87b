package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// hostileExport has endpoints whose names hold what moves a terminal's cursor, makes a
// line of its own, changes the direction of a line, or is a formula.
func hostileExport(t *testing.T) string {
	t.Helper()
	var all []any
	for i, text := range []string{
		"\x1b[2J\x1b]0;x\a", "\nerror: x", "\r", "\t", "\u202Egpj.exe", "\u2066x\u2069", "\u200Fx", "\u009b31m",
		"\x7f", "\u2028x", "=1+1", "+1", "-1", "@x", "\t=1",
	} {
		for _, status := range []string{"Approved", text} {
			all = append(all, map[string]any{
				"id": text + fmt.Sprint(i) + status,
				"customDnsConfigs": []any{
					map[string]any{"fqdn": fmt.Sprintf("a%d.blob.core.windows.net", i), "ipAddresses": []string{fmt.Sprintf("10.0.0.%d", i+1), text}},
					map[string]any{"fqdn": text, "ipAddresses": []string{"10.0.1.1"}},
				},
				"privateLinkServiceConnections": []any{map[string]any{
					"privateLinkServiceId": "/x/vaults/" + text, "privateLinkServiceConnectionState": map[string]any{"status": status},
				}},
			})
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// No output of any command has a control character, one that changes the direction
// of a line, or a formula.
func TestHostileNames(t *testing.T) {
	t.Chdir(t.TempDir())
	const odd = "odd\x1b[2J\u202E.json"
	for name, text := range map[string]string{"a.json": hostileExport(t), odd: "[\n{", "old.json": `[{"id": "x", "customDnsConfigs": []}]`} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range []string{
		"records -files a.json", "records -files a.json -format json", "records -files a.json -format csv", "records -files a.json -format hosts",
		"records -files a.json -format zone -zone privatelink.blob.core.windows.net",
		"records -files a.json -diff files:old.json", "records -files a.json -diff files:old.json -format json",
		"records -files " + odd, "records -files none\x1b[2J",
		"validate -files a.json", "validate -files a.json " + odd, "validate -files a.json -json",
		"validate -files " + odd + " -json", "validate -conf \x1b[2J\u202E",
		"check -files a.json -no-resolver -server 127.0.0.1:1", "check -files a.json -no-resolver -server 127.0.0.1:1 -all -json",
		"check -files " + odd + " -no-resolver -server 127.0.0.1:1",
		"forwarders -hosts \x1b[2J -format bind -server 10.0.0.4", "\x1b[2J", "records \x1b[2J", "records -\x1b[2J",
	} {
		t.Run(args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			command.Main(t.Context(), program, commands, strings.Fields(args), command.Output{Stdout: &stdout, Stderr: &stderr})
			if stdout.Len()+stderr.Len() == 0 {
				t.Error("it prints nothing")
			}
			for _, line := range strings.Split(stdout.String()+stderr.String(), "\n") {
				if i := strings.IndexFunc(strings.ReplaceAll(line, "\tIN\t", ""), forbidden); i >= 0 || strings.HasPrefix(line, "error: x") {
					t.Errorf("line %q", line)
				}
			}
			if strings.HasSuffix(args, "csv") {
				noFormula(t, stdout.String())
			}
		})
	}
}

// forbidden spares the tabs of a zone file, which are its own.
func forbidden(r rune) bool { return !unicode.IsPrint(r) && r != '\t' }

func noFormula(t *testing.T, text string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 10 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if strings.IndexAny(cell, "=+-@\t\r") == 0 {
				t.Errorf("cell %q", cell)
			}
		}
	}
}
