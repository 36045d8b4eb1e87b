package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A peer is DNS server software that can be a secondary of privatelink-dns.
type peer struct {
	name, program, pkg string
	args               []string // followed by the path of its configuration
	configure          func(p *secondary) string
}

var peers = []peer{
	{"BIND 9", "named", "bind9", []string{"-g", "-c"}, configureBIND},
	{"NSD", "nsd", "nsd", []string{"-d", "-c"}, configureNSD},
	{"Knot DNS", "knotd", "knot", []string{"-c"}, configureKnot},
}

// A secondary is an instance of a peer. Its port is chosen before it starts.
type secondary struct {
	*process
	t       testing.TB
	peer    peer
	dir     string
	port    string
	primary string // the port of privatelink-dns
	key     string // TSIG secret, or empty
	options string // statements in BIND's options
	more    string // statements after BIND's zones
	zones   []string
}

func (p *secondary) addr() string { return "127.0.0.1:" + p.port }

// start starts the secondary and returns once it answers, even without zones.
func (p *secondary) start() *secondary {
	p.t.Helper()
	program := need(p.t, p.peer.program, p.peer.pkg)
	files := &server{t: p.t, dir: p.dir}
	files.write("conf", p.peer.configure(p))
	cmd := exec.Command(program, append(p.peer.args, filepath.Join(p.dir, "conf"))...)
	cmd.Dir = p.dir
	p.process = launch(p.t, p.addr(), cmd)
	if p.ended() && strings.Contains(p.out.String(), "ermission denied") {
		p.t.Skipf("%s may not read its configuration in %s: AppArmor may restrict it to its own folders", program, p.dir)
	}
	if p.ended() {
		p.t.Fatalf("%s did not start", program)
	}
	return p
}

// becomes waits until the secondary's reply equals want.
func (p *secondary) becomes(question, want string) {
	p.t.Helper()
	var got string
	defer func() {
		if p.t.Failed() {
			p.t.Logf("%s: dig %s = %s; want %s", p.peer.name, question, got, want)
		}
	}()
	eventually(p.t, p.peer.name+": "+question, func() bool {
		r := dig(p.t, p.addr(), append(strings.Fields(question), "+norec")...)
		r.flags = slices.DeleteFunc(r.flags, func(f string) bool { return f == "ra" })
		r.authority = slices.DeleteFunc(r.authority, func(rr rr) bool { return rr.rrtype == "NS" }) // some peers add it
		got = r.String()
		return got == want
	})
}

const keyName = "transfer.example."

func configureBIND(p *secondary) string {
	text := fmt.Sprintf(`
options {
    directory %q;
    port %s;
    listen-on { 127.0.0.1; };
    listen-on-v6 { none; };
    pid-file none;
    session-keyfile none;
    max-cache-size 32m;
    dnssec-validation no;
    notify no;
    %s
};
controls { };
`, p.dir, p.port, p.options)
	key := ""
	if p.key != "" {
		text += fmt.Sprintf("key %q { algorithm hmac-sha256; secret %q; };\n", keyName, p.key)
		key = fmt.Sprintf(" key %q", keyName)
	}
	for _, zone := range p.zones {
		text += fmt.Sprintf("zone %q { type secondary; primaries { 127.0.0.1 port %s%s; }; file %q; };\n", zone, p.primary, key, zone)
	}
	return text + p.more
}

func configureNSD(p *secondary) string {
	text := fmt.Sprintf(`
server:
    ip-address: 127.0.0.1
    port: %s
    username: ""
    zonesdir: %q
    database: ""
    pidfile: ""
    xfrdfile: "xfrd.state"
    xfrdir: %q
    zonelistfile: "zone.list"
    server-count: 1
    verbosity: 2
remote-control:
    control-enable: no
`, p.port, p.dir, p.dir)
	key := "NOKEY"
	if p.key != "" {
		text += fmt.Sprintf("key:\n    name: %q\n    algorithm: hmac-sha256\n    secret: %q\n", keyName, p.key)
		key = keyName
	}
	for _, zone := range p.zones {
		text += fmt.Sprintf("zone:\n    name: %q\n    zonefile: %q\n    request-xfr: 127.0.0.1@%s %s\n    allow-notify: 127.0.0.1 NOKEY\n",
			zone, zone, p.primary, key)
	}
	return text
}

func configureKnot(p *secondary) string {
	key, keys := "", ""
	if p.key != "" {
		keys = fmt.Sprintf("key:\n  - id: %s\n    algorithm: hmac-sha256\n    secret: %s\n", keyName, p.key)
		key = "\n    key: " + keyName
	}
	text := fmt.Sprintf(`
server:
    listen: 127.0.0.1@%s
    rundir: %q
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: %q
log:
  - target: stderr
    any: info
%sremote:
  - id: primary
    address: 127.0.0.1@%s%s
acl:
  - id: notified
    address: 127.0.0.1
    action: notify
template:
  - id: default
    storage: %q
zone:
`, p.port, p.dir, p.dir, keys, p.primary, key, p.dir)
	for _, zone := range p.zones {
		text += fmt.Sprintf("  - domain: %s\n    master: primary\n    acl: notified\n", zone)
	}
	return text
}
