package forwarders

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/corefile"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
)

// comments and empty lines of all formats but PowerShell.
var comments = regexp.MustCompile(`(?m)^ *(?:#|//|--).*\n|^\n`)

// What each format has for three zones and two servers, without the comments.
func TestFormats(t *testing.T) {
	for format, want := range map[string]string{
		"bind": `zone "backup.windowsazure.us" {
    type forward;
    forward only;
    forwarders { 10.0.0.4 port 53; fd00::4 port 5353; };
};
zone "blob.core.usgovcloudapi.net" {
    type forward;
    forward only;
    forwarders { 10.0.0.4 port 53; fd00::4 port 5353; };
};
zone "queue.core.usgovcloudapi.net" {
    type forward;
    forward only;
    forwarders { 10.0.0.4 port 53; fd00::4 port 5353; };
};
zone "siterecovery.windowsazure.us" {
    type forward;
    forward only;
    forwarders { 10.0.0.4 port 53; fd00::4 port 5353; };
};
`,
		"unbound": `server:
    private-domain: "backup.windowsazure.us"
    private-domain: "blob.core.usgovcloudapi.net"
    private-domain: "queue.core.usgovcloudapi.net"
    private-domain: "siterecovery.windowsazure.us"
    domain-insecure: "backup.windowsazure.us"
    domain-insecure: "blob.core.usgovcloudapi.net"
    domain-insecure: "queue.core.usgovcloudapi.net"
    domain-insecure: "siterecovery.windowsazure.us"
forward-zone:
    name: "backup.windowsazure.us"
    forward-first: no
    forward-addr: 10.0.0.4@53
    forward-addr: fd00::4@5353
forward-zone:
    name: "blob.core.usgovcloudapi.net"
    forward-first: no
    forward-addr: 10.0.0.4@53
    forward-addr: fd00::4@5353
forward-zone:
    name: "queue.core.usgovcloudapi.net"
    forward-first: no
    forward-addr: 10.0.0.4@53
    forward-addr: fd00::4@5353
forward-zone:
    name: "siterecovery.windowsazure.us"
    forward-first: no
    forward-addr: 10.0.0.4@53
    forward-addr: fd00::4@5353
`,
		"dnsmasq": `rebind-domain-ok=/backup.windowsazure.us/blob.core.usgovcloudapi.net/queue.core.usgovcloudapi.net/siterecovery.windowsazure.us/
server=/backup.windowsazure.us/10.0.0.4#53
server=/backup.windowsazure.us/fd00::4#5353
server=/blob.core.usgovcloudapi.net/10.0.0.4#53
server=/blob.core.usgovcloudapi.net/fd00::4#5353
server=/queue.core.usgovcloudapi.net/10.0.0.4#53
server=/queue.core.usgovcloudapi.net/fd00::4#5353
server=/siterecovery.windowsazure.us/10.0.0.4#53
server=/siterecovery.windowsazure.us/fd00::4#5353
`,
		"coredns": `backup.windowsazure.us blob.core.usgovcloudapi.net queue.core.usgovcloudapi.net siterecovery.windowsazure.us {
    errors
    cache 60 # in privatelink-dns itself: lru
    forward . 10.0.0.4:53 [fd00::4]:5353
}
`,
		"systemd-resolved": `[Resolve]
DNS=10.0.0.4:53
DNS=[fd00::4]:5353
Domains=~backup.windowsazure.us
Domains=~blob.core.usgovcloudapi.net
Domains=~queue.core.usgovcloudapi.net
Domains=~siterecovery.windowsazure.us
`,
		"knot-resolver": `local privatelink = policy.todnames({
    'backup.windowsazure.us',
    'blob.core.usgovcloudapi.net',
    'queue.core.usgovcloudapi.net',
    'siterecovery.windowsazure.us',
})
policy.add(policy.suffix(policy.FLAGS({ 'ALLOW_LOCAL' }), privatelink))
policy.add(policy.suffix(policy.STUB({ '10.0.0.4@53', 'fd00::4@5353' }), privatelink))
`,
		"pdns-recursor": `forward-zones-recurse=backup.windowsazure.us=10.0.0.4:53;[fd00::4]:5353
forward-zones-recurse+=blob.core.usgovcloudapi.net=10.0.0.4:53;[fd00::4]:5353
forward-zones-recurse+=queue.core.usgovcloudapi.net=10.0.0.4:53;[fd00::4]:5353
forward-zones-recurse+=siterecovery.windowsazure.us=10.0.0.4:53;[fd00::4]:5353
`,
	} {
		status, stdout, stderr := run(t, serving(".", "", "cloud usgov"), "-format "+format+" -server 10.0.0.4 -server [fd00::4]:5353")
		if got := comments.ReplaceAllString(stdout, ""); status != 0 || stderr != "" || got != want {
			t.Errorf("%s: status %d, stderr %q, stdout\n%s\nwant\n%s", format, status, stderr, got, want)
		}
	}
}

