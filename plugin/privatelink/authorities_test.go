package privatelink

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/secondary"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

const corpZone = `
@     60 SOA   ns hostmaster 1 3600 300 86400 60
www   60 A     192.0.2.80
far   60 CNAME www.far.test.
mine  60 CNAME a.privatelink.fall.test.
`

// Only a zone of plugin file or secondary may have a NOTIFY or a query without RD.
// The upstream gets neither, whatever the two plugins make of it.
func TestAuthorities(t *testing.T) {
	upstream, asked := countingUpstream(t)
	path := filepath.Join(t.TempDir(), "db.corp.test")
	if err := os.WriteFile(path, []byte(corpZone), 0o600); err != nil {
		t.Fatal(err)
	}
	instance := serve(t, testCorefile+"\nfile "+path+" corp.test {\nfallthrough\n}\nsecondary second.test {\ntransfer from 127.0.0.1:1\n}\nforward . "+upstream)
	for _, tc := range []struct {
		name, qname string
		opcode      int
		rd          bool
		want        string
		asked       int // queries to the upstream
	}{
		{"NOTIFY for a secondary zone", "second.test.", dns.OpcodeNotify, false, "NOERROR aa no-ra:", 0},
		{"NOTIFY for a foreign zone", "far.test.", dns.OpcodeNotify, false, "NOTIMP no-ra:", 0},
		{"NOTIFY for a foreign zone with RD", "far.test.", dns.OpcodeNotify, true, "NOTIMP no-ra:", 0},
		{"NOTIFY for the parent of a zone", "test.", dns.OpcodeNotify, false, "NOTIMP no-ra:", 0},
		{"RD=0 in a zone of file", "www.corp.test.", dns.OpcodeQuery, false, "NOERROR aa no-ra: www.corp.test. A 192.0.2.80", 0},
		{"RD=0 for a private name behind file", "mine.corp.test.", dns.OpcodeQuery, false, "NOERROR: mine.corp.test. CNAME a.privatelink.fall.test." + localA, 0},
		{"RD=0 for a foreign target behind file", "far.corp.test.", dns.OpcodeQuery, false, "NOERROR aa no-ra: far.corp.test. CNAME www.far.test.", 0},
		{"RD=0 for a name that falls through file", "no.corp.test.", dns.OpcodeQuery, false, "REFUSED no-ra:", 0},
		{"RD=0 in a secondary zone that is not transferred", "www.second.test.", dns.OpcodeQuery, false, "SERVFAIL no-ra:", 0},
		{"RD=0 for a foreign name", "www.far.test.", dns.OpcodeQuery, false, "REFUSED no-ra:", 0},
		{"RD=0 for another tenant's account", "other.fall.test.", dns.OpcodeQuery, false, "REFUSED no-ra:", 0},
		{"RD=1 for a name that falls through file", "no.corp.test.", dns.OpcodeQuery, true, "NOERROR: no.corp.test. A 192.0.2.1", 1},
		{"RD=1 for a foreign name", "www.far.test.", dns.OpcodeQuery, true, "NOERROR: www.far.test. A 192.0.2.1", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked(tc.qname)
			r := query(tc.qname, "A")
			if tc.opcode == dns.OpcodeNotify {
				r.SetNotify(tc.qname)
			}
			r.RecursionDesired = tc.rd
			m := sendQuery(t, instance, "udp", r)
			if got := dnstest.Brief(m); got != tc.want {
				t.Errorf("%s; want %s", got, tc.want)
			}
			if n := asked(tc.qname); n != tc.asked {
				t.Errorf("the upstream is asked %d times; want %d", n, tc.asked)
			}
		})
	}
}

// countingUpstream answers every name. The function returns how often a name was
// asked since the last call.
func countingUpstream(t *testing.T) (addr string, asked func(name string) int) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	counts := map[string]int{}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }}
	server.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
	server.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		mu.Lock()
		counts[strings.ToLower(r.Question[0].Name)]++
		mu.Unlock()
		m := parseReply(t, "NOERROR: "+r.Question[0].Name+" 60 A 192.0.2.1")
		m.Id, m.Question, m.Opcode = r.Id, r.Question, r.Opcode
		_ = w.WriteMsg(m)
	})
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String(), func(name string) int {
		mu.Lock()
		defer mu.Unlock()
		defer delete(counts, name)
		return counts[name]
	}
}

// The operator of a resolver with a stub zone learns what to change.
func TestStubZoneIsExplained(t *testing.T) {
	p := start(t, testCorefile, nobody(t))
	r := query("www.example.", "A").SetEdns0(1232, false)
	r.RecursionDesired = false
	m := ask(t, p, r)
	if got, want := m.IsEdns0().String(), "EDE: 20 (Not Authoritative): ("+stubZone+")"; !strings.Contains(got, want) {
		t.Errorf("%s; want %s", got, want)
	}
	r.Extra = nil
	if m := ask(t, p, r); m.Rcode != dns.RcodeRefused || len(m.Extra) != 0 {
		t.Errorf("without EDNS: %s with %d additional records; want REFUSED and none", dns.RcodeToString[m.Rcode], len(m.Extra))
	}
}
