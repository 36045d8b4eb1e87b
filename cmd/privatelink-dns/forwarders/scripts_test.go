package forwarders

import (
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// has reports the texts that a printed script lacks.
func has(t *testing.T, stdout string, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(stdout, want) {
			t.Errorf("it lacks\n%s\nin\n%s", want, stdout)
		}
	}
}

func TestPowerShell(t *testing.T) {
	status, stdout, stderr := run(t, serving(".", "", "cloud usgov", "geo ugv"), "-format powershell -server 10.0.0.4 -server fd00::4")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %s", status, stderr)
	}
	has(t, stdout,
		"#Requires -Modules DnsServer\n",
		"[CmdletBinding(SupportsShouldProcess)]\n",
		"$servers = @(\n    '10.0.0.4'\n    'fd00::4'\n)\n",
		"$names = @(\n    'backup.windowsazure.us'\n    'blob.core.usgovcloudapi.net'\n    'queue.core.usgovcloudapi.net'\n"+
			"    'siterecovery.windowsazure.us'\n)\n",
		"$served = @(\n    @{ Name = 'privatelink.blob.core.usgovcloudapi.net'; Type = 'SOA'; Data = 'ns.privatelink-dns.invalid' }\n",
		"    @{ Name = 'privatelink.ugv.backup.windowsazure.us'; Type = 'SOA'; Data = 'ns.privatelink-dns.invalid' }\n)\n",
		"Add-DnsServerConditionalForwarderZone -ComputerName $computer -Name $name -MasterServers $servers "+
			"-ForwarderTimeout 5 -UseRecursion:$false @options\n",
		"Set-DnsServerConditionalForwarderZone -ComputerName $computer -Name $name -MasterServers $servers -ForwarderTimeout 5 -UseRecursion $false\n",
	)
}

// The scope is that of one server unless the flag selects others.
func TestScope(t *testing.T) {
	for _, tt := range []struct{ name, args, replication, computers string }{
		{"by default the server itself", "", "", "@($env:COMPUTERNAME),"},
		{"forest", "-scope forest", "Forest", "@($env:COMPUTERNAME),"},
		{"domain", "-scope Domain", "Domain", "@($env:COMPUTERNAME),"},
		{"servers", "-scope DC1.corp.example,10.1.0.4 -scope fd00::5", "", "@(\n        'dc1.corp.example',\n        '10.1.0.4',\n        'fd00::5'\n    ),"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := run(t, serving(".", ""), "-format powershell -server 10.0.0.4 "+tt.args)
			warned := strings.HasPrefix(stderr, "warning: -scope "+casefold.Lower(tt.replication)+": the forwarders also reach domain controllers ")
			if status != 0 || warned != (tt.replication != "") || !warned && stderr != "" {
				t.Fatalf("status %d, stderr %s", status, stderr)
			}
			has(t, stdout, "$replication = '"+tt.replication+"' #", "[string[]] $ComputerName = "+tt.computers)
		})
	}
}