func TestPowerShell(t *testing.T) {
	status, stdout, stderr := run(t, serving(".", "", "cloud usgov", "geo ugv"), "-format powershell -server 10.0.0.4 -server fd00::4")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %s", status, stderr)
	}
	for _, want := range []string{
		"#Requires -Modules DnsServer\n",
		"[CmdletBinding(SupportsShouldProcess)]\n",
		"$servers = @(\n    '10.0.0.4'\n    'fd00::4'\n)\n",
		"$names = @(\n    'backup.windowsazure.us'\n    'blob.core.usgovcloudapi.net'\n    'queue.core.usgovcloudapi.net'\n    'siterecovery.windowsazure.us'\n)\n",
		"$served = @(\n    'privatelink.blob.core.usgovcloudapi.net'\n    'privatelink.queue.core.usgovcloudapi.net'\n" +
			"    'privatelink.siterecovery.windowsazure.us'\n    'privatelink.ugv.backup.windowsazure.us'\n)\n",
		"Add-DnsServerConditionalForwarderZone -ComputerName $ComputerName -Name $name -MasterServers $servers " +
			"-ForwarderTimeout 5 -UseRecursion:$false -ReplicationScope Forest\n",
		"Set-DnsServerConditionalForwarderZone -ComputerName $ComputerName -Name $name -MasterServers $servers -ForwarderTimeout 5 -UseRecursion $false\n",
		"if ($primary -contains 'ns.privatelink-dns.invalid') {\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it lacks\n%s", want)
		}
	}
}

// A format has its text, and the text its format.
func TestFilesOfFormats(t *testing.T) {
	paths, err := fs.Glob(files, "formats/*")
	if err != nil || len(paths) != len(formats) {
		t.Errorf("%q, %v; want those of %s", paths, err, formatNames())
	}
	for _, f := range formats {
		if templates.Lookup(f.name) == nil {
			t.Errorf("%s has no text", f.name)
		}
	}
}

// Windows PowerShell takes a file without a byte order mark for one of an old code
// page; the others are read on terminals of all kinds.
func TestPlainText(t *testing.T) {
	for _, f := range formats {
		_, stdout, _ := run(t, serving(".", ""), "-format "+f.name+" -server 127.0.0.1")
		if i := strings.IndexFunc(stdout, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
			t.Errorf("%s: %q", f.name, stdout[i:min(i+20, len(stdout))])
		}
		if !strings.HasSuffix(stdout, "\n") || strings.HasSuffix(stdout, "\n\n") ||
			strings.Contains(stdout, "\n\n\n") || strings.Contains(stdout, " \n") {
			t.Errorf("%s: spare or missing ends of lines:\n%s", f.name, stdout)
		}
	}
}

// Unbound sends nothing to its own machine unless do-not-query-localhost is no.
func TestUnboundOnTheSameMachine(t *testing.T) {
	for server, want := range map[string]bool{"127.0.0.1": true, "::1": true, "10.0.0.4": false} {
		_, stdout, _ := run(t, serving(".", ""), "-format unbound -server "+server)
		if got := strings.Contains(stdout, "\n    do-not-query-localhost: no\n"); got != want {
			t.Errorf("%s: do-not-query-localhost: no: %t; want %t", server, got, want)
		}
	}
}

// Stock CoreDNS, which has cache, loads the block as well.
func TestStockCoreDNS(t *testing.T) {
	_, stdout, _ := run(t, serving(".", ""), "-format coredns"+many(15))
	if _, err := privatelink.Blocks(corefile.Input("Corefile", []byte(stdout))); err != nil {
		t.Errorf("%v\n%s", err, stdout)
	}
}
