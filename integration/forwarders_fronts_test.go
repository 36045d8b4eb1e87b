package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The software accepts the printed configuration for several servers, including
// IPv6 addresses and a nondefault port, and for names of all forms that are valid. It
// rejects the same text with an error in it.
func TestForwardersCommandSyntax(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind           frontKind
		args           string
		valid, invalid string
	}{
		{frontKind{format: "bind", program: "named-checkconf", pkg: "bind9-utils"}, "printed", "fd00::5", "fd00::x"},
		{frontKind{format: "unbound", program: "unbound-checkconf", pkg: "unbound"}, "printed", "fd00::5", "fd00::x"},
		{frontKind{format: "opnsense", program: "unbound-checkconf", pkg: "unbound"}, "printed", "fd00::5", "fd00::x"},
		{frontKind{format: "dnsmasq", program: "dnsmasq", pkg: "dnsmasq-base"}, "--test --conf-file=printed", "fd00::5", "fd00::x"},
		{frontKind{format: "pi-hole", program: "dnsmasq", pkg: "dnsmasq-base"}, "--test --conf-file=printed", "fd00::5", "fd00::x"},
		{frontKind{format: "coredns"}, "validate -conf all", "fd00::5", "fd00::x"},
		{frontKind{format: "knot-resolver", program: "kresd", pkg: "knot-resolver"}, "-n -c lua .", "fd00::5", "fd00::x"},
		{frontKind{format: "knot-resolver-6", program: "kresctl", release: resolver6}, "validate printed", "fd00::5", "fd00::x"},
		{frontKind{format: "pdns-recursor", program: "pdns_recursor", pkg: "pdns-recursor"}, "--config-dir=. --config=check", "zones-recurse", "zones-curse"},
		{frontKind{format: "pdns-recursor-yaml", program: "pdns_recursor", release: recursor5}, "--config-dir=. --config=check", "fd00::5", "fd00::x"},
	} {
		t.Run(tt.kind.format, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, ". {\n    privatelink privatelink.vaultcore.azure.net {\n        files vault.json\n    }\n}\n")
			tt.kind.need(t)
			f := &front{server: s}
			names := odd
			if tt.kind.format != "knot-resolver-6" { // it rejects these, and so does the command
				names = append(slices.Clone(odd), "-a.blob.core.windows.net 10.0.0.1", "a-.blob.core.windows.net 10.0.0.1")
			}
			s.write("vault.json", export(names...))
			for _, names := range []string{"", " -names"} {
				printed, stderr, status := s.command("forwarders -format " + tt.kind.format + names +
					" -server 10.0.0.4 -server 10.0.0.5:5353 -server fd00::4 -server [fd00::5]:5353")
				if status != 0 || stderr != "" {
					t.Fatalf("status %d\n%s", status, stderr)
				}
				for text, valid := range map[string]bool{printed: true, strings.ReplaceAll(printed, tt.valid, tt.invalid): false} {
					for _, name := range []string{"printed", "recursor.conf", "recursor.yml"} {
						s.write(name, text)
					}
					s.write("lua", "net.listen('127.0.0.1', "+freePort(t)+")\ncache.open(10 * MB, 'lmdb://cache')\n"+text+"quit()\n")
					s.write("all", withLRU(text)+".:5300 {\n    privatelink {\n        files vault.json\n    }\n}\n")
					cmd := tt.kind.command(f, strings.TrimSpace(tt.kind.program+" "+tt.args))
					if out, err := cmd.CombinedOutput(); (err == nil) != valid {
						t.Errorf("%s: %v; want valid = %t\n%s\n%s", cmd, err, valid, out, text)
					}
				}
			}
		})
	}
}

