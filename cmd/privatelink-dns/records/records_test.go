package records

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

func TestMain(m *testing.M) {
	if err := dnsserver.SetDirectives([]string{"bind", "privatelink"}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const (
	id     = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/"
	vault  = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults/rsv-we"
	fc1    = "1-fc1.privatelink.we.backup.windowsazure.com"
	blobA  = "a.privatelink.blob.core.windows.net"
	exampA = "a.privatelink.blob.core.windows.net.	60	IN	A	10.20.0.4 ; " + id + "pe-vault"
	stored = `{"fqdn": "a.blob.core.windows.net", "ipAddresses": ["10.20.0.3"], "endpoint": "/pe"}` // of a state file
)

// endpoint returns the export of an endpoint; a line is a name and its addresses.
func endpoint(name, status string, lines ...string) string {
	var configs []string
	for _, line := range lines {
		f := strings.Fields(line)
		configs = append(configs, fmt.Sprintf(`{"fqdn": %q, "ipAddresses": ["%s"]}`, f[0], strings.Join(f[1:], `", "`)))
	}
	whole, _ := json.Marshal(id + name)
	return fmt.Sprintf(`{"id": %s, "customDnsConfigs": [%s], "privateLinkServiceConnections":
		[{"privateLinkServiceId": %q, "privateLinkServiceConnectionState": {"status": %q}}]}`, whole, strings.Join(configs, ","), vault, status)
}

// files are what the tests read, in the working folder.
var files = map[string]string{
	"a.json": "[" + endpoint("pe-vault", "Approved", "a.blob.core.windows.net 10.20.0.4 fd00:20::4",
		fc1+" 10.20.0.5", "b.z17.blob.storage.azure.net 10.20.0.6") + "]",
	"old.json": "[" + endpoint("pe-vault", "Approved", "a.blob.core.windows.net 10.20.0.99 fd00:20::4",
		"1-fc1.we.backup.windowsazure.com 10.20.0.5", "gone.queue.core.windows.net 10.20.0.7") + "]",
	"pend.json": "[" + endpoint("pe-vault", "Pending", "a.blob.core.windows.net 10.20.0.4") + "," +
		endpoint("pe-\u001b[2J\nfile", "Approved", "a.file.core.windows.net 10.20.0.8") + "]",
	"second.json": "[" + endpoint("pe-second", "Approved", "a.blob.core.windows.net 10.20.0.40") + "]",
	"many.json":   "[" + endpoint("pe-many", "Approved", distinct(26)...) + "]",
	"broken.json": "{",
	"empty.json":  "[]",
	"z.json": `[{"id": "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net/A/z",
		"type": "Microsoft.Network/privateDnsZones/A", "aRecords": [{"ipv4Address": "10.20.0.30"}]}]`,
	"a.zone":        "$ORIGIN privatelink.blob.core.windows.net.\n@ SOA a. b. 1 2 3 4 5\ny A 10.20.0.31\n",
	"a.hosts":       "10.20.0.4 a.blob.core.windows.net # the NAS\n",
	"kv.hosts":      "10.20.0.9 kv.vault.azure.net\n",
	"state":         `{"version": 1, "serials": {"privatelink.blob.core.windows.net": 7}, "sources": {"files /a": [` + stored + `]}}`,
	"Corefile":      ". {\nprivatelink {\nfiles a.json\nttl 5m\n}\n}\n",
	"kv":            ". {\nprivatelink privatelink.vaultcore.azure.net {\nhosts kv.hosts\n}\n}\n",
	"two":           ".:1 {\nprivatelink {\nfiles a.json\n}\n}\n.:2 {\nprivatelink {\nfiles a.json\n}\n}\n.:3 {\nprivatelink {\nfiles second.json\n}\n}\n",
	"partial":       ". {\nprivatelink {\nfiles a.json\nhosts none.hosts\n}\n}\n",
	"failing":       ". {\nprivatelink {\nfiles broken.json\nstate failing.state\n}\n}\n",
	"failing.state": `{"version": 2, "serials": {}, "sources": {"files broken.json": {"parts": {"broken.json": 1}, "entries": [` + stored + `]}}}`,
	"all":           ". {\nprivatelink all {\nfiles a.json\n}\n}\n",
	"bad":           ". {\nprivatelink {\ngeo eastus\nfiles a\n}\n}\n",
}

// distinct returns names outside of the default zones.
func distinct(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("x!%02d.blob.core.windows.net 10.20.0.8", i))
	}
	return lines
}

func inFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// run returns the status and what the command prints.
func run(t *testing.T, args string) (status int, stdout, stderr string) {
	t.Helper()
	var o, e bytes.Buffer
	all := append([]string{"records"}, strings.Fields(args)...)
	status = command.Main(t.Context(), "p", []command.Command{Command}, all, command.Output{Stdout: &o, Stderr: &e})
	return status, times.ReplaceAllString(o.String(), "TIME"), times.ReplaceAllString(e.String(), "TIME")
}

