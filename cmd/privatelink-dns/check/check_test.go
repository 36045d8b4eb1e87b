package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

func TestMain(m *testing.M) {
	if err := dnsserver.SetDirectives([]string{"bind", "privatelink"}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// endpoint returns an export; a name is "FQDN ADDRESS".
func export(name, status string, names ...string) string {
	var configs []string
	for _, text := range names {
		f := strings.Fields(text)
		configs = append(configs, fmt.Sprintf(`{"fqdn": %q, "ipAddresses": [%q]}`, f[0], f[1]))
	}
	return fmt.Sprintf(`{"id": "/subscriptions/0/%s", "customDnsConfigs": [%s], "privateLinkServiceConnections": [{
		"privateLinkServiceId": "/subscriptions/0/vaults/rsv", "privateLinkServiceConnectionState": {"status": %q}}]}`,
		name, strings.Join(configs, ","), status)
}

// The names of vault.
const (
	backupEntry = "1-ab-pod01-rec2.we.backup.windowsazure.com 10.0.0.1"
	blobEntry   = "acct.blob.core.windows.net 10.0.0.2"
	queueEntry  = "acct.queue.core.windows.net 10.0.0.3"
)

var vault = export("pe", "Approved", backupEntry, blobEntry, queueEntry)

// records are the right answers for vault.
func records(name string) string {
	switch labels := strings.SplitN(strings.ToLower(name), ".", 3); {
	case labels[0] == "1-ab-pod01-rec2":
		return "10.0.0.1"
	case labels[0] == "acct" && strings.Contains(name, "blob"):
		return "10.0.0.2"
	case labels[0] == "acct":
		return "10.0.0.3"
	}
	return ""
}

// serve starts a server over UDP, and TCP if tcp; to returns false where the
// server is to say nothing.
func serve(t *testing.T, tcp bool, to func(m *dns.Msg, q dns.Question) bool) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		if r.Question[0].Qtype == dns.TypeSOA || to(m, r.Question[0]) {
			_ = w.WriteMsg(m)
		}
	})
	start(t, &dns.Server{PacketConn: conn, Handler: handler})
	if tcp {
		l, err := net.Listen("tcp", conn.LocalAddr().String())
		if err != nil {
			t.Skip(err)
		}
		start(t, &dns.Server{Listener: l, Handler: handler})
	}
	return conn.LocalAddr().String()
}

func start(t *testing.T, s *dns.Server) {
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	go func() { _ = s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = s.Shutdown() })
}

// give answers A with the address; without one the name does not exist.
func give(address func(name string) string) func(m *dns.Msg, q dns.Question) bool {
	return func(m *dns.Msg, q dns.Question) bool {
		addr := address(q.Name)
		switch {
		case addr == "":
			m.Rcode = dns.RcodeNameError
		case q.Qtype == dns.TypeA:
			rr, _ := dns.NewRR(q.Name + " 60 A " + addr)
			m.Answer = append(m.Answer, rr)
		}
		return true
	}
}

func rcode(code int) func(*dns.Msg, dns.Question) bool {
	return func(m *dns.Msg, _ dns.Question) bool {
		m.Rcode = code
		return true
	}
}

func always(addr string) func(string) string { return func(string) string { return addr } }

// check runs the command with the export and returns what it prints.
func check(t *testing.T, text string, args ...string) (status int, stdout string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	args = append([]string{"check", "-files", path}, args...)
	status = command.Main(t.Context(), "p", []command.Command{Command}, args, command.Output{Stdout: &out, Stderr: &errs})
	return status, out.String() + errs.String()
}

