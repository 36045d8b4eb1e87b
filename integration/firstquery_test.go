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

// flood sends random names in the zones from another network, 5,000 a second, until the test
// ends. It returns the number of queries that were sent.
func flood(t *testing.T, addr string) *atomic.Int64 {
	t.Helper()
	from := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 2, 1)}}
	conn, err := from.Dial("udp", addr)
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
// the next sync is due in an hour and random names arrive all the time. With azure *, the
// subscription is one of 50, and Resource Graph lags. The test is not parallel: a sync has
// 1.5 s.
func TestFirstQueryOfEachName(t *testing.T) {
	for _, scope := range []string{subscription, "*"} {
		t.Run("azure "+scope, func(t *testing.T) {
			s, arm := serveAzure(t, strings.Replace(firstQuery, "SCOPE", scope, 1), false, fakearm.Config{Estate: landingZone(50), GraphLag: time.Hour})
			s.becomes("unlinked.blob.core.windows.net", "NOERROR ra: A 203.0.113.9") // the first sync has ended
			sent := flood(t, s.addr(""))
			eventually(t, "a flood", func() bool { return sent.Load() > 5000 })
			for i, step := range []struct{ name, want string }{{fc1, fc1Served}, {blob, blobServed}, {queue, queueServed}, {account, accountServed}} {
				arm.Update(func(e fakearm.Estate) {
					e[subscription] = []fakearm.Endpoint{vaultEndpoint(append([]string{fc1, blob, queue, account}[:i+1:i+1], vaultID)...)}
				})
				if got := dig(t, s.addr(""), step.name).String(); got != step.want {
					t.Errorf("the first answer for %s is %s; want %s", step.name, got, step.want)
				}
			}
			t.Logf("%v requests for 4 names and %d random ones", arm.Reads(), sent.Load())
			// A sync has two listings, or two queries. The first one, those of the bucket, and one
			// that it regains.
			if reads := arm.Reads(); reads["listing"] > 2*(1+6+1) || reads["resource_graph"] > 2*(1+6+1) {
				t.Errorf("%v; want 8 syncs at most", reads)
			}
		})
	}
}

const vaultID = "4728190365512870934-ab-pod01-id1.we.backup.windowsazure.com"

// landingZone returns n subscriptions with 10 endpoints each, and a new vault in one of
// them.
func landingZone(n int) fakearm.Estate {
	all := fakearm.Estate{subscription: {vaultEndpoint(vaultID)}}
	for i := range n - 1 {
		id := fmt.Sprintf("77777777-0000-0000-0000-%012d", i)
		for j := range 10 {
			e := vaultEndpoint(fmt.Sprintf("account%dx%d.blob.core.windows.net", i, j))
			e.Name = fmt.Sprintf("pe-%d", j)
			if j > 0 { // each subscription has a vault
				e.Target, e.Member = "Microsoft.Storage/storageAccounts/account", "blob"
			}
			all[id] = append(all[id], e)
		}
	}
	return all
}

const firstQuery = `
.:{$PORT} {
    bind 127.0.0.1
    errors
    fastpath
    privatelink {
        cloud {$ARM}
        azure SCOPE
        refresh 1h
    }
    lru
    upstream . {$UPSTREAM}
}
`