// times are those of files.
var times = regexp.MustCompile(`20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(Z|[+-]\d\d:\d\d))?`)

const hostsOfA = "10.20.0.4 a.privatelink.blob.core.windows.net a.blob.core.windows.net # " + id + "pe-vault\n" +
	"fd00:20::4 a.privatelink.blob.core.windows.net a.blob.core.windows.net # " + id + "pe-vault\n" +
	"10.20.0.6 b.privatelink.blob.core.windows.net b.blob.core.windows.net b.z17.blob.storage.azure.net # " + id + "pe-vault\n" +
	"10.20.0.5 1-fc1.privatelink.we.backup.windowsazure.com 1-fc1.we.backup.windowsazure.com # " + id + "pe-vault\n"

func TestRecords(t *testing.T) {
	inFolder(t)
	const (
		skipped = "warning: files pend.json: skipped " + id + "pe-vault (vault rsv-we): its connection is Pending, only Approved endpoints are served\n"
		json1   = `{"zone":"privatelink.blob.core.windows.net","name":"` + blobA + `","type":"A","address":"10.20.0.4","ttl":60,` +
			`"aliases":["a.blob.core.windows.net"],"endpoint":"` + id + `pe-vault","target":"` + vault + `",` +
			`"from":"command line","source":"files a.json","time":"TIME"},`
		csv = "zone,name,type,address,ttl,aliases,endpoint,target,from\nprivatelink.blob.core.windows.net," + blobA +
			",A,10.20.0.4,60,a.blob.core.windows.net," + id + "pe-vault," + vault + ",command line\n"
		restored = "10.20.0.3 " + blobA + " a.blob.core.windows.net # /pe\n"
		rightOne = "check that the sources are those of the right subscription or folder, and that the private endpoints are Approved\n"
		isNoZone = " is not one of the zones: privatelink.blob.core.windows.net, privatelink.queue.core.windows.net, " +
			"privatelink.siterecovery.windowsazure.com, privatelink.we.backup.windowsazure.com\n"
		keyVault = "10.20.0.9 kv.privatelink.vaultcore.azure.net kv.vault.azure.net"
	)
	for _, tt := range []struct {
		name, args     string
		status         int
		stdout, stderr string // parts of it; "-" is nothing
	}{
		{"table of the Corefile here", "", 0, "a.privatelink.blob.core.windows.net  A     10.20.0.4   300  pe-vault (vault rsv-we)  a.blob.core.windows.net\n", "-"},
		{"table, zone without records", "", 0, "\nprivatelink.queue.core.windows.net: no records\n", "-"},
		{"table, Backup zone", "", 0, "\nprivatelink.we.backup.windowsazure.com: 1 record\nNAME ", "-"},
		{"table, no endpoint", "-hosts a.hosts", 0, "10.20.0.4  60   a.hosts:1  a.blob", "-"},
		{"table, private DNS zone", "-files z.json", 0, "10.20.0.30  60   private DNS zone privatelink.blob.core.windows.net  z.blob", "-"},
		{"table, zone file", "-zonefile a.zone", 0, "10.20.0.31  60   a.zone, zone privatelink.blob.core.windows.net  y.blob", "-"},
		{"hosts", "-files a.json -format hosts", 0, hostsOfA, "-"},
		{"json", "-files a.json -format json", 0, "[\n" + json1 + "\n", "-"},
		{"json of nothing", "-files empty.json -format json", 2, "[\n]\n", "p records: the input has no record: " + rightOne},
		{"a zone without a record", "-zone privatelink.queue.core.windows.net", 2, "privatelink.queue.core.windows.net: no records\n",
			"p records: the input has no record in the zone privatelink.queue.core.windows.net: check "},
		{"zone files of nothing", "-files empty.json -format zone -out nothing", 2, "-", "p records: the input has no record: check "},
		{"the age of a source", "", 0, "\nsource files a.json: 3 names, of TIME (now)\n", "-"},
		{"csv", "-files a.json -format csv", 0, csv, "-"},
		{"zone", "-files a.json -format zone -zone privatelink.blob.core.windows.net", 0,
			" 60 30 2419200 10\nprivatelink.blob.core.windows.net.\t3600\tIN\tNS\tns.privatelink-dns.invalid.\n" + exampA + "\n", "-"},
		{"one zone", "-zone privatelink.we.backup.windowsazure.com -format hosts", 0, "10.20.0.5 1-fc1.privatelink.we.backup.windowsazure.com 1-fc1", "-"},
		{"upper case zone", "-zone Privatelink.We.Backup.windowsazure.com. -format hosts", 0, "10.20.0.5 1-fc1.privatelink.we.backup.windowsazure.com 1-fc1", "-"},
		{"a zone that files do not name", "-hosts kv.hosts -zone privatelink.vaultcore.azure.net -format hosts", 0, keyVault + " kv.vaultcore.azure.net # kv.hosts:1\n", "-"},
		{"all zones", "-conf all", 0, "1-fc1.we.backup.windowsazure.com\n\n74 more zones: no records\n\nsource files a.json", "-"},
		{"Key Vault", "-conf kv -format hosts", 0, keyVault, "-"},
		{"state", "-state state -format hosts", 0, restored, "-"},
		{"skipped endpoint", "-files pend.json -format json", 2, "[\n]\n", skipped},
		{"an endpoint's name that moves the cursor", "-files pend.json -zone privatelink.file.core.windows.net -format hosts", 0, "# " + id + "pe-\uFFFD[2J\uFFFDfile\n", skipped},
		{"many findings", "-files many.json", 2, "no records", "warning: files many.json: 6 more like these, validate -json has all\n"},
		{"two blocks with the same, and a third one", "-conf two -format csv -zone privatelink.blob.core.windows.net", 0, ",two:2\n",
			"warning: two:12: a.privatelink.blob.core.windows.net has other addresses than in the block two:2, both are listed\n"},
		{"a source that fails, with its last good records", "-conf failing -format hosts", 2, restored,
			"p records: files broken.json: broken.json: line 1: unexpected end of JSON input (1 name of it is from the state file failing.state of TIME (now))\n"},
		{"a source that fails, as a table", "-conf failing", 2, "\nsource files broken.json: 1 name, from the state file failing.state of TIME (now); it cannot be read as a whole\n", "p records: "},
		{"a source that fails, as JSON", "-conf failing -format json", 2, `"source":"files broken.json","time":"TIME","from_state":true}`, "p records: "},
		{"a source that fails, and no state file", "-files broken.json", 2, "no records",
			"no record is known: with the property state in the Corefile, the last good records are known here as well; -server prints those of a server that runs\n"},
		{"a source that fails", "-conf partial -format hosts", 2, hostsOfA, "p records: hosts none.hosts: none.hosts: no such file\n"},
		{"broken file", "-files broken.json -format json", 2, "[\n]\n", "p records: files broken.json: broken.json: line 1: unexpected end of JSON input\n"},
		{"bad Corefile", "-conf bad", 2, "-", `p records: plugin/privatelink: bad:3 - Error during parsing: geo: "eastus" is a region, its geo code is "eus"`},
		{"unknown zone", "-zone privatelink.x.net", 2, "-", "p records: -zone: privatelink.x.net" + isNoZone},
		{"bad zone", "-zone a..b", 2, "-", `p records: -zone: "a..b": a label is empty`},
		{"bad format", "-format xml", 2, "-", "p records: -format: \"xml\" is not one of table, hosts, zone, json, csv\np records -h has the flags and an example\n"},
		{"several zones in a file", "-format zone", 2, "-", "p records: -format zone needs -zone or -out: a zone file holds one zone\n"},
		{"-out of another format", "-out x", 2, "-", "p records: -out is for -format zone\n"},
		{"-out of a source that fails", "-conf partial -format zone -out x", 2, "-", "p records: hosts none.hosts: none.hosts: no such file\n"},
		{"-diff as zone", "-diff files:a.json -format csv", 2, "-", "p records: -diff has -format json, and no other one\n"},
		{"-diff without kind", "-diff a.json", 2, "-", "p records: -diff: \"a.json\" is not of the form KIND:VALUE"},
		{"-diff of unknown kind", "-diff azure:0", 2, "-", "p records: -diff: \"azure\" is not one of conf, files, hosts, zonefile, state, server\n"},
		{"-diff, bad pattern", "-diff files:[", 2, "-", "p records: -diff: syntax error in pattern\n"},
		{"-diff, bad server", "-diff server::", 2, "-", "p records: -diff: \":\" is not the address of a server"},
		{"-server, bad address", "-server 1:2:3", 2, "-", "p records: -server: \"1:2:3\" is not the address of a server"},
		{"-server, two of them", "-server 10.0.0.4,10.0.0.5", 2, "-", "p records: -server: \"10.0.0.4,10.0.0.5\" is 2 addresses, one is expected\n"},
		{"files that the shell made of a pattern", "-files a.json empty.json -format hosts", 0, hostsOfA, "-"},
		{"misspelt flag", "-file a.json", 2, "-", "p records: flag provided but not defined: -file, do you mean -files?\n"},
		{"unknown flag", "-xml", 2, "-", "p records: flag provided but not defined: -xml\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := run(t, tt.args)
			if status != tt.status || !has(stdout, tt.stdout) || !has(stderr, tt.stderr) {
				t.Errorf("records %s: status %d, stdout\n%s\nstderr\n%s\nwant %d,\n%s\n%s", tt.args, status, stdout, stderr, tt.status, tt.stdout, tt.stderr)
			}
		})
	}
}

