package fastpath_test

import (
	"bytes"
	"fmt"
	"log"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
)

const small = `privatelink {
	record a.blob.core.windows.net 10.0.0.1
}
`

func TestSetup(t *testing.T) {
	for _, tc := range []struct{ name, corefile, want string }{
		{"plain", "fastpath", ""},
		{"value", "fastpath on", "plugin/fastpath: Testfile:1 - Error during parsing: fastpath: 1 value, none is expected"},
		{"property", "fastpath {\nsockets 2\n}", `plugin/fastpath: Testfile:2 - Error during parsing: fastpath: unknown property "sockets", there are none`},
		{"twice", "fastpath\nfastpath", "plugin/fastpath: Testfile:2 - Error during parsing: fastpath: specified more than once in a server block"},
	} {
		setup, err := caddy.DirectiveAction("dns", "fastpath")
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := setup(caddy.NewTestController("dns", tc.corefile)); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s: %q; want %q", tc.name, got, tc.want)
		}
	}
}

// capture returns a buffer with the log lines of the test.
func capture(t *testing.T) *bytes.Buffer {
	var text bytes.Buffer
	log.SetOutput(&text)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	return &text
}

// A plugin that opposes the fast path turns it off for its server block, with one
// line. Another block on the same address keeps it.
func TestOffForABlock(t *testing.T) {
	for _, plugin := range []string{"log", "rewrite name a.test b.test", "header {\nresponse set ra\n}", "multisocket 2", "tsig {\nsecret k. AAAA\n}"} {
		text := capture(t)
		served := make(chan *fastpath.Desk, 8)
		end := fastpath.OnServe(func(_ *dnsserver.Server, d *fastpath.Desk) { served <- d })
		start(t, ".:0 {\nbind 127.0.0.1\nfastpath\n"+plugin+"\n"+small+"}")
		if d := <-served; d != nil {
			t.Errorf("%s: the fast path is on", plugin)
		}
		end()
		name, _, _ := strings.Cut(plugin, " ")
		want := fmt.Sprintf("[INFO] plugin/fastpath: Off for the server block .: plugin %s is in the server block\n", name)
		if got := text.String(); strings.Count(got, "fastpath") != 1 || !strings.Contains(got, want) {
			t.Errorf("%s: the log is\n%swant one line: %s", plugin, got, want)
		}
	}
}

func TestOtherBlocksKeepTheirNames(t *testing.T) {
	var desk *fastpath.Desk
	served := make(chan *fastpath.Desk, 8)
	defer fastpath.OnServe(func(_ *dnsserver.Server, d *fastpath.Desk) { served <- d })()
	start(t, ".:0 {\nbind 127.0.0.1\nfastpath\n"+small+"}\n"+
		"blob.core.windows.net:0 {\nbind 127.0.0.1\nfastpath\nhosts {\n192.0.2.1 a.blob.core.windows.net\n}\nlru\n}\n"+
		"windows.net:0 {\nbind 127.0.0.1\nfastpath\nprivatelink {\nrecord a.queue.core.windows.net 10.0.0.9\n}\n}")
	if desk = <-served; desk == nil {
		t.Fatal("the fast path is off")
	}
	for _, tc := range []struct {
		name  string
		fast  bool
		first string
	}{
		{"a.blob.core.windows.net.", false, ""}, {"a.privatelink.blob.core.windows.net.", false, ""},
		{"privatelink.queue.core.windows.net.", true, ""}, {"a.privatelink.queue.core.windows.net.", true, "10.0.0.9"},
	} {
		wire, err := new(dns.Msg).SetQuestion(tc.name, dns.TypeA).Pack()
		if err != nil {
			t.Fatal(err)
		}
		reply := desk.Answer(wire, netip.MustParseAddr("127.0.0.1"))
		if (reply != nil) != tc.fast || !strings.Contains(meaning(reply), tc.first) {
			t.Errorf("%s: %s; want an answer: %v", tc.name, meaning(reply), tc.fast)
		}
	}
}

// The counters of the chain move as if it had answered.
func TestCounters(t *testing.T) {
	names := []string{"coredns_dns_requests_total", "coredns_dns_responses_total", "coredns_dns_do_requests_total", "coredns_acl_allowed_requests_total",
		"coredns_privatelink_answers_total", "coredns_lru_hits_total", "coredns_privatelink_public_answers_total",
		"coredns_cookies_queries_total"}
	p := newPair(t, blocks(newUpstream(t))["default"])
	for _, tc := range []struct {
		name   string
		qtype  uint16
		do     bool
		client string
	}{
		{"a.privatelink.fall.test.", dns.TypeA, false, "127.0.0.1"}, {"a.fall.test.", dns.TypeA, true, "127.0.0.1"}, {"a.fall.test.", dns.TypeTXT, false, "::1"},
		{"none.privatelink.hard.test.", dns.TypeAAAA, false, "10.1.1.1"}, {"www.example.org.", dns.TypeA, false, "127.0.0.1"},
		{"alias.example.org.", dns.TypeA, true, "127.0.0.1"}, {"no.example.org.", dns.TypeA, false, "127.0.0.1"}, {"a.fall.test.", 65280, false, "127.0.0.1"},
		{"privatelink.fall.test.", dns.TypeSOA, false, "127.0.0.1"},
	} {
		m := new(dns.Msg).SetQuestion(tc.name, tc.qtype)
		m.SetEdns0(1232, tc.do)
		if tc.do {
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"}}
		}
		wire, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		client := netip.AddrPortFrom(netip.MustParseAddr(tc.client), 4000)
		p.chain(wire, client) // lru keeps the answer
		start := snapshot(t, names)
		p.chain(wire, client)
		middle := snapshot(t, names)
		if p.desk.Answer(wire, client.Addr()) == nil {
			t.Errorf("%s: the fast path declines", tc.name)
			continue
		}
		if chain, fast := grown(start, middle), grown(middle, snapshot(t, names)); chain != fast {
			t.Errorf("%s %d: the counters that grow are\n%s\nafter the fast path, and after the chain\n%s", tc.name, tc.qtype, fast, chain)
		}
	}
}

// An answer that is too long for the client is counted by the chain, once.
func TestLedgerOfLongAnswers(t *testing.T) {
	p := newPair(t, blocks(newUpstream(t))["default"])
	long := strings.Repeat("a23456789012345678901234567890123456789012345678901234567890123.", 3)
	for _, name := range []string{"large.example.org.", long + "privatelink.hard.test."} {
		wire, err := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
		if err != nil {
			t.Fatal(err)
		}
		p.chain(wire, clients[0]) // lru and the ledger have it
		before := answersInLedger()
		if p.desk.Answer(wire, clients[0].Addr()) == nil {
			p.chain(wire, clients[0])
		}
		if n := answersInLedger() - before; n != 1 {
			t.Errorf("%s: the ledger counts %d answers; want 1", name, n)
		}
	}
}

func answersInLedger() (n uint64) {
	recent, _ := privatelink.RecentLedger(1000)
	for _, grade := range recent {
		for _, e := range grade {
			n += e.Count
		}
	}
	return n
}