// The upstream servers of names below the parents are in the script, and reported if they
// are in the scope.
func TestUpstreamsInScope(t *testing.T) {
	const none = "$upstreams = @(\n)\n"
	for _, tt := range []struct{ name, corefile, args, script, want string }{
		{"upstream", "upstream . 10.1.0.10 tls://10.1.0.11:853", "-scope 10.1.0.11,10.1.0.12", "'10.1.0.10'\n    '10.1.0.11'\n", "10.1.0.11"},
		{"forward", "forward . [fd00::10]:53", "-scope fd00::10", "'fd00::10'\n", "fd00::10"},
		{"fallback", "upstream . 168.63.129.16 {\nfallback 10.1.0.10\n}", "-scope 10.1.0.10", "'10.1.0.10'\n    '168.63.129.16'\n", "10.1.0.10"},
		{"name above a parent", "upstream windows.net 10.1.0.10", "-scope 10.1.0.10", "'10.1.0.10'\n", "10.1.0.10"},
		{"name below a parent", "upstream x.blob.core.windows.net 10.1.0.10", "-scope 10.1.0.10", "'10.1.0.10'\n", "10.1.0.10"},
		{"other name", "upstream corp.example 10.1.0.10", "-scope 10.1.0.10", none, ""},
		{"not in the scope", "upstream . 10.1.0.10", "-scope 10.1.0.11", "'10.1.0.10'\n", ""},
		{"no Corefile", "upstream . 10.1.0.10", "-scope 10.1.0.10 -hosts a.hosts", none, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conf := ". {\nprivatelink {\nhosts a.hosts\n}\n" + tt.corefile + "\n}\n"
			status, stdout, stderr := run(t, conf, "-format powershell -server 10.0.0.4 "+tt.args)
			has(t, stdout, tt.script)
			want := ""
			if tt.want != "" {
				want = "warning: -scope: the Corefile forwards to " + tt.want + ", so that its forwarders would send queries back, which is a loop: leave it out\n"
			}
			if stderr != want || (status == 1) != (want != "") {
				t.Errorf("status %d, stderr %q; want %q", status, stderr, want)
			}
		})
	}
}

func TestWrongScope(t *testing.T) {
	const either = "use either forest, or domain, or the names of servers\n"
	for _, tt := range []struct{ name, args, want string }{
		{"two scopes", "-scope forest -scope domain", either},
		{"forest and a server", "-scope forest,dc1", either},
		{"a server and a domain", "-scope dc1 -scope domain", either},
		{"the same server", "-scope dc1,DC1", "specified more than once\n"},
		{"a quote", "-scope dc1'", `"dc1'" is not forest, domain, or the name or address of a DNS server` + "\n"},
		{"a variable", "-scope $(x)", `"$(x)" is not forest, domain, or the name or address of a DNS server` + "\n"},
		{"a parameter", "-scope -x", `"-x" is not forest, domain, or the name or address of a DNS server` + "\n"},
		{"a link", "-scope fe80::1%eth0", `"fe80::1%eth0" is not forest, domain, or the name or address of a DNS server` + "\n"},
		{"another kind of server", "-scope forest -format bind", "-scope is for -format powershell: only Windows DNS servers replicate forwarders\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := run(t, serving(".", ""), "-server 10.0.0.4 -format powershell "+tt.args)
			if status != 2 || stdout != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("%s: status %d, stdout %q, stderr %q; want %q", tt.args, status, stdout, stderr, tt.want)
			}
		})
	}
}

func TestTechnitium(t *testing.T) {
	_, stdout, _ := run(t, serving(".", "", "cloud usgov"), "-format technitium -server 10.0.0.4 -server fd00::4 -server [fd00::5]:5353")
	has(t, stdout,
		"\nnames='\nbackup.windowsazure.us\nblob.core.usgovcloudapi.net\nqueue.core.usgovcloudapi.net\nsiterecovery.windowsazure.us\n'\n",
		"\nservers='\n10.0.0.4\n[fd00::4]\n[fd00::5]:5353\n'\n",
		"\nsuffixes='\nbackup.windowsazure.us\nblob.core.usgovcloudapi.net\nqueue.core.usgovcloudapi.net\nsiterecovery.windowsazure.us\n'\n",
	)
}

func TestAzureRuleset(t *testing.T) {
	_, stdout, _ := run(t, serving(".", "", "cloud usgov"), "-format azure-ruleset -server 10.0.0.4 -server 10.0.0.5:5353")
	has(t, stdout,
		"\nvar names = [\n  'backup.windowsazure.us.'\n  'blob.core.usgovcloudapi.net.'\n  'queue.core.usgovcloudapi.net.'\n  'siterecovery.windowsazure.us.'\n]\n",
		"\nvar servers = [\n  {\n    ipAddress: '10.0.0.4'\n    port: 53\n  }\n  {\n    ipAddress: '10.0.0.5'\n    port: 5353\n  }\n]\n",
		"Microsoft.Network/dnsForwardingRulesets/forwardingRules@2022-07-01",
	)
}
