package privateendpoint

import (
	"bytes"
	"strings"
	"testing"
)

// TestDocuments joins documents as people do: with >>, with jq -c, and with the
// warnings that az prints beside its output.
func TestDocuments(t *testing.T) {
	const (
		a, b     = `{"id": "a", "customDnsConfigs": []}`, `{"id": "b", "customDnsConfigs": []}`
		vnet     = `{"id": "vnet", "type": "Microsoft.Network/virtualNetworks"}`
		preview  = "WARNING: Command group 'x' is in preview: https://aka.ms/CLI_refstatus\n"
		python   = "/opt/az/lib/python3.11/site-packages/azure/cli/_command.py:132: FutureWarning: functools.partial\n  if self.INFO:\n"
		failed   = "ERROR: (AuthorizationFailed) The client does not have authorization\n"
		notJSON  = "not JSON; export with -o json"
		ofExport = notJSON + " (this is an error of the export)"
	)
	for _, tc := range []struct{ name, in, want string }{
		{"two arrays in one line", "[" + a + "][" + b + "]", "a:1 b:1"},
		{"several exports appended with >>", "[\n" + a + "\n]\n[\n" + b + "\n]\n", "a:2 b:5"},
		{"an empty array among them", "[]\n[" + a + "]\n[ ]\n", "a:2"},
		{"one endpoint a line", a + "\n" + b + "\n", "a:1 b:2"},
		{"one endpoint a line, CRLF, blank lines", a + "\r\n\r\n" + b + "\r\n\r\n", "a:1 b:3"},
		{"one resource a line, one of another type", vnet + "\n" + a, "a:2"},
		{"page of ARM and an array", `{"value": [` + a + "]}\n[" + b + "]", "a:1 b:2"},
		{"warning before", preview + "[" + a + "]", "a:2"},
		{"warning behind", "[" + a + "]\n" + preview, "a:1"},
		{"warnings between", preview + "[" + a + "]\n" + preview + preview + "[" + b + "]\n", "a:2 b:5"},
		{"warning of Python", python + "[" + a + "]", "a:3"},
		{"byte order mark between", "[" + a + "]\n\ufeff[" + b + "]", "a:1 b:2"},
		{"warning alone", preview, "the document is empty"},
		{"warning in PowerShell's form", "az : WARNING: The command is in preview\n[]", "line 1: " + notJSON + " (a warning precedes it, redirect the standard output only)"},
		{"error behind", "[" + a + "]\n" + failed, "line 2: " + ofExport},
		{"error between", "[" + a + "]\n" + failed + "[" + b + "]", "line 2: " + ofExport},
		{"error of ARM behind", "[" + a + "]\n{\"error\": {\"code\": \"AuthorizationFailed\"}}", errNothing.Error()},
		{"text behind", "[" + a + "]\n\nx", "line 3: " + notJSON},
		{"number behind", "[" + a + "]\n7\n", "line 2: 7 where an object or an array is expected"},
		{"bracket too many", "[" + a + "]]", "line 1: " + notJSON},
		{"second array cut", "[" + a + "]\n[" + b, "line 2: unexpected end of JSON input"},
		{"last line cut", a + "\n" + b[:20], "line 2: unexpected end of JSON input"},
		{"second array broken", "[" + a + "]\n[\n" + b + "\n,]", "line 4: invalid character ']' looking for beginning of value"},
		{"first page of two", `{"value": [` + a + `], "nextLink": "n"}[` + b + "]", "a:1 b:1 next n"},
		{"other types only", vnet + "\n" + vnet, errNothing.Error()},
		{"array of other types behind", "[" + a + "]\n[" + vnet + "]", errNothing.Error()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := positions(Decode([]byte(tc.in))); got != tc.want {
				t.Errorf("Decode(%q) = %s; want %s", tc.in, got, tc.want)
			}
		})
	}
}

// positions returns the IDs and lines of the endpoints of a page, or the error.
func positions(page Page, err error) string {
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, e := range page.Endpoints {
		all = append(all, e.ID+":"+string(rune('0'+e.Line)))
	}
	if page.Next != "" {
		all = append(all, "next "+page.Next)
	}
	return strings.Join(all, " ")
}

// A text of many documents is read in a time that grows with its length only.
func TestManyDocuments(t *testing.T) {
	const number = 20_000
	in := bytes.Repeat([]byte(`{"id": "pe", "customDnsConfigs": []}`+"\n"), number)
	in = append(in, bytes.Repeat([]byte(" \n"), 1<<20)...)
	page, err := Decode(in)
	if err != nil || len(page.Endpoints) != number || page.Documents != number || page.Endpoints[number-1].Line != number {
		t.Errorf("Decode(%d lines) = %d endpoints, %d documents, %v", number, len(page.Endpoints), page.Documents, err)
	}
}
