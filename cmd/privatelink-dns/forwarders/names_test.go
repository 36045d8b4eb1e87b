package forwarders

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// With -names each served name has a forwarder: that of the record and its aliases.
func TestNames(t *testing.T) {
	const blob = "a.blob.core.windows.net a.privatelink.blob.core.windows.net"
	record := func(properties ...string) string {
		return ". {\nprivatelink {\n" + strings.Join(properties, "\n") + "\n}\n}\n"
	}
	for _, tt := range []struct{ name, corefile, args, want string }{
		{"a storage account", record("record a.blob.core.windows.net 10.0.0.1"), "", blob},
		{"two addresses of a name", record("record a.blob.core.windows.net 10.0.0.1 10.0.0.2"), "", blob},
		{"a DNS zone endpoint", record("record a.z17.blob.storage.azure.net 10.0.0.1"), "", "a.blob.core.windows.net a.privatelink.blob.core.windows.net a.z17.blob.storage.azure.net"},
		{"a vault", record("record v-fc1.privatelink.we.backup.windowsazure.com 10.0.0.1"), "", "v-fc1.privatelink.we.backup.windowsazure.com v-fc1.we.backup.windowsazure.com"},
		{"a name below another one", record("record a.blob.core.windows.net 10.0.0.1", "record b.a.blob.core.windows.net 10.0.0.2"), "", blob},
		{"a wildcard", record("record *.a.blob.core.windows.net 10.0.0.1"), "", blob},
		{"several blocks", record("record a.blob.core.windows.net 10.0.0.1") + "x.example {\nprivatelink {\nrecord a.queue.core.windows.net 10.0.0.3\n}\n}\n", "",
			"a.blob.core.windows.net a.privatelink.blob.core.windows.net a.privatelink.queue.core.windows.net a.queue.core.windows.net"},
		{"files alone", "", "-hosts a.hosts", blob},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := run(t, tt.corefile, tt.args+" -names -format coredns -server 10.0.0.4")
			if status != 0 || stderr != "" || !strings.Contains(stdout, "\n"+tt.want+" {\n") {
				t.Errorf("status %d, stderr %s, stdout\n%s\nwant the names %s", status, stderr, stdout, tt.want)
			}
		})
	}
}

// BIND rejects an answer whose SOA record is above the zone that it forwards.
func TestNamesOfBIND(t *testing.T) {
	_, stdout, stderr := run(t, serving(".", "", "record v-fc1.privatelink.we.backup.windowsazure.com 10.0.0.1"), "-names -format bind -server 10.0.0.4")
	var zones []string
	for line := range strings.Lines(stdout) {
		if name, ok := strings.CutPrefix(line, `zone "`); ok {
			zones = append(zones, strings.TrimSuffix(name, "\" {\n"))
		}
	}
	want := []string{"a.blob.core.windows.net", "privatelink.blob.core.windows.net", "privatelink.we.backup.windowsazure.com", "v-fc1.we.backup.windowsazure.com"}
	if !slices.Equal(zones, want) {
		t.Errorf("%q; want %q, stderr %s", zones, want, stderr)
	}
}

// Nothing is printed where a forwarder could be missing.
func TestNamesErrors(t *testing.T) {
	const source = "-names needs every source; -state FILE uses the records of a running server: files broken.json: broken.json: line 1: "
	const hyphen = `a-.blob.core.windows.net cannot be forwarded: this kind of server rejects the label "a-", because a hyphen is at its end`
	long := strings.Repeat("b.", 32) + "blob.core.windows.net"
	for _, tt := range []struct{ name, corefile, args, want string }{
		{"a source that fails", serving(".", "", "files broken.json"), "", source},
		{"no name", "", "-state state", "-names: no name is served, so that there is nothing to forward"},
		{"too many for systemd-resolved", many256(), "-format systemd-resolved", "systemd-resolved forwards 256 names at most, these are 258: without -names it needs 6"},
		{"a hyphen at the end", serving(".", "", "record a-.blob.core.windows.net 10.0.0.1"), "-format knot-resolver-6", hyphen},
		{"too many labels", serving(".", "", "record "+long+" 10.0.0.1"), "-format azure-ruleset", long + " has 36 labels: the domain name of a rule has 34 at most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := run(t, tt.corefile, "-names -server 10.0.0.4 -format unbound "+tt.args)
			if status != 2 || stdout != "" || !strings.HasPrefix(stderr, "p forwarders: "+tt.want) {
				t.Errorf("status %d, stdout %q, stderr %q; want %q", status, stdout, stderr, tt.want)
			}
		})
	}
}

func many256() string {
	var records []string
	for i := range 128 {
		records = append(records, fmt.Sprintf("record n%d.blob.core.windows.net 10.0.0.1", i))
	}
	return serving(".", "", records...)
}

