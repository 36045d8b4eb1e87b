package peers

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// snapshot has records "LABEL ADDRESS" in the zone of blob.
func snapshot(t testing.TB, serial uint32, records ...string) *zone.Snapshot {
	t.Helper()
	b := zone.NewBuilder(&zone.Set{Cloud: cloud.Public, Zones: []dnsname.Name{"privatelink.blob.core.windows.net."}}, nil)
	for _, text := range records {
		label, addr, _ := strings.Cut(text, " ")
		name, err := dnsname.Parse(label + ".privatelink.blob.core.windows.net")
		if err != nil {
			t.Fatal(err)
		}
		owner, err := b.OwnerOf(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(owner, []netip.Addr{netip.MustParseAddr(addr)})
	}
	return b.Snapshot(true, func(*zone.Zone) uint32 { return serial })
}

// serve starts a DNS server that has the records of a snapshot. It fails the test for a
// query that it would have to forward.
func serve(t *testing.T, current func() *zone.Snapshot) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		if r.RecursionDesired {
			t.Error("a query has the RD flag")
		}
		q, zones := r.Question[0], current()
		switch found := zones.Lookup(q.Name); {
		case q.Qtype == dns.TypeSOA && zones.Zones[dnsname.Name(q.Name)] != nil:
			m.Answer = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeSOA, Class: 1}, Ns: ".", Mbox: ".", Serial: found.Zone.Serial}}
		case found.Record == nil:
			m.Rcode = dns.RcodeNameError
		default:
			for _, addr := range found.Record.Addrs {
				if addr.Is4() && q.Qtype == dns.TypeA {
					m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: 1}, A: addr.AsSlice()})
				}
				if addr.Is6() && q.Qtype == dns.TypeAAAA {
					m.Answer = append(m.Answer, &dns.AAAA{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeAAAA, Class: 1}, AAAA: addr.AsSlice()})
				}
			}
		}
		_ = w.WriteMsg(m) // the test sees that no answer arrives
	})}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go func() { _ = server.ActivateAndServe() }() // ends with Shutdown
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String()
}

func TestCompare(t *testing.T) {
	ours := snapshot(t, 7, "a 10.0.0.1", "b 10.0.0.2", "six fd00::1")
	none := zone.NewBuilder(&zone.Set{}, nil).Snapshot(true, nil)
	for _, tt := range []struct {
		name, role string
		ours       *zone.Snapshot
		theirs     *zone.Snapshot
		want       string // after the first round, and later
	}{
		{"a secondary with the same serial", Secondary, ours, snapshot(t, 7), "in step, compared zones: 1 of 1"},
		{"a secondary with an older serial", Secondary, ours, snapshot(t, 6), "zones that differ: privatelink.blob.core.windows.net (serial 6, here 7)"},
		{"a secondary without the zone", Secondary, ours, none, "zones that differ: privatelink.blob.core.windows.net (NXDOMAIN)"},
		{"a secondary without a zone that has no records", Secondary, snapshot(t, 7), none, "in step, compared zones: 1 of 1"},
		{"a secondary with an older serial of such a zone", Secondary, snapshot(t, 7), snapshot(t, 6),
			"zones that differ: privatelink.blob.core.windows.net (serial 6, here 7)"},
		{"a peer with the same names and another serial", Instance, ours, snapshot(t, 1, "a 10.0.0.1", "b 10.0.0.2", "six fd00::1", "more 10.0.0.9"),
			"in step, compared names: 3 of 3"},
		{"a peer without a name", Instance, ours, snapshot(t, 7, "b 10.0.0.2", "six fd00::1"), "names that differ: a.privatelink.blob.core.windows.net (NXDOMAIN)"},
		{"a peer with another address", Instance, ours, snapshot(t, 7, "a 10.0.0.9", "b 10.0.0.2", "six fd00::2"),
			"names that differ: a.privatelink.blob.core.windows.net (10.0.0.9), six.privatelink.blob.core.windows.net (fd00::2)"},
	} {
		address := serve(t, func() *zone.Snapshot { return tt.theirs })
		one := &target{Target: Target{address, tt.role}, differs: map[string]difference{}}
		begin := time.Now()
		for _, at := range []time.Duration{0, time.Minute, catchUpTime, 2 * catchUpTime} {
			state := one.compare(t.Context(), []*zone.Snapshot{tt.ours}, begin.Add(at))
			before, _, differs := strings.Cut(state.Text, " that differ since ")
			got := before
			if differs {
				got += " that differ: " + strings.Join(state.Names, ", ")
			}
			if got != tt.want || state.InStep != (!differs || at < catchUpTime) {
				t.Errorf("%s, after %s: %s, in step: %v; want %s", tt.name, at, got, state.InStep, tt.want)
			}
		}
	}
}

