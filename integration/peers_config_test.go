package integration

import (
	"fmt"
	"strings"
)

// A forwarding describes where a resolver forwards which names.
type forwarding struct {
	zones   []string // forwarded to port
	port    string   // the port of privatelink-dns
	rest    string   // port to which all other names are forwarded
	options string   // in the resolver's syntax
	more    string   // statements outside of BIND's options, or the Lua file of PowerDNS Recursor
}

// lines formats each zone in the resolver's syntax. The arguments of format are the
// zone and the port of privatelink-dns.
func (w forwarding) lines(format string) string {
	var text strings.Builder
	for _, zone := range w.zones {
		fmt.Fprintf(&text, format+"\n", zone, w.port)
	}
	return text.String()
}

// A forwarder is a resolver that forwards to privatelink-dns. A frontKind starts it.
type forwarder struct {
	format       string // of its frontKind
	configure    func(f *front, w forwarding) (arguments string)
	noValidation string // option that turns validation off
}

var forwarderPeers = []forwarder{
	{"bind", forwardBIND, "dnssec-validation no;"},
	{"unbound", forwardUnbound, `module-config: "iterator"`},
	{"dnsmasq", forwardDnsmasq, ""},
	{"pdns-recursor", forwardRecursor, "dnssec=off"},
	{"knot-resolver", forwardKnotResolver, "trust_anchors.remove('.')"},
}

func forwardBIND(f *front, w forwarding) string {
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
    %s
};
controls { };
`, f.dir, f.port, w.rest, w.options)+w.lines(`zone "%s" { type forward; forward only; forwarders { 127.0.0.1 port %s; }; };`)+w.more)
	return "-g -c conf"
}

func forwardUnbound(f *front, w forwarding) string {
	f.write("conf", fmt.Sprintf(`
server:
    directory: %q
    interface: 127.0.0.1@%s
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    num-threads: 1
    do-not-query-localhost: no
    %s
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@%s
`, f.dir, f.port, w.options, w.rest)+w.lines("forward-zone:\n    name: %q\n    forward-addr: 127.0.0.1@%s"))
	return "-d -c conf"
}

func forwardDnsmasq(f *front, w forwarding) string {
	f.write("conf", fmt.Sprintf(`
port=%s
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
pid-file=
user=
group=
server=127.0.0.1#%s
%s
`, f.port, w.rest, w.options)+w.lines("server=/%s/127.0.0.1#%s"))
	return "--keep-in-foreground --conf-file=conf"
}

// forwardRecursor uses relative paths, because the path of a socket must be short.
func forwardRecursor(f *front, w forwarding) string {
	f.write("lua", w.more)
	f.write("recursor.conf", fmt.Sprintf(`
local-address=127.0.0.1
local-port=%s
socket-dir=.
lua-config-file=lua
security-poll-suffix=
threads=1
%s
forward-zones-recurse=.=127.0.0.1:%s
`, f.port, w.options, w.rest)+w.lines("forward-zones-recurse+=%s=127.0.0.1:%s"))
	return "--config-dir=" + f.dir
}

// forwardKnotResolver forwards with STUB, because FORWARD requires the next server to
// prove that a zone is unsigned.
func forwardKnotResolver(f *front, w forwarding) string {
	f.write("conf", fmt.Sprintf(`
log_target('stderr')
net.listen('127.0.0.1', %s)
cache.open(10 * MB, 'lmdb://%s')
%s
`, f.port, f.dir, w.options)+w.lines("policy.add(policy.suffix(policy.STUB('127.0.0.1@%[2]s'), policy.todnames({ '%[1]s' })))")+
		fmt.Sprintf("policy.add(policy.all(policy.FORWARD('127.0.0.1@%s')))\n", w.rest))
	return "-n -c conf " + f.dir
}