// The check is the address of a name that is forwarded.
func TestCheckOfNames(t *testing.T) {
	for _, tt := range []struct{ name, record, question string }{
		{"IPv4", "b.blob.core.windows.net fd00::1 10.0.0.1", "b.privatelink.blob.core.windows.net A 10.0.0.1"},
		{"IPv6", "b.blob.core.windows.net fd00::1", "b.privatelink.blob.core.windows.net AAAA fd00::1"},
		{"a wildcard", "*.b.blob.core.windows.net 10.0.0.1", "any.b.privatelink.blob.core.windows.net A 10.0.0.1"},
	} {
		for _, f := range formats {
			_, stdout, _ := run(t, ". {\nprivatelink {\nrecord "+tt.record+"\n}\n}\n", "-names -server 10.0.0.4 -format "+f.name)
			parts := strings.Fields(tt.question)
			want := fmt.Sprintf("the answer to \"dig +short %s %s\" has %s.", parts[0], parts[1], parts[2])
			if f.name == "powershell" {
				want = fmt.Sprintf("@{ Name = '%s'; Type = '%s'; Data = '%s' }", parts[0], parts[1], parts[2])
			}
			has(t, stdout, want)
		}
	}
}

// A forwarded name that every server block refuses is reported.
func TestNamesRefused(t *testing.T) {
	for _, tt := range []struct{ origins, want string }{
		{"a.blob.core.windows.net a.privatelink.blob.core.windows.net", ""},
		{"a.blob.core.windows.net", "warning: Corefile:2: a query for a name below blob.core.windows.net is refused: add blob.core.windows.net" +
			" to the server block, which is for a.blob.core.windows.net\n"},
	} {
		status, _, stderr := run(t, serving(tt.origins, ""), "-names -server 10.0.0.4 -format unbound")
		if stderr != tt.want || (status == 1) != (tt.want != "") {
			t.Errorf("%s: status %d, stderr %q; want %q", tt.origins, status, stderr, tt.want)
		}
	}
}

// hostile names would end a quotation, a line or a comment, or begin a command.
var hostile = []string{
	"a'", `a"`, "a`", "$(x)", "${x}", "%x", "a;x", "a|x", "a&x", "a\nx", "a\rx", "a x", "a\tx", "a/x", `a\x`, "a#x", "//a", "/*a", "*/", "#>", "<#a",
	"{{x}}", "[x]", "a,x", "a=x", "a:x", "a(x)", "a{x}", "a<x", "a>x", "a!x", "a~x", "@a", "a\x00", "a\u2019", "a\u2028", "\u202Ea", "A", "a..b", ".a",
	"a.", "", strings.Repeat("a", 64), strings.Repeat("a.", 126) + "aa",
}

// No text is printed for a name that has a meaning in its syntax, whoever lets it pass.
func TestHostileTargets(t *testing.T) {
	ok := target{Zones: []string{"a.example"}, Suffixes: []string{"example"}, Checks: []question{{"a.example", "SOA", "ns.example"}}}
	if err := ok.Servers.Set("10.0.0.4"); err != nil {
		t.Fatal(err)
	}
	for _, f := range formats {
		for _, text := range hostile {
			for i, change := range []func(*target){
				func(c *target) { c.Zones = []string{"b.example", text} }, func(c *target) { c.Suffixes = []string{text} },
				func(c *target) { c.Checks = []question{{text, "A", "10.0.0.1"}} },
			} {
				bad := ok
				change(&bad)
				var printed strings.Builder
				if err := f.print(&printed, bad); err == nil || printed.Len() > 0 {
					t.Errorf("%s, %d: %q is printed", f.name, i, text)
				}
			}
		}
		if err := f.print(&strings.Builder{}, ok); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
	}
}

// A source with a hostile name has no effect on what is printed for the others.
func TestHostileSources(t *testing.T) {
	const endpoint = `{"id": "/x", "customDnsConfigs": [{"fqdn": %s, "ipAddresses": ["10.0.0.1"]}],
		"privateLinkServiceConnections": [{"privateLinkServiceConnectionState": {"status": "Approved"}}]}`
	var all []string
	for _, text := range append(slices.Clone(hostile), "good") {
		if text != "A" && text != "a." { // these are names
			fqdn, err := json.Marshal(text + ".blob.core.windows.net")
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintf(endpoint, fqdn))
		}
	}
	file := t.TempDir() + "/hostile.json"
	if err := os.WriteFile(file, []byte("["+strings.Join(all, ",")+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range formats {
		status, stdout, stderr := run(t, "", "-names -server 10.0.0.4 -files "+file+" -format "+f.name)
		if status != 0 || strings.Count(stdout, "good.blob.core.windows.net") == 0 {
			t.Errorf("%s: status %d, stderr %s\n%s", f.name, status, stderr, stdout)
		}
		for _, text := range hostile {
			if len(text) > 1 && len(text) < 10 && strings.Contains(stdout, text+".blob.core") {
				t.Errorf("%s prints %q", f.name, text)
			}
		}
	}
}
