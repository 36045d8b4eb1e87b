package integration

import (
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A front is a DNS server with the configuration that the command forwarders
// prints. It forwards all other names to its own upstream, which also has the
// public addresses of the vault's accounts.
type front struct {
	*server // its files
	port    string
	printed string // configuration printed by the command, also in the file "printed"
	to      string // port of the front's own upstream
}

// path returns the path of the named file in the front's folder.
func (f *front) path(name string) string { return filepath.Join(f.dir, name) }

// frontKind is the software of a front, in its strictest configuration: it validates
// although no server can prove that a name is unsigned, and it drops private
// addresses.
type frontKind struct {
	peer, format string
	program, pkg string                            // pkg is empty if Debian has no package
	quit         string                            // a program and its arguments that end the front; empty: SIGTERM
	configure    func(f *front) (arguments string) // writes the files and returns the program's arguments
	release      *release                          // of the package, if it is not that of this machine
}

var frontKinds = []frontKind{
	{"BIND 9", "bind", "named", "bind9", "", frontBIND, nil},
	{"Unbound", "unbound", "unbound", "unbound", "", frontUnbound, nil},
	{"OPNsense (Unbound)", "opnsense", "unbound", "unbound", "", frontUnbound, nil},
	{"dnsmasq", "dnsmasq", "dnsmasq", "dnsmasq-base", "", frontDnsmasq, nil},
	{"Pi-hole (dnsmasq)", "pi-hole", "dnsmasq", "dnsmasq-base", "", frontDnsmasq, nil},
	{"CoreDNS (this binary)", "coredns", "", "", "", frontCoreDNS, nil},
	{"Knot Resolver", "knot-resolver", "kresd", "knot-resolver", "", frontKnotResolver, nil},
	{"Knot Resolver 6", "knot-resolver-6", "kresd", "", "", frontKnotResolver6, resolver6},
	{"PowerDNS Recursor", "pdns-recursor", "pdns_recursor", "pdns-recursor", "rec_control --socket-dir=. quit", frontRecursor, nil},
	{"PowerDNS Recursor 5 (YAML)", "pdns-recursor-yaml", "pdns_recursor", "", "rec_control --socket-dir=. quit", frontRecursorYAML, recursor5},
	{"AdGuard Home (dnsproxy)", "adguard-home", "dnsproxy", "", "", frontAdGuard, nil},
}

// trustAnchor is the trust anchor of the root zone.
const trustAnchor = "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"

// upstreamDomains holds the unsigned domains of the front's own upstream.
var upstreamDomains = []string{"corp.example", "store.core.windows.net"}

func TestForwardersCommand(t *testing.T) {
	t.Parallel()
	for _, kind := range frontKinds {
		t.Run(kind.format, func(t *testing.T) {
			t.Parallel()
			s, upstream := serve(t, corefile())
			own := azure(t)
			f := kind.prepare(t, s, own.Addr, "")
			f.start(kind)
			note(t, "Configuration by `forwarders`", kind.peer, "loaded", "yes")
			f.answers(t, questions)
			f.checks(t)
			if n := upstream.Asked("new.corp.example"); n > 0 {
				t.Errorf("privatelink-dns received %d queries for a name that is not to be forwarded", n)
			}
			if own.Asked(blob)+own.Asked("wepod01ecs114x.privatelink.blob.core.windows.net") > 0 {
				t.Error("the front's own upstream received a query for a name that is to be forwarded")
			}
			note(t, "Configuration by `forwarders`", kind.peer, "private addresses", "yes")

			s.stop(t)
			if got := f.tries(t, "unlinked.blob.core.windows.net"); strings.Contains(got, "203.0.113.") {
				t.Errorf("while privatelink-dns is down, the front returns a public address:\n%s", got)
			}
			note(t, "Configuration by `forwarders`", kind.peer, "public addresses while ours is down", "none")
		})
	}
}

// With -names a front sends us the served names and no others. It keeps to that while
// privatelink-dns is down.
func TestForwardersCommandForNames(t *testing.T) {
	t.Parallel()
	const dual, other = "wepod01dual1x.blob.core.windows.net", "someoneelse.blob.core.windows.net"
	for _, kind := range frontKinds {
		t.Run(kind.format, func(t *testing.T) {
			t.Parallel()
			s, upstream := serve(t, corefile())
			own := azure(t)
			f := kind.prepare(t, s, own.Addr, " -names")
			f.start(kind)
			f.answers(t, questions[:8])
			f.checks(t)
			f.tries(t, other)
			if n := upstream.Asked(other); n > 0 {
				t.Errorf("privatelink-dns received %d queries for another tenant's account", n)
			}
			s.stop(t)
			if got := f.tries(t, "deep.below.blob.core.windows.net"); strings.Contains(got, "203.0.113.") {
				t.Errorf("while privatelink-dns is down, the front returns a public address:\n%s", got)
			}
			if own.Asked(blob)+own.Asked(privateBlob)+own.Asked(dual)+own.Asked("deep.below.blob.core.windows.net") > 0 {
				t.Error("the front's own upstream received a query for a served name")
			}
			note(t, "Configuration by `forwarders`", kind.peer, "`-names`", "private addresses, no other queries")
		})
	}
}

// prepare writes the configuration that the command prints.
func (k frontKind) prepare(t *testing.T, s *server, upstream, args string) *front {
	t.Helper()
	_, to, _ := net.SplitHostPort(upstream)
	f := &front{server: &server{t: t, dir: t.TempDir()}, to: to}
	var stderr string
	var status int
	f.printed, stderr, status = s.command("forwarders -conf Corefile -format " + k.format + " -server " + s.addr("") + args)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	f.write("printed", f.printed)
	return f
}

// start starts the front and returns once it answers.
func (f *front) start(k frontKind) {
	t := f.t
	t.Helper()
	k.need(t)
	if f.port == "" {
		f.port = freePort(t)
	}
	cmd := k.command(f, k.program+" "+k.configure(f))
	f.process = launch(t, "127.0.0.1:"+f.port, cmd)
	if k.quit != "" {
		t.Cleanup(func() { f.quits(k.command(f, k.quit)) })
	}
	if f.ended() && strings.Contains(f.out.String(), "ermission denied") {
		t.Skipf("%s may not read its configuration in %s: AppArmor may restrict it to its own folders", cmd.Path, f.dir)
	}
	if f.ended() {
		t.Fatalf("%s did not start", cmd)
	}
}

// need skips the test if the front's program is missing.
func (k frontKind) need(t testing.TB) {
	t.Helper()
	switch {
	case k.program == "" || k.release != nil:
	case k.pkg != "":
		need(t, k.program, k.pkg)
	default:
		if _, err := lookPath(k.program); err != nil {
			t.Skipf("no %s here, and Debian has no package of it: put it in the PATH", k.program)
		}
	}
}

// command returns the command for a line, which begins with the name of a program. No name is
// this project's binary.
func (k frontKind) command(f *front, line string) *exec.Cmd {
	f.t.Helper()
	words := strings.Fields(line)
	var cmd *exec.Cmd
	switch {
	case k.program == "":
		cmd = exec.Command(built(f.t), words...)
	case k.release != nil:
		cmd = k.release.command(f.t, f.dir, words[0], words[1:]...)
	default:
		path, err := lookPath(words[0])
		if err != nil {
			f.t.Fatal(err)
		}
		cmd = exec.Command(path, words[1:]...)
	}
	cmd.Dir = f.dir
	return cmd
}

// runs runs a line to its end.
func (k frontKind) runs(f *front, line string) {
	f.t.Helper()
	if out, err := k.command(f, line).CombinedOutput(); err != nil {
		f.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// quits ends a front that treats SIGTERM as a crash.
func (f *front) quits(cmd *exec.Cmd) {
	if out, err := cmd.CombinedOutput(); err != nil {
		f.t.Errorf("%s: %v\n%s", cmd, err, out)
		return
	}
	<-f.done
	f.stopped = true
}

type frontQuestion struct{ name, question, want string }

// questions are about the names of the vault and some foreign names.
var questions = []frontQuestion{
	{"vault", fc1 + " A", "NOERROR: A 10.20.0.4"},
	{"vault, without privatelink", rec2 + " A", "NOERROR: CNAME " + privateRec2 + "., A 10.20.0.7"},
	{"blob", blob + " A", "NOERROR: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
	{"blob over TCP", blob + " A +tcp", "NOERROR: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
	{"blob, no IPv6 address", blob + " AAAA", "NOERROR: CNAME wepod01ecs114x.privatelink.blob.core.windows.net."},
	{"blob, IPv6 address", "wepod01dual1x.blob.core.windows.net AAAA", "NOERROR: CNAME wepod01dual1x.privatelink.blob.core.windows.net., AAAA fd00:20::15"},
	{"queue", "wepod01ecs114x.queue.core.windows.net A", "NOERROR: CNAME wepod01ecs114x.privatelink.queue.core.windows.net., A 10.20.0.13"},
	{"DNS zone endpoint", "wepod01prot121x.z17.blob.storage.azure.net A", "NOERROR: CNAME wepod01prot121x.privatelink.blob.core.windows.net., A 10.20.0.14"},
	{"another tenant's account", "someoneelse.blob.core.windows.net A", "NOERROR: CNAME someoneelse." + blobZone + "., CNAME blob.am01prdstr01a.store.core.windows.net., A 203.0.113.7"},
	{"foreign name", "new.corp.example A", "NOERROR: A 198.51.100.86"},
}

// printedCheck is the comment that shows how to test a configuration.
var printedCheck = regexp.MustCompile(`the answer to "dig \+short (\S+ \S+)" (?:begins with|has) (\S+)\.\n`)

// checks tests the configuration as its comment shows.
func (f *front) checks(t *testing.T) {
	t.Helper()
	found := printedCheck.FindStringSubmatch(f.printed)
	if found == nil {
		t.Fatalf("no comment shows how to test\n%s", f.printed)
	}
	if r := dig(t, "127.0.0.1:"+f.port, strings.Fields(found[1])...); !strings.Contains(r.String(), found[2]) {
		t.Errorf("%s\n got %s", found[0], r)
	}
}

// answers asks the questions.
func (f *front) answers(t *testing.T, questions []frontQuestion) {
	t.Helper()
	for _, row := range questions {
		r := dig(t, "127.0.0.1:"+f.port, strings.Fields(row.question)...)
		r.flags, r.authority, r.ede = nil, nil, ""
		if got := r.String(); got != row.want && (!strings.HasSuffix(row.want, " ") || !strings.HasPrefix(got, row.want)) {
			t.Errorf("%s: dig %s\n got %s\nwant %s", row.name, row.question, got, row.want)
		}
	}
}

// tries returns dig's output for a query that may remain unanswered.
func (f *front) tries(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command(need(t, "dig", "bind9-dnsutils"), "-r", "@127.0.0.1", "-p", f.port, "+tries=1", "+timeout=5", name).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 9) { // 9: no answer
		t.Fatalf("dig %s: %v\n%s", name, err, out)
	}
	return string(out)
}

// advised returns the lines of printed comments that match the pattern.
func (f *front) advised(pattern string) string {
	f.t.Helper()
	lines := regexp.MustCompile(`(?m)^[/#]+ +(`+pattern+`)$`).FindAllStringSubmatch(f.printed, -1)
	if len(lines) == 0 {
		f.t.Fatalf("no comment matches %s in\n%s", pattern, f.printed)
	}
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line[1] + "\n")
	}
	return text.String()
}
