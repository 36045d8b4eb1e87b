package validate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/root"
	_ "github.com/coredns/coredns/plugin/tls"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	_ "github.com/privatelink-dns/privatelink-dns/plugin/upstream"
)

func TestMain(m *testing.M) {
	dnsserver.Port = "53"
	plugin.Register("view", func(*caddy.Controller) error { return nil }) // a build of one's own may have it
	if err := dnsserver.SetDirectives([]string{"root", "tls", "bind", "status", "view", "fastpath", "privatelink", "upstream"}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const (
	endpointID = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/pe"
	connection = `"privateLinkServiceConnections": [{"privateLinkServiceConnectionState": {"status": "Approved"}}]`
	approved   = `[{"id": "` + endpointID + `", "customDnsConfigs": [
		{"fqdn": "a.blob.core.windows.net", "ipAddresses": ["10.20.0.4"]},
		{"fqdn": "b.z17.blob.storage.azure.net", "ipAddresses": ["10.20.0.5"]}], ` + connection + `}]`
	azureLine = "azure 00000000-0000-0000-0000-000000000000\n"
	stored    = `{"fqdn": "a.blob.core.windows.net", "ipAddresses": ["10.20.0.3"], "endpoint": "/pe"}` // of a state file
	database  = `{"fqdn": "x.database.windows.net", "ipAddresses": ["10.20.0.9"]}`
	server    = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Sql/servers/sql"
)

var files = map[string]string{
	"a.json":          approved,
	"pending.json":    strings.ReplaceAll(approved, "Approved", "Pending"),
	"before.json":     strings.ReplaceAll(approved, "10.20.0.4", "10.20.0.3"),
	"old.json":        approved, // see inFolder
	"sql.json":        "[" + sql(1, "Approved", "Succeeded", database) + "]",
	"sqlpending.json": "[" + sql(1, "Pending", "Succeeded", database) + "]",
	"sqlnew.json":     "[" + sql(1, "Approved", "Updating") + "," + sql(2, "Approved", "Succeeded") + "]",
	"new.json":        `[{"id": "` + endpointID + `new", "customDnsConfigs": [], ` + connection + `}]`,
	"forty.json":      forty(),
	"badaddress.json": `[{"id": "/pe/bad", "customDnsConfigs": [{"fqdn": "c.blob.core.windows.net", "ipAddresses": ["10.0.0"]}], ` + connection + `}]`,
	"brokenexport":    stateOf("files broken.json", "broken.json"),
	"lostfiles":       stateOf("files lost/*.json", "lost/a.json"),
	"broken.json":     "[\n{",
	"broken.hosts":    "10.20.0.4 a.blob.core.windows.net\nx\n",
	"public.hosts":    "8.8.8.8 a.blob.core.windows.net\n",
	"empty.json":      "[]",
	"state":           `{"version": 1, "serials": {"privatelink.blob.core.windows.net": 7}, "sources": {"files /a": [` + stored + `]}}`,
	"brokenstate":     "{",
	"sub/b.json":      approved,
}

// sql returns an endpoint of a database server.
func sql(number int, status, provisioning string, configs ...string) string {
	return fmt.Sprintf(`{"id": "/sql/%d", "provisioningState": %q, "customDnsConfigs": [%s], "privateLinkServiceConnections": [
		{"privateLinkServiceId": %q, "privateLinkServiceConnectionState": {"status": %q}}]}`,
		number, provisioning, strings.Join(configs, ","), server, status)
}

func forty() string {
	var all []string
	for i := range 40 {
		all = append(all, sql(i, "Approved", "Succeeded", fmt.Sprintf(`{"fqdn": "x%d.database.windows.net", "ipAddresses": ["10.20.0.9"]}`, i)))
	}
	return "[" + strings.Join(all, ",") + "]"
}

// stateOf returns a state file with one name.
func stateOf(source, part string) string {
	return fmt.Sprintf(`{"version": 2, "serials": {}, "sources": {%q: {"parts": {%q: 1}, "entries": [%s]}}}`, source, part, stored)
}

// serving returns a Corefile.
func serving(origin string, properties ...string) string {
	return origin + " {\nprivatelink {\n" + strings.Join(properties, "\n") + "\n}\n}\n"
}

// forRoot returns a Corefile for the root.
func forRoot(properties ...string) string { return serving(".", properties...) }

func run(t *testing.T, corefile, args string) (status int, stdout, stderr string) {
	t.Helper()
	if err := os.WriteFile("Corefile", []byte(corefile), 0o600); err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	all := append([]string{"validate"}, strings.Fields(args)...)
	status = command.Main(t.Context(), "p", []command.Command{Command}, all, command.Output{Stdout: &o, Stderr: &e})
	return status, times.ReplaceAllString(o.String(), "TIME"), e.String()
}

func inFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.Mkdir("sub", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-12*24*time.Hour - time.Hour)
	if err := os.Chtimes("old.json", before, before); err != nil {
		t.Fatal(err)
	}
}

// times are those of files.
var times = regexp.MustCompile(`20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(Z|[+-]\d\d:\d\d))?`)

func TestValidate(t *testing.T) {
	inFolder(t)
	const (
		isError      = "error: Corefile:2: "
		isWarning    = "warning: Corefile:2: "
		onlyApproved = "its connection is Pending, only Approved endpoints are served\n"
		notAll       = "valid, but not all names are served as they should be: 1 error\n"
		addSQL       = "to serve them, add privatelink.database.windows.net to the zones of privatelink\n"
		conflict     = "has different addresses in two descriptions of one endpoint, all of them are served: "
		oneNote      = "valid, 1 note\n"
	)
	for _, tt := range []struct {
		name, corefile, args string
		status               int
		want                 string // a part of stdout
	}{
		{"good", forRoot("files a.json"), "", 0,
			"Corefile:2: for . on all addresses, port 53\n  fast path                                  off: fastpath is not in the server block\n" +
				"  privatelink.blob.core.windows.net          2 names\n  privatelink.queue.core.windows.net         no names\n" +
				"  privatelink.siterecovery.windowsazure.com  no names\n" +
				"  from files a.json                          2 names, of TIME (now)\nvalid\n"},
		{"several blocks", serving("tls://.", "files a.json") + serving("a.example b.example:1054", "files a.json"), "", 0, "Corefile:2: for .\n  fast path "},
		{"fast path", ". {\nfastpath\nprivatelink {\nfiles a.json\n}\n}", "", 0, "Corefile:3: for . on all addresses, port 53\n  fast path                                  on\n"},
		{"all addresses of two ports", serving("a.example b.example:1054", "files a.json"), "", 1, "Corefile:2: for a.example, b.example on all addresses, ports 53, 1054\n"},
		{"where it listens", ".:1 {\nbind 127.0.0.2 ::1\nprivatelink {\nfiles a.json\n}\n}", "", 0, "Corefile:3: for . on 127.0.0.2:1, [::1]:1\n"},
		{"relative to root", ".:1 {\nroot sub\nprivatelink {\nfiles b.json\n}\n}", "", 0, "from files sub/b.json"},
		{"files alone", "", "-files a.json", 0, "command line:\n  privatelink.blob"},
		{"state alone", "", "-state state", 0, "state:\n  privatelink.blob"},
		{"Azure is not asked", forRoot(azureLine + "files a.json"), "", 0, "  from azure 00000000-0000-0000-0000-000000000000  not asked, -live does\nvalid\n"},
		{"nothing but Azure", forRoot(azureLine), "", 0, "valid\n"},

		{"an endpoint outside of the zones", forRoot("files sql.json a.json"), "", 0,
			"note: Corefile:2: files sql.json a.json: skipped /sql/1 (servers sql): x.database.windows.net is in none of the zones: " + addSQL + oneNote},
		{"a Pending endpoint of another service", forRoot("files sqlpending.json a.json"), "", 0, "(servers sql): " + onlyApproved + oneNote},
		{"the same, with its zone", ". {\nprivatelink privatelink.database.windows.net {\nfiles sqlpending.json a.json\n}\n}\n", "", 1, onlyApproved + "valid, but"},
		{"endpoints of another service without names", forRoot("files sqlnew.json a.json"), "", 0, "valid, 2 notes\n"},
		{"a vault's endpoint without names", forRoot("files new.json a.json"), "", 0, isWarning + "files new.json a.json: skipped "},
		{"endpoints of another network", forRoot("files a.json", "record b.blob.core.windows.net 10.0.0.1", "vnet other"), "", 0, "it is in none of the virtual networks that vnet names\n" + oneNote},
		{"forty endpoints outside of the zones", forRoot("files forty.json a.json"), "", 0,
			"skipped 40 names of 40 endpoints, which are in none of the zones, such as x0.database.windows.net: " + addSQL + oneNote},
		{"conflict", forRoot("files a.json", "record a.blob.core.windows.net 10.20.0.9"), "", 0,
			isWarning + "record Corefile:4: a.privatelink.blob.core.windows.net has other addresses in an earlier source"},
		{"an old export beside the new one", forRoot("files a.json before.json"), "", 0,
			isWarning + "files a.json before.json: " +
				"a.privatelink.blob.core.windows.net " + conflict + "10.20.0.4 in a.json:1, 10.20.0.3 in before.json:1 of " + endpointID},
		{"an old export", forRoot("files old.json"), "", 0,
			"2 names, of TIME (12 days ago)\nnote: Corefile:2: files old.json: its oldest data is of TIME (12 days ago): " +
				"Azure Backup adds names after the first backup, export again and compare\n" + oneNote},
		{"an old export beside a new one", forRoot("files old.json a.json"), "", 0, "2 names, files of TIME (12 days ago) to TIME (now)\nnote: "},
		{"no file yet", forRoot("files a.json", "hosts *.txt"), "", 0,
			isWarning + "hosts *.txt: *.txt: no such file (until there is one, names that no other source has are SERVFAIL)\nvalid, 1 warning\n"},
		{"broken state file", forRoot("files a.json", "state brokenstate"), "", 0, isWarning + "state: brokenstate: byte 1: the file ends here, it has been cut (the server starts without it)\n"},
		{"no folder for the state", forRoot("files a.json", "state none/state"), "", 0, isWarning + "state: none is not a folder that can be read: a restart without the sources would lose the records\n"},
		{"two blocks that import one snippet", "(s) {\nprivatelink {\nfiles new.json a.json\n}\n}\n.:1 {\nimport s\n}\n.:2 {\nimport s\n}\n", "", 0, "valid, 1 warning\n"},
		{"all zones", ". {\nprivatelink all {\nfiles a.json\n}\n}", "", 0, "\n  74 more zones                              no names\n  from files"},
		{"a misspelt zone", ". {\nprivatelink privatelink.fiel.core.windows.net {\nfiles a.json\n}\n}", "", 0,
			"warning: Corefile:2: zone: privatelink.fiel.core.windows.net is not in Microsoft's table of zones, do you mean privatelink.file.core.windows.net?\n"},
		{"a zone of one's own", ". {\nprivatelink privatelink.corp.example {\nfiles a.json\n}\n}", "", 0, "valid\n"},
		{"reverse names of a block for other names", serving("core.windows.net storage.azure.net", "files a.json", "ptr"), "", 0,
			"warning: Corefile:2: ptr: reverse queries for 10.20.0.4 do not get here: add the network, such as 10.0.0.0/8, to the server block, which is for " +
				"core.windows.net, storage.azure.net\nvalid, 1 warning\n"},
		{"reverse names of a block for their network", serving("core.windows.net storage.azure.net 10.0.0.0/8", "files a.json", "ptr"), "", 0, "valid\n"},
		{"one state for two", serving(".:1", "files a.json", "state s") + serving(".:2", "files a.json", "state s"), "", 0, "valid\n"},
		{"one block for each name", serving("blob.storage.azure.net", "files a.json") + serving("blob.core.windows.net", "files a.json"), "", 0, "valid\n"},
		{"a variable that is not set", forRoot("files a.json {$FOLDER_OF_EXPORTS}/a.json"), "", 0,
			"warning: Corefile:3: the environment variable FOLDER_OF_EXPORTS is not set, so that {$FOLDER_OF_EXPORTS} is empty: set it as for the server\n"},

		{"Pending endpoint", forRoot("files pending.json", "record a.blob.core.windows.net 10.0.0.1"), "", 1, isError + "files pending.json: skipped " + endpointID + ": " + onlyApproved + notAll},
		{"a bad address", forRoot("files badaddress.json a.json"), "", 1, isError + "files badaddress.json a.json: skipped /pe/bad: c.blob.core.windows.net: \"10.0.0\" is not an IP address\n"},
		{"public address", forRoot("hosts public.hosts"), "", 1, isError + "hosts public.hosts: a.privatelink.blob.core.windows.net has the address 8.8.8.8, which is not in a private range"},
		{"no name", forRoot("files empty.json"), "", 1, isError + "its sources have no name: check "},
		{"no name in the zones", forRoot("files sql.json"), "", 1, isError + "its sources have no name: check "},
		{"a server block for other names", serving("corp.example core.windows.net:1", "files a.json"), "", 1,
			isError + "a query for a name below blob.storage.azure.net does not get here: " +
				"add blob.storage.azure.net to the server block, which is for corp.example, core.windows.net\nvalid, but"},

		{"broken export", forRoot("files a.json broken.j*"), "", 2, isError + "files a.json broken.j*: broken.json: line 2: unexpected end of JSON input\ninvalid: 1 error\n"},
		{"broken hosts file", forRoot("hosts *.hosts"), "", 2, isError + "hosts *.hosts: broken.hosts: line 2: \"x\": an address and a name are expected\n"},
		{"broken export, with its last good records", forRoot("files broken.json", "state brokenexport"), "", 2,
			"1 name, from the state file brokenexport of TIME (now); it cannot be read as a whole\n" +
				isError + "files broken.json: broken.json: line 2: "},
		{"a pattern that lost its files", forRoot("files lost/*.json", "state lostfiles"), "", 2,
			isError + "files lost/*.json: lost/*.json: no longer matches a file, its last name is kept: restore its files; "},
		{"a folder", forRoot("files sub"), "", 2, isError + "files sub: sub: a folder, write a pattern for the files in it"},
		{"region for a geo code", forRoot("geo eastus", "files a.json"), "", 2,
			"error: plugin/privatelink: Corefile:3 - Error during parsing: geo: \"eastus\" is a region, its geo code is \"eus\"\ninvalid: 1 error\n"},
		{"unknown plugin", ". {\nkubernetes\n}\n", "", 2, "error: Corefile:2 - Error during parsing: Unknown directive 'kubernetes': privatelink-dns -plugins lists the known ones\n"},
		{"misspelt plugin", ". {\nprivatlink\n}\n", "", 2, "error: Corefile:2 - Error during parsing: Unknown directive 'privatlink', do you mean privatelink?\n"},
		{"cache of stock CoreDNS", ". {\ncache 30\n}\n", "", 2, "error: Corefile:2 - Error during parsing: Unknown directive 'cache', do you mean lru?\n"},
		{"a property without its block", ". {\nprivatelink\nfiles a.json\n}\n", "", 2,
			"error: Corefile:3 - Error during parsing: Unknown directive 'files': it is a property of privatelink, write it between the braces of privatelink { }\n"},
		{"no certificate", "tls://. {\ntls cert.pem key.pem\nprivatelink {\nfiles a.json\n}\n}\n", "", 2, "error: plugin/tls: "},
		{"two server blocks for one name", serving(".:1", "files a.json") + serving(".:1", "files a.json"), "", 2, "error: Corefile: cannot serve dns://.:1 - it is already defined\n"},
		{"no privatelink", ". {\nbind 127.0.0.1\n}\n", "", 2, "error: Corefile: no privatelink block in it\n"},
		{"no such Corefile", "", "-conf none", 2, "error: open none: no such file or directory\n"},
		{"two kinds of input", "", "-conf Corefile -files a.json", 2, "error: -conf, -state and the files of -files, -hosts and -zonefile exclude each other\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := run(t, tt.corefile, tt.args)
			if status != tt.status || !strings.Contains(stdout, tt.want) || stderr != "" {
				t.Errorf("validate %s: status %d, stdout\n%s\nstderr\n%s\nwant %d,\n%s", tt.args, status, stdout, stderr, tt.status, tt.want)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	inFolder(t)
	status, stdout, stderr := run(t, serving(".:1", azureLine+"files a.json none.json"), "-json")
	var got, want any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%v\n%s\n%s", err, stdout, stderr)
	}
	const expected = `{"status": 0, "blocks": [{"position": "Corefile:2", "origins": ["."], "listen": [":1"],
		"fastPath": "off: fastpath is not in the server block",
		"zones": [{"zone": "privatelink.blob.core.windows.net", "names": 2, "strict": false},
			{"zone": "privatelink.queue.core.windows.net", "names": 0, "strict": false},
			{"zone": "privatelink.siterecovery.windowsazure.com", "names": 0, "strict": true}],
		"sources": [{"source": "files a.json none.json", "asked": true, "names": 2, "oldest": "TIME", "newest": "TIME", "failed": true},
			{"source": "azure 00000000-0000-0000-0000-000000000000", "asked": false, "names": 0}]}],
		"errors": [], "notes": [], "warnings": [{"position": "Corefile:2", "source": "files a.json none.json",
			"text": "none.json: no such file (until there is one, names that no other source has are SERVFAIL)"}]}`
	if err := json.Unmarshal([]byte(expected), &want); err != nil {
		t.Fatal(err)
	}
	if status != 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("status %d\n%s\nwant 0\n%s", status, stdout, expected)
	}
	status, stdout, _ = run(t, "x {\n", "-json")
	if status != 2 || !strings.Contains(stdout, `"blocks": [],`) || !strings.Contains(stdout, `"text": "Corefile:`) {
		t.Errorf("bad Corefile: status %d\n%s", status, stdout)
	}
}

func TestWrongFlag(t *testing.T) {
	inFolder(t)
	const want = "p validate: flag provided but not defined: -strict\n"
	if status, stdout, stderr := run(t, "", "-strict"); status != 2 || stdout != "" || !strings.HasPrefix(stderr, want) {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

// The Corefile of a quick start is validated beside it: its variable is set by the
// server only.
func TestQuickstart(t *testing.T) {
	inFolder(t)
	t.Setenv("QUICKSTART", "")
	if err := os.Unsetenv("QUICKSTART"); err != nil {
		t.Fatal(err)
	}
	corefile := serving(".", "files {$QUICKSTART}/endpoints.json")
	const unset = "warning: Corefile:3: the environment variable QUICKSTART is not set, so that {$QUICKSTART} is empty"
	if status, stdout, _ := run(t, corefile, ""); status != 1 || !strings.Contains(stdout, unset) {
		t.Errorf("without endpoints: status %d\n%s", status, stdout)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{"Corefile": corefile, "endpoints.json": approved} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, stdout, stderr := run(t, "", "-conf "+filepath.Join(folder, "Corefile"))
	if status != 0 || !strings.HasSuffix(stdout, "\nvalid\n") || stderr != "" {
		t.Errorf("status %d\n%s\n%s\nwant 0, valid", status, stdout, stderr)
	}
}
