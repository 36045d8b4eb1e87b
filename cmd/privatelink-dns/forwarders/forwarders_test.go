package forwarders

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	_ "github.com/privatelink-dns/privatelink-dns/plugin/upstream"
)

func TestMain(m *testing.M) {
	dnsserver.Port = "53"
	if err := dnsserver.SetDirectives([]string{"errors", "privatelink", "cache", "upstream", "forward"}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// run runs the command in a folder with a Corefile and other files.
func run(t *testing.T, corefile, args string) (status int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"Corefile": corefile, "a.hosts": "10.20.0.4 a.blob.core.windows.net\n", "broken.json": "{",
		"empty": `{"version": 1, "serials": {}, "sources": {}}`,
		"state": `{"version": 1, "serials": {"privatelink.blob.core.windows.net": 7, "privatelink.we.backup.windowsazure.com": 7,
			"privatelink.file.core.windows.net": 7}, "sources": {}}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var o, e bytes.Buffer
	all := append([]string{"forwarders"}, strings.Fields(args)...)
	status = command.Main(t.Context(), "p", []command.Command{Command}, all, command.Output{Stdout: &o, Stderr: &e})
	return status, o.String(), e.String()
}

// serving returns a Corefile.
func serving(origins, zones string, properties ...string) string {
	return origins + " {\nprivatelink " + zones + " {\nhosts a.hosts\n" + strings.Join(properties, "\n") + "\n}\n}\n"
}

const (
	defaults = "backup.windowsazure.com blob.core.windows.net queue.core.windows.net siterecovery.windowsazure.com"
	parts    = " blob.storage.azure.net queue.storage.azure.net"
	usgov    = "backup.windowsazure.us blob.core.usgovcloudapi.net queue.core.usgovcloudapi.net siterecovery.windowsazure.us"
)

func TestZones(t *testing.T) {
	for _, tt := range []struct{ name, corefile, args, want string }{
		{"default zones", serving(".", ""), "", defaults + parts},
		{"one forwarder for all geo codes", serving(".", "", "geo we eus"), "", defaults + parts},
		{"US Government has no partitions", serving(".", "", "cloud usgov"), "", usgov},
		{"China", serving(".", "", "cloud china"), "", "backup.windowsazure.cn blob.core.chinacloudapi.cn queue.core.chinacloudapi.cn"},
		{"Key Vault has two parents", serving(".", "privatelink.vaultcore.azure.net"), "", defaults + " vault.azure.net vaultcore.azure.net" + parts},
		{"below another one", serving(".", "privatelink.a.b.example privatelink.b.example"), "", defaults + " b.example" + parts},
		{"above the others", serving(".", "privatelink.core.windows.net"), "", "backup.windowsazure.com siterecovery.windowsazure.com core.windows.net" + parts},
		{"two blocks", serving(".:1", "privatelink.file.core.windows.net") + serving(".:2", "", "cloud usgov"), "",
			defaults + " file.core.windows.net" + parts + " file.storage.azure.net " + usgov},
		{"files alone", "", "-hosts a.hosts", defaults + parts},
		{"state alone", "", "-state state", "backup.windowsazure.com blob.core.windows.net file.core.windows.net blob.storage.azure.net file.storage.azure.net"},
		{"Azure is not asked", strings.ReplaceAll(serving(".", ""), "hosts a.hosts", "azure 00000000-0000-0000-0000-000000000000"), "", defaults + parts},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := run(t, tt.corefile, tt.args+" -format coredns -server 10.0.0.4")
			if status != 0 || stderr != "" || !strings.Contains(stdout, "\n"+tt.want+" {\n") {
				t.Errorf("status %d, stderr %s, stdout\n%s\nwant the zones %s", status, stderr, stdout, tt.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	const wrongServer = "p forwarders: invalid value %q for flag -server: "
	for _, tt := range []struct{ name, args, want string }{
		{"no format", "-server 10.0.0.4", "p forwarders: -format is missing: " + formatNames() + "\n"},
		{"unknown format", "-format windows -server 10.0.0.4", `p forwarders: -format: "windows" is not one of powershell, bind, unbound, `},
		{"no server", "-format bind", "p forwarders: -server is missing: an address of privatelink-dns, as the server that forwards reaches it\n"},
		{"a name", "-server ns.example", fmt.Sprintf(wrongServer, "ns.example") + "an IP address is expected, with :PORT if that is not 53: 10.0.0.4, 10.0.0.4:5353, fd00::4, [fd00::4]:5353\n"},
		{"a network", "-server 10.0.0.0/8", fmt.Sprintf(wrongServer, "10.0.0.0/8") + "an IP address is expected"},
		{"port 0", "-server 10.0.0.4:0", fmt.Sprintf(wrongServer, "10.0.0.4:0") + "invalid port 0\n"},
		{"too high a port", "-server 10.0.0.4:65536", fmt.Sprintf(wrongServer, "10.0.0.4:65536") + "an IP address is expected"},
		{"any address", "-server ::", fmt.Sprintf(wrongServer, "::") + "not the address of one machine\n"},
		{"a group", "-server 224.0.0.251", fmt.Sprintf(wrongServer, "224.0.0.251") + "not the address of one machine\n"},
		{"a link behind an address", "-server fd00::1%eth0", fmt.Sprintf(wrongServer, "fd00::1%eth0") + "a zone is not allowed in an address"},
		{"the second of two with a comma", "-server 10.0.0.4,x", fmt.Sprintf(wrongServer, "10.0.0.4,x") + "an IP address is expected"},
		{"a link's own", "-server fe80::1%eth0", fmt.Sprintf(wrongServer, "fe80::1%eth0") + "a link-local address is reached from its own link only"},
		{"Azure DNS", "-server ::ffff:168.63.129.16", fmt.Sprintf(wrongServer, "::ffff:168.63.129.16") + "this is Azure's own DNS, not privatelink-dns\n"},
		{"twice", "-server 10.0.0.4 -server 10.0.0.4:53", fmt.Sprintf(wrongServer, "10.0.0.4:53") + "specified more than once\n"},
		{"Windows and a port", "-format powershell -server [fd00::4]:5353", "p forwarders: -server: [fd00::4]:5353: a Windows DNS server forwards to port 53 only\n"},
		{"too many for CoreDNS", "-format coredns" + many(16), "p forwarders: -server: CoreDNS forwards to 15 servers at most\n"},
		{"no such Corefile", "-format bind -server 10.0.0.4 -conf none", "p forwarders: open none: no such file or directory\n"},
		{"broken export", "-format bind -server 10.0.0.4 -files broken.json", "p forwarders: files broken.json: broken.json: line 1: unexpected end of JSON input\n"},
		{"state without a zone", "-format bind -server 10.0.0.4 -state empty", "p forwarders: empty: no zone in it\n"},
		{"no such export", "-format bind -server 10.0.0.4 -files none.json", "p forwarders: files none.json: none.json: no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if status, stdout, stderr := run(t, serving(".", ""), tt.args); status != command.Failed || stdout != "" || !strings.HasPrefix(stderr, tt.want) {
				t.Errorf("%s: status %d, stdout %q, stderr %q; want %q", tt.args, status, stdout, stderr, tt.want)
			}
		})
	}
}

func many(n int) (args string) {
	for i := range n {
		args += fmt.Sprintf(" -server 10.0.0.%d", i+1)
	}
	return args
}

// A name that is forwarded and would be refused is reported. The configuration is
// printed nevertheless, for all names.
func TestRefusals(t *testing.T) {
	const zones = "backup.windowsazure.com siterecovery.windowsazure.com " +
		"core.windows.net privatelink.vaultcore.azure.net blob.storage.azure.net queue.storage.azure.net vault.azure.net"
	const oneGeo = "we.backup.windowsazure.com siterecovery.windowsazure.com core.windows.net azure.net"
	refused := func(name, origins string) string {
		return "warning: Corefile:2: a query for a name below " + name + " is refused: add " + name +
			" to the server block, which is for " + strings.ReplaceAll(origins, " ", ", ") + "\n"
	}
	for _, tt := range []struct{ name, corefile, want string }{
		{"the root", serving(".", ""), ""},
		{"the parents", serving(defaults+parts, ""), ""},
		{"names above", serving("windowsazure.com core.windows.net storage.azure.net", ""), ""},
		{"one server block for each", serving("windowsazure.com", "") + serving("core.windows.net azure.net", ""), ""},
		{"the zones", serving(zones, "privatelink.vaultcore.azure.net"), refused("vaultcore.azure.net", zones)},
		{"one geo code", serving(oneGeo, ""), refused("backup.windowsazure.com", oneGeo)},
		{"encrypted DNS alone", serving("tls://.", ""), "warning: no server block listens for plain DNS, and that is what these settings speak\n"},
		{"plain DNS, too", serving("tls://. .", ""), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := run(t, tt.corefile, "-format coredns -server 10.0.0.4")
			if (status != 0) != (tt.want != "") || status > 1 || stderr != tt.want || !strings.Contains(stdout, "\n"+defaults) {
				t.Errorf("status %d, stderr\n%s\nwant\n%s\nstdout\n%s", status, stderr, tt.want, stdout)
			}
		})
	}
}