// A difference ends when the peer has caught up, and when the name is served no more.
func TestCatchUp(t *testing.T) {
	var mu sync.Mutex
	theirs := snapshot(t, 1, "b 10.0.0.2")
	set := func(s *zone.Snapshot) {
		mu.Lock()
		defer mu.Unlock()
		theirs = s
	}
	address := serve(t, func() *zone.Snapshot {
		mu.Lock()
		defer mu.Unlock()
		return theirs
	})
	one := &target{Target: Target{address, Instance}, differs: map[string]difference{}}
	ours := snapshot(t, 2, "a 10.0.0.1", "b 10.0.0.2")
	now := time.Now()
	if state := one.compare(t.Context(), []*zone.Snapshot{ours}, now); len(state.Names) != 1 {
		t.Errorf("before: %+v", state)
	}
	set(ours)
	if state := one.compare(t.Context(), []*zone.Snapshot{ours}, now.Add(time.Minute)); len(state.Names) != 0 || !state.InStep {
		t.Errorf("after it caught up: %+v", state)
	}
	set(snapshot(t, 3, "a 10.0.0.1"))
	one.compare(t.Context(), []*zone.Snapshot{ours}, now)
	if state := one.compare(t.Context(), []*zone.Snapshot{snapshot(t, 4, "a 10.0.0.1")}, now); len(state.Names) != 0 {
		t.Errorf("after the name was removed: %+v", state)
	}
}

// Nobody answers: one lost packet is normal, and a second one is not.
func TestSilentPeer(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := conn.LocalAddr().String()
	conn.Close()
	one := &target{Target: Target{address, Instance}, differs: map[string]difference{}}
	begin := time.Now()
	for at, want := range []bool{0: true, 1: true, 2: false, 3: false} {
		state := one.compare(t.Context(), []*zone.Snapshot{snapshot(t, 1, "a 10.0.0.1")}, begin.Add(time.Duration(at)*every))
		if state.InStep != want || !strings.HasPrefix(state.Text, "it does not answer") {
			t.Errorf("round %d: %+v; want in step %v", at, state, want)
		}
	}
}

// A comparison of very many names asks for a part of them.
func TestBounds(t *testing.T) {
	var records []string
	for i := range 3 * maxNames {
		records = append(records, "n"+string(rune('a'+i%26))+strings.Repeat("x", i/26%40)+" 10.0.0.1")
	}
	one := &target{Target: Target{Role: Instance}, differs: map[string]difference{"nb.privatelink.blob.core.windows.net.": {}}}
	some, all := one.questions([]*zone.Snapshot{snapshot(t, 1, records...)})
	if len(some) != maxNames || all <= maxNames || some[0].name != "nb.privatelink.blob.core.windows.net." {
		t.Errorf("%d of %d questions, the first one for %s", len(some), all, some[0].name)
	}
}

func TestWatch(t *testing.T) {
	ours := snapshot(t, 7, "a 10.0.0.1")
	w := Start([]Target{{serve(t, func() *zone.Snapshot { return ours }), Secondary}}, func() []*zone.Snapshot { return []*zone.Snapshot{ours} })
	defer w.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if states, n := w.States(); states[0].InStep && n > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("no comparison")
		}
	}
}