// odd has names of valid but rare forms.
var odd = []string{
	"a.blob.core.windows.net 10.0.0.1",
	"_a.blob.core.windows.net 10.0.0.1",
	"a__b.blob.core.windows.net 10.0.0.1",
	"0.blob.core.windows.net 10.0.0.1",
	"1.2.3.4.blob.core.windows.net 10.0.0.1",
	"xn--a.blob.core.windows.net 10.0.0.1",
	"a--b.blob.core.windows.net 10.0.0.1",
	"true.vault.azure.net 10.0.0.1",
	"null.vault.azure.net 10.0.0.1",
	strings.Repeat("a", 63) + ".vault.azure.net 10.0.0.1",
	strings.Repeat(strings.Repeat("b", 60)+".", 3) + "vault.azure.net 10.0.0.1",
}

// withLRU replaces plugin cache by lru, as the printed comment recommends.
func withLRU(corefile string) string {
	return strings.Replace(corefile, "    cache 60 # in privatelink-dns itself: lru\n", "    lru\n", 1)
}

// frontBIND also uses the statements from the printed comments. Without them, BIND
// with deny-answer-addresses and validation rejects every private address.
func frontBIND(f *front) string {
	insecure := f.advised(`validate-except \{.*\};`)
	names := strings.TrimPrefix(insecure, "validate-except ")
	insecure = strings.Replace(insecure, "{", "{ "+`"`+strings.Join(upstreamDomains, `"; "`)+`";`, 1)
	f.write("conf", fmt.Sprintf(`
options {
    directory %q;
    listen-on port %s { 127.0.0.1; };
    listen-on-v6 { none; };
    pid-file none;
    session-keyfile none;
    max-cache-size 32m;
    recursion yes;
    forward only;
    forwarders { 127.0.0.1 port %s; };
    dnssec-validation auto;
    %s
    deny-answer-addresses { 10.0.0.0/8; fd00::/8; } except-from %s
};
controls { };
include "printed";
`, f.dir, f.port, f.to, insecure, names))
	return "-g -c conf"
}

func frontUnbound(f *front) string {
	f.write("conf", fmt.Sprintf(`
server:
    directory: %q
    interface: 127.0.0.1@%s
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    trust-anchor: ". DS %s"
    private-address: 10.0.0.0/8
    private-address: fd00::/8
    domain-insecure: %q
    domain-insecure: %q
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@%s
include: "%s"
`, f.dir, f.port, trustAnchor, upstreamDomains[0], upstreamDomains[1], f.to, f.path("printed")))
	return "-d -c conf"
}

func frontDnsmasq(f *front) string {
	f.write("conf", fmt.Sprintf(`
port=%s
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
pid-file=
user=
group=
dnssec
trust-anchor=.,%s
stop-dns-rebind
server=127.0.0.1#%s
server=/%[4]s/%[5]s/127.0.0.1#%[3]s
rebind-domain-ok=/%[4]s/%[5]s/
conf-file=%[6]s
`, f.port, strings.ReplaceAll(trustAnchor, " ", ","), f.to, upstreamDomains[0], upstreamDomains[1], f.path("printed")))
	return "--keep-in-foreground --conf-file=conf"
}

// frontCoreDNS uses this project's binary, which has lru instead of plugin cache.
func frontCoreDNS(f *front) string {
	blocks := strings.Replace(withLRU(f.printed), "    lru\n", "    lru\n    bind 127.0.0.1\n", 1)
	f.write("Corefile", blocks+fmt.Sprintf(". {\n    bind 127.0.0.1\n    forward . 127.0.0.1:%s\n}\n", f.to))
	return "-conf Corefile -dns.port " + f.port
}

func frontKnotResolver(f *front) string {
	f.write("conf", fmt.Sprintf(`
log_target('stderr')
net.listen('127.0.0.1', %s)
cache.open(10 * MB, 'lmdb://%s')
modules = { 'rebinding < iterate' }
policy.add(policy.suffix(policy.STUB('127.0.0.1@%s'), policy.todnames({ '%s', '%s' })))
dofile('%s')
policy.add(policy.all(policy.FORWARD('127.0.0.1@%[3]s')))
`, f.port, f.dir, f.to, upstreamDomains[0], upstreamDomains[1], f.path("printed")))
	return "-n -c conf " + f.dir
}

