package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// cached is the plain Corefile with the response cache.
func cached(more ...string) string {
	return strings.Replace(corefile(more...), "    forward .", "    lru 1000\n    forward .", 1)
}

func TestCacheAsksOnce(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, cached())
	for _, question := range []string{"www.corp.example", "WWW.Corp.Example", "www.corp.example +tcp", "www.corp.example +bufsize=4096", "www.corp.example +subnet=198.51.100.0/24"} {
		s.remains(question, "NOERROR ra: A 198.51.100.80, A 198.51.100.81")
	}
	for range 3 {
		s.remains("gone.corp.example", "NXDOMAIN ra: / SOA corp.example.")
		s.remains("failing.corp.example", "SERVFAIL ra:")
	}
	for _, name := range []string{"www.corp.example", "gone.corp.example", "failing.corp.example"} {
		if n := upstream.Asked(name); n != 1 {
			t.Errorf("the upstream is asked %d times for %s; want once", n, name)
		}
	}
}

// The cache has the upstream's answers only: a record that changes shows in the
// very next answer, also in one whose first part is cached.
func TestCacheBelowOurRecords(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, cached())
	s.remains("backup.corp.example", "NOERROR ra: CNAME wepod01ecs114x.blob.core.windows.net., CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")
	s.write("vault.json", export(blob+" 10.20.0.99"))
	s.becomes(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.99")
	s.remains("backup.corp.example", "NOERROR ra: CNAME wepod01ecs114x.blob.core.windows.net., CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.99")
	s.remains("someoneelse.blob.core.windows.net", "NOERROR ra: CNAME someoneelse.privatelink.blob.core.windows.net., CNAME blob.am01prdstr01a.store.core.windows.net., A 203.0.113.7")
	if n := upstream.Asked("backup.corp.example"); n != 1 {
		t.Errorf("the upstream is asked %d times; want once", n)
	}
}

// A forged record below another question is neither passed nor kept.
func TestCacheIsNotPoisoned(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, cached())
	s.remains("poison.corp.example", "NOERROR ra: A 198.51.100.84")
	s.remains("wepod01ecs114x.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.0.12")
}

// The upstream dies: a name seen lately is answered within 2 s, another one is
// not waited for, and once it is back that is noticed within seconds.
func TestCacheOutage(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, strings.Replace(cached(), "forward . {$UPSTREAM}", "forward . {$UPSTREAM} {\n        max_fails 0\n    }", 1))
	s.remains("short.corp.example", "NOERROR ra: A 198.51.100.85")
	upstream.Script("short.corp.example", fakedns.Silent)
	upstream.Script("new.corp.example", fakedns.Silent)
	eventually(t, "the end of its TTL", func() bool {
		return dig(t, s.addr(""), "short.corp.example").String() == "NOERROR ra: EDE 3 (Stale Answer) A 198.51.100.85"
	})
	for range 3 {
		began := time.Now()
		s.remains("short.corp.example", "NOERROR ra: EDE 3 (Stale Answer) A 198.51.100.85")
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("a stale answer after %s; want one within the time that a stub resolver waits", took)
		}
	}
	s.remains("new.corp.example +timeout=6 +tries=1", "SERVFAIL ra: EDE 22 (No Reachable Authority)")
	upstream.Script("short.corp.example", nil)
	s.becomes("short.corp.example", "NOERROR ra: A 198.51.100.85")
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
}

// An upstream with local data sends NODATA without an SOA record. It passes and
// ends what was kept; it is no failure.
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
		t.Errorf("the upstream is asked %d times for two questions; want 2, because no SOA record bounds its time", n)
	}
}

// AD is for clients that set AD or DO, and the upstream is asked for it.
func TestCacheAD(t *testing.T) {
	t.Parallel()
	upstream := fakedns.New(t, public)
	asked := make(chan bool, 1)
	upstream.Script("www.corp.example", func(m *dns.Msg) *dns.Msg {
		m.AuthenticatedData = true
		asked <- true
		return m
	})
	s := prepare(t, cached())
	s.env["UPSTREAM"] = upstream.Addr
	s.write("vault.json", export(vault...))
	s.start()
	s.remains("www.corp.example +noadflag", "NOERROR ra: A 198.51.100.80, A 198.51.100.81")
	s.remains("www.corp.example +adflag", "NOERROR ra ad: A 198.51.100.80, A 198.51.100.81")
	if len(asked) != 1 {
		t.Error("the upstream is asked again for a client with AD")
	}
}

// A block of lru and forward alone refuses zone transfers, and answers the
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
