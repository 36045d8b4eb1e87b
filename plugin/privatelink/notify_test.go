package privatelink

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// generations are snapshots with serials and without records.
type generations struct{ atomic.Pointer[zone.Snapshot] }

// become stores a snapshot with the zones, each written as "name serial".
func (g *generations) become(complete bool, zones ...string) {
	next := &zone.Snapshot{Complete: complete, Zones: map[dnsname.Name]*zone.Zone{}}
	for _, text := range zones {
		z := &zone.Zone{}
		fmt.Sscan(text, &z.Name, &z.Serial) //nolint:errcheck // the test has only valid rows
		next.Zones[z.Name] = z
	}
	g.Store(next)
}

// sent records each NOTIFY. Sending one takes a second.
type sent struct {
	sync.Mutex
	all []string
}

func (s *sent) send(zone string) error {
	s.Lock()
	s.all = append(s.all, zone)
	s.Unlock()
	time.Sleep(time.Second)
	return nil
}

// since returns the zones of the NOTIFY messages since the last call.
func (s *sent) since() string {
	s.Lock()
	defer s.Unlock()
	defer func() { s.all = nil }()
	slices.Sort(s.all)
	return strings.Join(s.all, " ")
}

func TestNotifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now generations
		var sent sent
		n := newNotifier(now.Load)
		n.send = sent.send
		is := func(when, want string) {
			t.Helper()
			synctest.Wait()
			if got := sent.since(); got != want {
				t.Errorf("%s: NOTIFY for %q; want %q", when, got, want)
			}
		}
		now.become(false, "a. 1", "b. 1")
		n.notifyChanged()
		is("before the server listens", "")
		n.begin()
		is("before every source is loaded", "")
		now.become(true, "a. 1", "b. 1")
		n.notifyChanged()
		is("every source is loaded", "a. b.")
		time.Sleep(repeatAfter)
		is("once more, because a secondary may have discarded the first", "a. b.")
		time.Sleep(time.Minute)
		now.become(true, "a. 1", "b. 1")
		n.notifyChanged()
		is("the same serials", "")
		now.become(true, "a. 1", "b. 2", "c. 2")
		n.notifyChanged()
		is("one zone changes, one is new", "b. c.")
		for serial := range 20 {
			now.become(true, "a. 1", fmt.Sprintf("b. %d", serial+3), "c. 2")
			n.notifyChanged()
		}
		is("changes while a NOTIFY is sent", "")
		time.Sleep(time.Minute)
		is("after it is sent", "b.")

		now.become(true, "a. 1", "b. 30", "c. 2")
		n.notifyChanged()
		is("one more change", "b.")
		n.close()
		now.become(true, "a. 9", "b. 31", "c. 2")
		n.notifyChanged()
		time.Sleep(time.Minute)
		is("the server is stopped", "")
	})
}

// A secondary that does not answer for a minute does not delay other NOTIFY messages.
func TestNotifierDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now generations
		now.become(true, "slow. 1", "fast. 1")
		var fast atomic.Int32
		n := newNotifier(now.Load)
		n.send = func(zone string) error {
			if zone == "slow." {
				time.Sleep(time.Minute)
			} else {
				fast.Add(1)
			}
			return nil
		}
		begun := time.Now()
		n.begin()
		for serial := range 3 {
			synctest.Wait()
			now.become(true, fmt.Sprintf("slow. %d", serial+2), fmt.Sprintf("fast. %d", serial+2))
			n.notifyChanged()
		}
		synctest.Wait()
		if waited := time.Since(begun); waited != 0 || fast.Load() != 4 {
			t.Errorf("%d NOTIFY messages for the fast zone within %s; want 4 at once", fast.Load(), waited)
		}
		n.close()
		time.Sleep(time.Minute) // the last NOTIFY ends
	})
}

// A listener is a secondary that receives NOTIFY.
type listener struct {
	addr  string
	zones chan string
	rcode atomic.Int32
}

func newListener(t *testing.T) *listener {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{addr: conn.LocalAddr().String(), zones: make(chan string, 100)}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		if r.Opcode == dns.OpcodeNotify {
			l.zones <- r.Question[0].Name
		}
		m := new(dns.Msg).SetReply(r)
		m.Rcode = int(l.rcode.Load())
		_ = w.WriteMsg(m)
	})}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return l
}

// hears asserts that the next NOTIFY messages are one for each of the zones.
func (l *listener) hears(t *testing.T, when string, zones ...string) {
	t.Helper()
	var got []string
	for range zones {
		select {
		case zone := <-l.zones:
			got = append(got, zone)
		case <-time.After(10 * time.Second):
		}
	}
	slices.Sort(got)
	slices.Sort(zones)
	if !slices.Equal(got, zones) {
		t.Errorf("%s: NOTIFY for %v; want %v", when, got, zones)
	}
}

func reload(t *testing.T, old *caddy.Instance, corefile string) *caddy.Instance {
	t.Helper()
	reloaded, err := old.Restart(input(corefile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, reloaded) })
	return reloaded
}

func TestServerNotifies(t *testing.T) {
	l, other := newListener(t), newListener(t)
	corefile := func(to string, more ...string) string {
		return "transfer {\nto " + to + "\n}\nprivatelink {\nrecord a.blob.core.windows.net 10.0.0.1\n" + strings.Join(more, "\n") + "\n}"
	}
	const blob, queue, we = "privatelink.blob.core.windows.net.", "privatelink.queue.core.windows.net.", "privatelink.we.backup.windowsazure.com."
	const recovery = "privatelink.siterecovery.windowsazure.com."
	instance := serve(t, corefile(l.addr))
	l.hears(t, "start", blob, queue, recovery)
	instance = reload(t, instance, corefile(l.addr, "record v.we.backup.windowsazure.com 10.0.0.3"))
	l.hears(t, "a reload that brings a zone", blob, queue, recovery, we)
	reload(t, instance, corefile(l.addr+" "+other.addr, "record v.we.backup.windowsazure.com 10.0.0.3"))
	other.hears(t, "a reload that adds a secondary", blob, queue, recovery, we)
}

// Two server blocks have the same zones, and only one has secondaries.
func TestServerNotifiesForOneBlock(t *testing.T) {
	for _, first := range []bool{true, false} {
		l := newListener(t)
		with := "transfer . {\nto " + l.addr + "\n}\nprivatelink {\nrecord a.blob.core.windows.net 10.0.0.1\n}"
		blocks := []string{with, "privatelink {\nrecord a.blob.core.windows.net 10.0.0.1\n}"}
		if !first {
			slices.Reverse(blocks)
		}
		serve(t, blocks[0]+"\n}\nother.test:0 {\nbind 127.0.0.1\n"+blocks[1])
		l.hears(t, fmt.Sprintf("secondaries in the first block: %v", first),
			"privatelink.blob.core.windows.net.", "privatelink.queue.core.windows.net.", "privatelink.siterecovery.windowsazure.com.")
	}
}