func frontRecursor(f *front) string {
	f.write("nta.lua", f.advised(`addNTA\(.*\)`)+fmt.Sprintf("addNTA(%q)\naddNTA(%q)\n", upstreamDomains[0], upstreamDomains[1]))
	f.write("recursor.d/privatelink-dns.conf", f.printed)
	f.write("recursor.conf", fmt.Sprintf(`
local-address=127.0.0.1
local-port=%s
socket-dir=%s
include-dir=%[2]s/recursor.d
lua-config-file=%[2]s/nta.lua
dnssec=validate
security-poll-suffix=
threads=1
`, f.port, f.dir))
	f.write("recursor.d/unlike-privatelink-dns.conf", fmt.Sprintf("forward-zones-recurse+=.=127.0.0.1:%s\n", f.to))
	return "--config-dir=" + f.dir
}

// frontKnotResolver6 does what the manager of Knot Resolver 6 does: it makes two scripts of the
// YAML file, runs the one that loads the rules, and starts kresd with the other one. The
// file also has the Lua code from the printed comments: without it, kresd with rebinding
// protection rejects every private address.
func frontKnotResolver6(f *front) string {
	_, lua, _ := strings.Cut(f.printed, "# lua:\n")
	lua, _, _ = strings.Cut(lua, "\nforward:")
	lua = "lua:\n" + strings.ReplaceAll(lua, "#   ", "  ")
	f.write("config.yaml", fmt.Sprintf(`
network:
  listen:
    - interface: 127.0.0.1@%[1]s
rundir: %[2]s
cache:
  storage: %[2]s
defer:
  enable: false
options:
  rebinding-protection: true
%[5]s
%[6]s
  - subtree: [%[3]q, %[4]q]
    servers: ["127.0.0.1@%[7]s"]
    options:
      dnssec: false
  - subtree: "."
    servers: ["127.0.0.1@%[7]s"]
`, f.port, f.dir, upstreamDomains[0], upstreamDomains[1], lua, f.printed, f.to))
	k := frontKind{program: "kresd", release: resolver6}
	k.runs(f, "kresctl convert --type policy-loader -o rules.lua config.yaml")
	k.runs(f, "kresctl convert --type worker -o worker.lua config.yaml")
	k.runs(f, "kresd -c rules.lua -c - -n .")
	return "-c worker.lua -n ."
}

func frontRecursorYAML(f *front) string {
	f.write("recursor.d/privatelink-dns.yml", f.printed)
	f.write("recursor.yml", fmt.Sprintf(`
incoming:
  listen: [127.0.0.1]
  port: %s
recursor:
  include_dir: %s/recursor.d
  socket_dir: .
  security_poll_suffix: ""
  threads: 1
dnssec:
  validation: validate
`, f.port, f.dir))
	f.write("recursor.d/unlike-privatelink-dns.yml", fmt.Sprintf(`
recursor:
  forward_zones_recurse:
    - zone: "."
      forwarders: ["127.0.0.1:%s"]
dnssec:
  negative_trustanchors:
    - {name: %q, reason: "unsigned"}
    - {name: %q, reason: "unsigned"}
`, f.to, upstreamDomains[0], upstreamDomains[1]))
	return "--config-dir=."
}

// frontAdGuard uses the parser of AdGuard Home's upstream servers, which is that of its
// program dnsproxy. The fallback server has public addresses.
func frontAdGuard(f *front) string {
	f.write("upstreams", fmt.Sprintf("127.0.0.1:%s\n%s", f.to, f.printed))
	return "--listen=127.0.0.1 --port=" + f.port + " --upstream=" + f.path("upstreams") + " --fallback=" + f.path("upstreams")
}