func TestCheck(t *testing.T) {
	good := serve(t, true, give(records))
	alone := []string{"-server", good, "-no-resolver"}
	server := func(to func(*dns.Msg, dns.Question) bool) []string {
		return []string{"-server", serve(t, true, to), "-no-resolver"}
	}
	resolver := func(to func(*dns.Msg, dns.Question) bool) []string {
		return []string{"-server", good, "-resolver", serve(t, false, to)}
	}
	const otherPrivate = "returns another private address than the source"
	const leaks = "returns a public address: the backup leaves the private network, or fails\n" +
		"  acct.privatelink.blob.core.windows.net  UDP A: 203.0.113.7"
	const forward = "remedy: forward blob.core.windows.net from it to privatelink-dns: `privatelink-dns forwarders` prints the configuration"
	separate := "[" + export("pe", "Approved", backupEntry) + "," +
		export("pe_ecs1_blob", "Approved", blobEntry) + "," + export("pe_ecs1_queue", "Approved", queueEntry) + "]"
	const separateTable = "VERDICT\n1       0     0      0      pe (vault rsv)            good\n" +
		"0       1     0      0      pe_ecs1_blob (vault rsv)  good\n0       0     1      0      pe_ecs1_queue (vault rsv)  good"
	const oneVault = "1       1     1      0      pe (vault rsv)  good"
	const forwardBackup, notPrivate = "remedy: forward backup.windowsazure.com from it", "which is not in a private range"
	overUDP := []string{"-server", serve(t, false, give(records)), "-no-resolver"}
	first, withoutQueue := export("pe", "Approved", backupEntry), export("pe", "Approved", backupEntry, blobEntry)
	pending := "[" + vault + "," + export("pe-new", "Pending", "x.blob.core.windows.net 10.0.0.9") + "]"
	public := export("pe", "Approved", "acct.blob.core.windows.net 203.0.113.9")
	oneOfTwo := []string{"server " + good + ": 18 of 18 answers", "the server 127.0.0.1:1 does not answer"}
	for _, tt := range []struct {
		name, export string
		args         []string
		status       int
		want         []string // parts of what is printed
	}{
		{"all good", vault, alone, 0, []string{"server " + good + ": 18 of 18 answers as expected", oneVault, "\nall good\n"}},
		{"and at the resolver", vault, []string{"-server", good, "-resolver", good}, 0, []string{"resolver " + good + ": 12 of 12 answers as expected", "all good"}},
		{"the resolver leaks", vault, resolver(give(always("203.0.113.7"))), 1, []string{"3 of 3 names wrong at this machine's resolver", leaks, forward}},
		{"a public AAAA is a leak, too", vault, resolver(func(m *dns.Msg, q dns.Question) bool {
			rr, _ := dns.NewRR(q.Name + " 60 AAAA 2001:db8::7")
			if give(records)(m, q); q.Qtype == dns.TypeAAAA {
				m.Answer = append(m.Answer, rr)
			}
			return true
		}), 1, []string{"returns a public address", "UDP AAAA: 2001:db8::7"}},
		{"the resolver does not come to us", vault, resolver(rcode(dns.RcodeNameError)), 1, []string{"does not find the name", "UDP A: NXDOMAIN", forwardBackup}},
		{"the resolver has a record typed by hand", vault, resolver(give(always("10.0.0.1"))), 1, []string{otherPrivate, "remedy: a record that was typed by hand"}},
		{"the resolver refuses", vault, resolver(rcode(dns.RcodeRefused)), 1, []string{"refuses to answer"}},
		{"the resolver fails", vault, resolver(rcode(dns.RcodeServerFailure)), 1, []string{"returns no answer for the name", "rebinding or DNSSEC"}},
		{"another server", vault, server(give(always("203.0.113.7"))), 1, []string{"3 of 3 names wrong", "is it privatelink-dns, with this Corefile"}},
		{"acl", vault, server(rcode(dns.RcodeRefused)), 1, []string{"refuses to answer this machine", "remedy: allow this machine in acl"}},
		{"not ready", vault, server(func(m *dns.Msg, _ dns.Question) bool {
			m.Rcode = dns.RcodeServerFailure
			m.SetEdns0(1232, false).IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNotReady}}
			return true
		}), 1, []string{"has not read every source yet"}},
		{"sync pending", vault, server(give(always("10.0.0.1"))), 1, []string{"2 of 3 names wrong", otherPrivate, "remedy: wait for the next sync"}},
		{"name missing", vault, server(rcode(dns.RcodeNameError)), 1, []string{"does not have the name, or no address for it"}},
		{"no TCP", vault, overUDP, 1, []string{"12 of 12 answers as expected", "does not answer over TCP", "open TCP port 53"}},
		{"pending endpoint", pending, alone, 1, []string{"pe-new (vault rsv)  not served", "its connection is Pending", "remedy: approve the connection"}},
		{"before the first registration", first, alone, 0, []string{"note: pe (vault rsv): no storage names yet: normal before the first registration", "all good"}},
		{"no queue", withoutQueue, alone, 0, []string{"note: pe (vault rsv): no queue name yet"}},
		{"storage names in endpoints of their own", separate, alone, 0, []string{separateTable, "good\n\nall good"}},
		{"public address in the configuration", public, server(give(always("203.0.113.9"))), 1, []string{notPrivate, "remedy: compare with the DNS configuration"}},
		{"nothing", "[]", alone, 1, []string{"no source has a name"}},
		{"broken export", "{", alone, 1, []string{"cannot be read", "line 1: unexpected end of JSON input"}},
		{"every answer", vault, []string{"-server", good, "-no-resolver", "-all"}, 0, []string{
			"acct.privatelink.blob.core.windows.net: 10.0.0.2 expected\n  " + good + "  acct.privatelink.blob.core.windows.net  UDP A: 10.0.0.2  good\n",
		}},
		{"wrong flags", vault, []string{"-resolver", good, "-no-resolver"}, 2, []string{"p check: -resolver and -no-resolver exclude each other\n"}},
		{"two servers with a comma", vault, []string{"-server", good + ",127.0.0.1:1", "-no-resolver"}, 1, oneOfTwo},
		{"two servers with a blank", vault, []string{"-server", good, "127.0.0.1:1", "-no-resolver"}, 1, oneOfTwo},
		{"wrong server", vault, []string{"-server", ":53"}, 2, []string{"is not the address of a server"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, got := check(t, tt.export, tt.args...)
			if status != tt.status {
				t.Errorf("status %d; want %d\n%s", status, tt.status, got)
			}
			for _, want := range tt.want {
				if !strings.Contains(squeeze(got), squeeze(want)) {
					t.Errorf("printed\n%s\nwant in it\n%s", got, want)
				}
			}
		})
	}
}