func has(text, part string) bool {
	if part == "-" {
		return text == ""
	}
	return strings.Contains(text, part)
}

// Blocks that serve the same to different listeners are listed once.
func TestBlocksAreUnited(t *testing.T) {
	inFolder(t)
	_, stdout, _ := run(t, "-conf two -format hosts -zone privatelink.blob.core.windows.net")
	var got []string
	for line := range strings.Lines(stdout) {
		f := strings.Fields(line)
		got = append(got, f[0]+" "+f[1][:1])
	}
	if want := []string{"10.20.0.4 a", "10.20.0.40 a", "fd00:20::4 a", "10.20.0.6 b"}; !slices.Equal(got, want) {
		t.Errorf("records of two blocks = %q; want %q", got, want)
	}
}

// The output of the hosts format is read as the same records.
func TestHostsRoundTrip(t *testing.T) {
	inFolder(t)
	_, first, _ := run(t, "-files a.json -format hosts")
	if err := os.WriteFile("again.hosts", []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, second, stderr := run(t, "-hosts again.hosts -format hosts"); status != 0 || second != first || stderr != "" {
		t.Errorf("the second time: status %d\n%s\n%s\nwant\n%s", status, second, stderr, first)
	}
	if status, stdout, _ := run(t, "-hosts again.hosts -diff files:a.json"); status != 0 || stdout != "" {
		t.Errorf("difference: status %d\n%s", status, stdout)
	}
}

// The zone files that the zone format writes are read as the same records, also the
// one of a zone without records.
func TestZoneFileRoundTrip(t *testing.T) {
	inFolder(t)
	_, want, _ := run(t, "-files a.json -format hosts")
	if status, _, stderr := run(t, "-files a.json -format zone -out zones"); status != 0 {
		t.Fatal(stderr)
	}
	status, got, stderr := run(t, "-zonefile zones/*.zone -format hosts")
	if owners(got) != owners(want) || status != 0 || stderr != "" {
		t.Errorf("the second time: status %d\n%s\n%s\nwant\n%s", status, got, stderr, want)
	}
	if status, stdout, _ := run(t, "-files a.json -diff zonefile:zones/*.zone"); status != 0 || stdout != "" {
		t.Errorf("difference: status %d\n%s", status, stdout)
	}
}

// owners keeps the addresses and owner names of hosts lines. A zone lacks the origins of
// its records, and their DNS zone endpoints.
func owners(hosts string) (all string) {
	for line := range strings.Lines(hosts) {
		all += strings.Join(strings.Fields(line)[:2], " ") + "\n"
	}
	return all
}

func TestZoneFiles(t *testing.T) {
	inFolder(t)
	const want = "x/zones/privatelink.blob.core.windows.net.zone: 3 records\nx/zones/privatelink.queue.core.windows.net.zone: no records\n" +
		"x/zones/privatelink.siterecovery.windowsazure.com.zone: no records\n" +
		"x/zones/privatelink.we.backup.windowsazure.com.zone: 1 record\n"
	for range 2 { // the second time files are replaced
		status, stdout, stderr := run(t, "-files a.json -format zone -out x/zones")
		if status != 0 || stdout != want || stderr != "" {
			t.Fatalf("status %d, stdout\n%s\nstderr\n%s\nwant\n%s", status, stdout, stderr, want)
		}
	}
	var found []string
	err := filepath.WalkDir("x", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, _ := d.Info()
			found = append(found, fmt.Sprint(d.Name(), " ", info.Mode()))
		}
		return err
	})
	names := []string{
		"privatelink.blob.core.windows.net.zone -rw-r--r--", "privatelink.queue.core.windows.net.zone -rw-r--r--",
		"privatelink.siterecovery.windowsazure.com.zone -rw-r--r--",
		"privatelink.we.backup.windowsazure.com.zone -rw-r--r--",
	}
	if err != nil || !slices.Equal(found, names) {
		t.Errorf("files %q, %v; want %q", found, err, names)
	}
	text, err := os.ReadFile("x/zones/" + strings.Fields(names[0])[0])
	if err != nil || !strings.Contains(string(text), "\n"+exampA+"\n") {
		t.Errorf("zone file\n%s\n%v; want the line\n%s", text, err, exampA)
	}
	status, stdout, stderr := run(t, "-files a.json -format zone -out a.json/zones")
	if status != 2 || stdout != "" || !strings.Contains(stderr, "not a directory") {
		t.Errorf("a folder that cannot be made: status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}
