package integration

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// flood sends random names in the zones, 5,000 a second, until the test ends. It returns
// the number of queries that were sent.
func flood(t *testing.T, addr string) *atomic.Int64 {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	sent, stop, ended := new(atomic.Int64), make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-ended; conn.Close() })
	random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // G404: the same names each time
	go func() {
		defer close(ended)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for sent.Load() < 200_000 { // bounded
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			for i := range 50 {
				zone := []string{"privatelink.blob.core.windows.net.", "privatelink.we.backup.windowsazure.com.", "privatelink.queue.core.windows.net."}[i%3]
				wire, _ := new(dns.Msg).SetQuestion(fmt.Sprintf("r%x.%s", random.Uint64(), zone), dns.TypeA).Pack()
				conn.Write(wire) //nolint:errcheck // a flood
				sent.Add(1)
			}
		}
	}()
	return sent
}

// Each name of a vault is private at its first query, as soon as Azure lists it, although
// the next sync is due in an hour and random names arrive all the time.
func TestFirstQueryOfEachName(t *testing.T) {
	t.Parallel()
	const corefile = `
.:{$PORT} {
    bind 127.0.0.1
    errors
    fastpath
    privatelink {
        cloud {$ARM}
        azure ` + subscription + `
        refresh 1h
    }
    lru
    upstream . {$UPSTREAM}
}
`
	s, arm := serveLive(t, corefile, false)
	s.becomes("unlinked.blob.core.windows.net", "NOERROR ra: A 203.0.113.9") // the first sync has ended
	sent := flood(t, s.addr(""))
	eventually(t, "a flood", func() bool { return sent.Load() > 5000 })
	for i, step := range []struct{ name, want string }{{fc1, fc1Served}, {blob, blobServed}, {queue, queueServed}, {account, accountServed}} {
		arm.Update(func(e fakearm.Estate) {
			e[subscription] = []fakearm.Endpoint{vaultEndpoint([]string{fc1, blob, queue, account}[:i+1]...)}
		})
		if got := dig(t, s.addr(""), step.name).String(); got != step.want {
			t.Errorf("the first answer for %s is %s; want %s", step.name, got, step.want)
		}
	}
	reads := 0
	for _, r := range arm.Requests() {
		if strings.HasSuffix(r.Path, "/privateEndpoints") && r.Page == 1 {
			reads++
		}
	}
	if reads > 1+6+1 { // the first sync, the bucket, and one token that it regains
		t.Errorf("%d syncs; want 8 at most", reads)
	}
	t.Logf("%d syncs for 4 names and %d random ones", reads, sent.Load())
}
