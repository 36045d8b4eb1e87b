package fastpath_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// A reload under load loses no query, whether the fast path stays, comes or goes,
// and a reload that fails changes nothing.
func TestReloads(t *testing.T) {
	corefile := func(port int, fast, extra string) string {
		return fmt.Sprintf(".:%d {\nbind 127.0.0.1\n%s\n%s%s}", port, fast, small, extra)
	}
	instance, port := begin(t, corefile(0, "fastpath", ""))
	var stopped atomic.Bool
	var all sync.WaitGroup
	var asked, lost atomic.Int64
	for range 4 {
		all.Go(func() { keepAsking(t, port, &stopped, &asked, &lost) })
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
			query(t, "", fmt.Sprintf("127.0.0.1:%d", port), held())
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

// A reload that adds the fast path loses no query, and comes to its end.
func TestReloadsAddFastPath(t *testing.T) {
	for range 10 {
		instance, err := caddy.Start(input(".:0 {\nbind 127.0.0.1\n" + small + "}"))
		if err != nil {
			t.Fatal(err)
		}
		port := instance.Servers()[0].LocalAddr().(*net.UDPAddr).Port
		var stopped atomic.Bool
		var asked, lost atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { keepAsking(t, port, &stopped, &asked, &lost) })
		}
		eventually(t, "100 queries", func() bool { return asked.Load() > 100 })
		if instance, err = instance.Restart(input(".:0 {\nbind 127.0.0.1\nfastpath\n" + small + "}")); err != nil {
			t.Fatal(err)
		}
		before := counter(t, "coredns_fastpath_answers_total", "privatelink")
		eventually(t, "answers at the socket", func() bool { return counter(t, "coredns_fastpath_answers_total", "privatelink") > before })
		stopped.Store(true)
		all.Wait()
		if lost.Load() > 0 {
			t.Errorf("%d of %d queries had no reply", lost.Load(), asked.Load())
		}
		stop(t, instance)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	again, deadline := time.NewTicker(time.Millisecond), time.After(10*time.Second)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func keepAsking(t *testing.T, port int, stopped *atomic.Bool, asked, lost *atomic.Int64) {
	client := &dns.Client{Timeout: 3 * time.Second}
	conn, err := client.Dial(fmt.Sprintf("127.0.0.1:%d", port))
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
}

// Queries that take longer than a reload waits for leave no socket behind: the kernel would
// send packets to it when the fast path is added again.
func TestSlowQueriesAtReload(t *testing.T) {
	if testing.Short() {
		t.Skip("the reload waits for 5 s")
	}
	instance, port := begin(t, corefileOfSlow(t, "fastpath"))
	conn, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	slow, err := new(dns.Msg).SetQuestion("slow.example.org.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(slow); err != nil {
		t.Fatal(err)
	}
	query(t, "", fmt.Sprintf("127.0.0.1:%d", port), held().SetQuestion("privatelink.blob.core.windows.net.", dns.TypeDS)) // behind it
	if instance, err = instance.Restart(input(corefileOfSlow(t, ""))); err != nil {
		t.Fatal(err)
	}
	defer stop(t, instance)
	sockets := map[string]bool{}
	for _, inode := range datagramSockets(t, port) {
		sockets[inode] = true
	}
	if len(sockets) != 1 {
		t.Errorf("%d sockets at the server's port; want its own only", len(sockets))
	}
}

// corefileOfSlow has an upstream that does not accept connections: its queue is full.
func corefileOfSlow(t *testing.T, fast string) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	upstream := fmt.Sprintf("127.0.0.1:%d", at.(*unix.SockaddrInet4).Port)
	for range 3 {
		if conn, err := net.DialTimeout("tcp", upstream, 100*time.Millisecond); err == nil {
			t.Cleanup(func() { conn.Close() })
		}
	}
	return fmt.Sprintf(".:0 {\nbind 127.0.0.1\n%s\n%sforward . %s {\nforce_tcp\n}\n}", fast, small, upstream)
}

// A client that has got an answer of the new Corefile gets none of the old one any more.
func TestReloadIsOneStep(t *testing.T) {
	const last = 20
	corefile := func(i int) string {
		return fmt.Sprintf(".:0 {\nbind 127.0.0.1\nfastpath\nprivatelink {\nrecord a.privatelink.blob.core.windows.net 10.0.0.%d\n}\n}", i)
	}
	instance, port := begin(t, corefile(1))
	at := fmt.Sprintf("127.0.0.1:%d", port)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for seen := byte(0); seen < last; {
				m, _ := query(t, "", at, held())
				if m == nil || len(m.Answer) != 1 {
					t.Errorf("%v; want one record", m)
					return
				}
				now := m.Answer[0].(*dns.A).A.To4()[3]
				if now < seen {
					t.Errorf("the answer of reload %d comes after that of reload %d", now, seen)
					return
				}
				seen = now
			}
		})
	}
	for i := 2; i <= last; i++ {
		next, err := instance.Restart(input(corefile(i)))
		if err != nil {
			t.Fatal(err)
		}
		instance = next
	}
	all.Wait()
	stop(t, instance)
}