// squeeze makes every run of blanks one: the width of a column is not tested.
func squeeze(text string) string {
	for strings.Contains(text, "  ") {
		text = strings.ReplaceAll(text, "  ", " ")
	}
	return text
}

// A server that is not there is asked a few times, not once for each name.
func TestUnreachable(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := conn.LocalAddr().String()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	status, got := check(t, vault, "-server", addr, "-resolver", addr)
	for _, want := range []string{
		"server " + addr + ": 0 of 0 answers as expected", "the server " + addr + " does not answer",
		"the machine's resolver " + addr + " does not answer", "not asked",
	} {
		if status != command.Findings || !strings.Contains(got, want) {
			t.Errorf("status %d, printed\n%s\nwant 1, %s", status, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	good := serve(t, true, give(records))
	status, got := check(t, vault, "-server", good, "-resolver", serve(t, false, give(always("203.0.113.7"))), "-json")
	var r report
	if err := json.Unmarshal([]byte(got), &r); err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	if status != 1 || r.Status != 1 || len(r.Servers) != 2 || r.Servers[1].Role != "resolver" || r.Servers[0].Expected != 18 {
		t.Errorf("status %d, servers %+v", r.Status, r.Servers)
	}
	if e := r.Endpoints[0]; e.Backup != 1 || e.Blob != 1 || e.Queue != 1 || len(e.Names) != 3 || len(e.Names[0].Answers) != 10 {
		t.Errorf("endpoint %+v", e)
	}
	if f := r.Findings[0]; f.Kind != leak || len(f.Names) == 0 || f.Example != "UDP A: 203.0.113.7" || f.Remedy == "" {
		t.Errorf("finding %+v", f)
	}
}

func TestJudge(t *testing.T) {
	addrs := func(text string) (all []netip.Addr) {
		for _, f := range strings.Fields(text) {
			all = append(all, netip.MustParseAddr(f))
		}
		return all
	}
	for _, tt := range []struct {
		name, expected string
		qtype          uint16
		rcode          int
		got, want      string
	}{
		{"as expected", "10.0.0.1", dns.TypeA, 0, "10.0.0.1", ""},
		{"two", "10.0.0.1 10.0.0.2", dns.TypeA, 0, "10.0.0.1 10.0.0.2", ""},
		{"one of two", "10.0.0.1 10.0.0.2", dns.TypeA, 0, "10.0.0.1", outdated},
		{"one too many", "10.0.0.1", dns.TypeA, 0, "10.0.0.1 10.0.0.2", outdated},
		{"a public one too many", "10.0.0.1", dns.TypeA, 0, "10.0.0.1 203.0.113.1", leak},
		{"no AAAA", "10.0.0.1", dns.TypeAAAA, 0, "", ""},
		{"AAAA", "10.0.0.1 fd00::1", dns.TypeAAAA, 0, "fd00::1", ""},
		{"public AAAA", "10.0.0.1", dns.TypeAAAA, 0, "2001:db8::1", leak},
		{"a public address that is expected", "203.0.113.1", dns.TypeA, 0, "203.0.113.1", ""},
		{"another public address than expected", "203.0.113.1", dns.TypeA, 0, "203.0.113.2", leak},
		{"carrier-grade NAT is no leak", "10.0.0.1", dns.TypeA, 0, "100.64.0.1", outdated},
		{"NXDOMAIN for AAAA, without an expected one", "10.0.0.1", dns.TypeAAAA, dns.RcodeNameError, "", missing},
		{"NXDOMAIN", "10.0.0.1", dns.TypeA, dns.RcodeNameError, "", missing},
		{"NODATA", "10.0.0.1", dns.TypeA, 0, "", missing},
		{"REFUSED", "10.0.0.1", dns.TypeA, dns.RcodeRefused, "", refused},
		{"SERVFAIL", "10.0.0.1", dns.TypeA, dns.RcodeServerFailure, "", failing},
	} {
		r := result{question: question{qtype: tt.qtype}, answer: answer{rcode: tt.rcode, addrs: addrs(tt.got)}}
		if got := judge(r, addrs(tt.expected)); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}
