package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// cached returns the plain Corefile with plugin lru.
func cached(more ...string) string {
	return strings.Replace(corefile(more...), "    forward .", "    lru 1000\n    forward .", 1)
}

func TestCacheQueriesOnce(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, cached())
	for _, question := range []string{
		"www.corp.example", "WWW.Corp.Example", "www.corp.example +tcp",
		"www.corp.example +bufsize=4096", "www.corp.example +subnet=198.51.100.0/24",
	} {
		s.remains(question, "NOERROR ra: A 198.51.100.80, A 198.51.100.81")
	}
	for range 3 {
		s.remains("gone.corp.example", "NXDOMAIN ra: / SOA corp.example.")
		s.remains("failing.corp.example", "SERVFAIL ra:")
	}
	for _, name := range []string{"www.corp.example", "gone.corp.example", "failing.corp.example"} {
		if n := upstream.Asked(name); n != 1 {
			t.Errorf("the upstream received %d queries for %s; want 1", n, name)
		}
	}
}

// The cache holds upstream answers only. A changed local record is in the very next
// answer, even if the CNAME before it is cached.
func TestCacheExcludesLocalRecords(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, cached())
	s.remains("backup.corp.example", "NOERROR ra: CNAME "+blob+"., CNAME "+privateBlob+"., A 10.20.0.12")
	s.write("vault.json", export(blob+" 10.20.0.99"))
	s.becomes(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.99")
	s.remains("backup.corp.example", "NOERROR ra: CNAME "+blob+"., CNAME "+privateBlob+"., A 10.20.0.99")
	s.remains("someoneelse.blob.core.windows.net",
		"NOERROR ra: CNAME someoneelse.privatelink.blob.core.windows.net., CNAME blob.am01prdstr01a.store.core.windows.net., A 203.0.113.7")
	if n := upstream.Asked("backup.corp.example"); n != 1 {
		t.Errorf("the upstream received %d queries; want 1", n)
	}
}

// A forged record of a name that was not queried is neither passed on nor cached.
func TestCacheIsNotPoisoned(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, cached())
	s.remains("poison.corp.example", "NOERROR ra: A 198.51.100.84")
	s.remains("wepod01ecs114x.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.0.12")
}

// While the upstream is down, a cached name is answered from its stale entry within
// 2 s, and other names get SERVFAIL. Fresh answers return within seconds of the
// upstream's recovery.
func TestCacheOutage(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, strings.Replace(cached(), "forward . {$UPSTREAM}", "forward . {$UPSTREAM} {\n        max_fails 0\n    }", 1))
	s.remains("short.corp.example", "NOERROR ra: A 198.51.100.85")
	upstream.Script("short.corp.example", fakedns.Silent)
	upstream.Script("new.corp.example", fakedns.Silent)
	eventually(t, "a stale answer", func() bool {
		return dig(t, s.addr(""), "short.corp.example").String() == "NOERROR ra: EDE 3 (Stale Answer) A 198.51.100.85"
	})
	for range 3 {
		began := time.Now()
		s.remains("short.corp.example", "NOERROR ra: EDE 3 (Stale Answer) A 198.51.100.85")
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("a stale answer after %s; want at most 3s, before a stub resolver gives up", took)
		}
	}
	s.remains("new.corp.example +timeout=6 +tries=1", "SERVFAIL ra: EDE 22 (No Reachable Authority)")
	upstream.Script("short.corp.example", nil)
	s.becomes("short.corp.example", "NOERROR ra: A 198.51.100.85")
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
}

// An upstream with local data sends NODATA without an SOA record. The reply is passed
// on and replaces the cached answer, because it is not a failure.
func TestCacheLocalDataUpstream(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, cached())
	empty := func(m *dns.Msg) *dns.Msg {
		m.Answer, m.Ns = nil, nil
		return m
	}
	s.remains("short.corp.example", "NOERROR ra: A 198.51.100.85")
	upstream.Script("short.corp.example", empty)
	s.becomes("short.corp.example", "NOERROR ra:")
	before := upstream.Asked("short.corp.example")
	s.remains("short.corp.example AAAA", "NOERROR ra:")
	s.remains("short.corp.example AAAA", "NOERROR ra:")
	if n := upstream.Asked("short.corp.example") - before; n != 2 {
		t.Errorf("the upstream received %d of two queries; want 2, because an answer without an SOA record is not cached", n)
	}
}

// lru queries the upstream with AD, and returns AD only to clients that set AD or DO.
func TestCacheAD(t *testing.T) {
	t.Parallel()
	upstream := fakedns.New(t, public)
	queries := make(chan bool, 1)
	upstream.Script("www.corp.example", func(m *dns.Msg) *dns.Msg {
		m.AuthenticatedData = true
		queries <- true
		return m
	})
	s := prepare(t, cached())
	s.env["UPSTREAM"] = upstream.Addr
	s.write("vault.json", export(vault...))
	s.start()
	s.remains("www.corp.example +noadflag", "NOERROR ra: A 198.51.100.80, A 198.51.100.81")
	s.remains("www.corp.example +adflag", "NOERROR ra ad: A 198.51.100.80, A 198.51.100.81")
	if len(queries) != 1 {
		t.Error("the upstream received a second query for a client with AD")
	}
}

// A server block with only lru and forward refuses zone transfers and answers
// special-use names.
func TestCacheWithoutPrivatelink(t *testing.T) {
	t.Parallel()
	upstream := azure(t)
	s := prepare(t, ".:{$PORT} {\n    bind 127.0.0.1\n    lru 1000\n    forward . {$UPSTREAM}\n}\n")
	s.env["UPSTREAM"] = upstream.Addr
	s.start()
	for _, qtype := range []uint16{dns.TypeAXFR, dns.TypeIXFR} {
		for _, network := range []string{"udp", "tcp"} {
			if m := s.query(network, "127.0.0.1", "corp.example", qtype, 1232); m.Rcode != dns.RcodeRefused {
				t.Errorf("%s over %s: %s; want REFUSED", dns.TypeToString[qtype], network, dns.RcodeToString[m.Rcode])
			}
		}
	}
	s.remains("x.onion", "NXDOMAIN ra: / SOA onion.")
	s.remains("_dns.resolver.arpa SVCB", "NOERROR ra: / SOA resolver.arpa.")
	s.remains("use-application-dns.net", "NXDOMAIN ra: / SOA use-application-dns.net.")
	s.remains("www.corp.example", "NOERROR ra: A 198.51.100.80, A 198.51.100.81")
}
