package integration

import (
	"strings"
	"testing"
	"time"

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
