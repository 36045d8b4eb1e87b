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
var comments = regexp.MustCompile(`(?m)^ *(?:#|//|--).*\n|^\n|^@.*\n`)

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
		"dnsmasq": `rebind-domain-ok=/backup.windowsazure.us/
rebind-domain-ok=/blob.core.usgovcloudapi.net/
rebind-domain-ok=/queue.core.usgovcloudapi.net/
rebind-domain-ok=/siterecovery.windowsazure.us/
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
		"pdns-recursor-yaml": `recursor:
  forward_zones_recurse:
    - zone: "backup.windowsazure.us"
      forwarders:
        - "10.0.0.4:53"
        - "[fd00::4]:5353"
    - zone: "blob.core.usgovcloudapi.net"
      forwarders:
        - "10.0.0.4:53"
        - "[fd00::4]:5353"
    - zone: "queue.core.usgovcloudapi.net"
      forwarders:
        - "10.0.0.4:53"
        - "[fd00::4]:5353"
    - zone: "siterecovery.windowsazure.us"
      forwarders:
        - "10.0.0.4:53"
        - "[fd00::4]:5353"
dnssec:
  negative_trustanchors:
    - name: "backup.windowsazure.us"
      reason: "private endpoints"
    - name: "blob.core.usgovcloudapi.net"
      reason: "private endpoints"
    - name: "queue.core.usgovcloudapi.net"
      reason: "private endpoints"
    - name: "siterecovery.windowsazure.us"
      reason: "private endpoints"
`,
		"knot-resolver-6": `forward:
  - subtree: "backup.windowsazure.us"
    servers: ["10.0.0.4@53", "fd00::4@5353"]
    options:
      dnssec: false
  - subtree: "blob.core.usgovcloudapi.net"
    servers: ["10.0.0.4@53", "fd00::4@5353"]
    options:
      dnssec: false
  - subtree: "queue.core.usgovcloudapi.net"
    servers: ["10.0.0.4@53", "fd00::4@5353"]
    options:
      dnssec: false
  - subtree: "siterecovery.windowsazure.us"
    servers: ["10.0.0.4@53", "fd00::4@5353"]
    options:
      dnssec: false
`,
		"adguard-home": `[/backup.windowsazure.us/]10.0.0.4:53 [fd00::4]:5353
[/blob.core.usgovcloudapi.net/]10.0.0.4:53 [fd00::4]:5353
[/queue.core.usgovcloudapi.net/]10.0.0.4:53 [fd00::4]:5353
[/siterecovery.windowsazure.us/]10.0.0.4:53 [fd00::4]:5353
`,
	} {
		status, stdout, stderr := run(t, serving(".", "", "cloud usgov"), "-format "+format+" -server 10.0.0.4 -server [fd00::4]:5353")
		if got := comments.ReplaceAllString(stdout, ""); status != 0 || stderr != "" || got != want {
			t.Errorf("%s: status %d, stderr %q, stdout\n%s\nwant\n%s", format, status, stderr, got, want)
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

// Pi-hole is dnsmasq and OPNsense has Unbound: only their comments differ.
func TestSameServerInOtherProducts(t *testing.T) {
	for product, format := range map[string]string{"pi-hole": "dnsmasq", "opnsense": "unbound"} {
		_, want, _ := run(t, serving(".", ""), "-server 10.0.0.4 -format "+format)
		_, got, _ := run(t, serving(".", ""), "-server 10.0.0.4 -format "+product)
		if got == want || comments.ReplaceAllString(got, "") != comments.ReplaceAllString(want, "") {
			t.Errorf("%s prints\n%s\nwant the settings of %s\n%s", product, got, format, want)
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
