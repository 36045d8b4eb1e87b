package fastpath_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A reload under load loses no query, whether the fast path stays, comes or goes,
// and a reload that fails changes nothing.
func TestReloads(t *testing.T) {
	corefile := func(port int, fast, extra string) string {
		return fmt.Sprintf(".:%d {\nbind 127.0.0.1\n%s\n%s%s}", port, fast, small, extra)
	}
	instance, port := begin(t, corefile(0, "fastpath", ""))
	address := fmt.Sprintf("127.0.0.1:%d", port)
	var stopped atomic.Bool
	var all sync.WaitGroup
	var asked, lost atomic.Int64
	for range 4 {
		all.Go(func() {
			client := &dns.Client{Timeout: 3 * time.Second}
			conn, err := client.Dial(address)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			for !stopped.Load() {
				asked.Add(1)
				if m, _, err := client.ExchangeWithConn(held(), conn); err != nil || len(m.Answer) != 1 {
					lost.Add(1)
				}
			}
		})
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for i, step := range []string{"fastpath", "", "", "fastpath", "broken", "fastpath", "taken", "broken", "", "fastpath"} {
		text := corefile(0, step, fmt.Sprintf("# %d\n", i))
		switch step {
		case "broken":
			text = corefile(0, "fastpath", "unknown\n")
		case "taken":
			text = corefile(0, "fastpath", "") + "\n.:" + taken.Addr().String()[len("127.0.0.1:"):] + " {\nbind 127.0.0.1\nfastpath\n" + small + "}"
		}
		next, err := instance.Restart(input(text))
		if fails := step == "broken" || step == "taken"; (err != nil) != fails {
			t.Fatalf("step %d (%s): %v", i, step, err)
		}
		instance = next
		for before := asked.Load(); asked.Load() < before+200; {
			query(t, "", address, held())
		}
	}
	t.Cleanup(func() { stop(t, instance) })
	stopped.Store(true)
	all.Wait()
	if lost.Load() > 0 {
		t.Errorf("%d of %d queries were not answered", lost.Load(), asked.Load())
	}
	t.Logf("%d queries", asked.Load())
}

// The next packet has a record that has come, although lru has an answer to the
// question.
func TestNoReplyIsOlder(t *testing.T) {
	folder := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(folder, "a.hosts"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const other = "10.0.0.1 other.privatelink.example.org\n10.0.0.1 another.privatelink.example.org\n"
	write(other)
	p := newPair(t, "privatelink privatelink.example.org {\nhosts "+folder+"/*.hosts\nrefresh 1s\n}\nlru\nforward . "+newUpstream(t)+" {\nprefer_udp\n}")
	wire := prepare(t, p, "www.example.org.", dns.TypeA)
	for _, step := range []struct{ file, want string }{
		{other, "192.0.2.1"}, {other + "10.7.7.7 www.privatelink.example.org\n", "10.7.7.7"},
	} {
		write(step.file)
		again, deadline := time.NewTicker(10*time.Millisecond), time.After(20*time.Second)
		defer again.Stop()
		for !strings.Contains(meaning(p.chain(wire, clients[0])), step.want) {
			select {
			case <-again.C:
			case <-deadline:
				t.Fatalf("the chain does not answer %s", step.want)
			}
		}
		if got := meaning(p.desk.Answer(wire, clients[0].Addr())); !strings.Contains(got, step.want) {
			t.Errorf("the fast path answers %s; want %s", got, step.want)
		}
	}
}
