package integration

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// reloading returns a Corefile with an additional record, which plugin reload checks
// every 2 s, its shortest interval.
func reloading(record string) string {
	return strings.Replace(corefile("reload 2s 1s"), "geo we", "geo we\n        record "+record, 1)
}

func TestReloadLosesNoQuery(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, reloading("r0.blob.core.windows.net 10.20.9.0"))
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var sent, retried atomic.Int64
	for _, network := range []string{"udp", "tcp"} {
		for _, name := range []string{fc1 + ".", "www.corp.example."} {
			client := &dns.Client{Net: network, Timeout: 5 * time.Second}
			all.Go(func() {
				for tick := time.NewTicker(3 * time.Millisecond); ctx.Err() == nil; <-tick.C {
					queryOnce(t, client, name, s.addr(""), &sent, &retried)
				}
			})
		}
	}
	for i := range 3 {
		s.write("Corefile", reloading(fmt.Sprintf("r%d.blob.core.windows.net 10.20.9.%d", i+1, i+1)))
		s.becomes(fmt.Sprintf("r%d.privatelink.blob.core.windows.net", i+1), fmt.Sprintf("NOERROR aa ra: A 10.20.9.%d", i+1))
	}
	s.becomes("r2.privatelink.blob.core.windows.net A +norec", stubZone) // r2 was in the previous Corefile
	stop()
	all.Wait()
	if n := strings.Count(s.out.String(), "Reloading complete"); n != 3 {
		t.Errorf("%d reloads; want 3", n)
	}
	t.Logf("%d queries answered, %d of them on a second connection", sent.Load(), retried.Load())
}

// queryOnce sends one query on a new socket and checks that it is answered. A server
// that stops may close a TCP connection that it has just accepted, so a TCP client
// retries (RFC 7766, 6.2.4). UDP queries are not retried.
func queryOnce(t *testing.T, client *dns.Client, name, addr string, sent, retried *atomic.Int64) {
	q := new(dns.Msg).SetQuestion(name, dns.TypeA)
	m, _, err := client.Exchange(q, addr)
	if err != nil && client.Net == "tcp" {
		retried.Add(1)
		m, _, err = client.Exchange(q, addr)
	}
	sent.Add(1)
	switch {
	case err != nil:
		t.Errorf("%s over %s, query %d: %v", name, client.Net, sent.Load(), err)
	case m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0:
		t.Errorf("%s over %s = %s with %d records; want an address", name, client.Net, dns.RcodeToString[m.Rcode], len(m.Answer))
	}
}

func TestReloadOfBadCorefileKeepsTheServer(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, reloading("r0.blob.core.windows.net 10.20.9.0"))
	s.write("Corefile", strings.Replace(reloading("r1.blob.core.windows.net 10.20.9.1"), "geo we", "geo westeurope", 1))
	s.logs(`Corefile:7 - Error during parsing: geo: "westeurope" is a region, its geo code is "we"`)
	s.remains("r0.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.9.0")
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	s.remains("r1.privatelink.blob.core.windows.net A +norec", stubZone)

	s.write("vault.json", export(fc1+" 10.20.0.44"))
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.44") // the old instance still reads changed files

	s.write("Corefile", reloading("r2.blob.core.windows.net 10.20.9.2"))
	s.becomes("r2.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.9.2")
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.44")
}

// A reload keeps the last good records, even if their file has become unreadable.
func TestReloadKeepsLastGoodRecords(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, reloading("r0.blob.core.windows.net 10.20.9.0"))
	s.write("vault.json", "{")
	s.logs(`its last good records are served`)
	s.write("Corefile", reloading("r1.blob.core.windows.net 10.20.9.1"))
	s.becomes("r1.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.9.1")
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	s.remains(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")
}
