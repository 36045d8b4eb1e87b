package fastpath_test

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"
)

// tcpPort returns the port of the first server's connections.
func tcpPort(instance *caddy.Instance) string {
	return fmt.Sprint(instance.Servers()[0].Addr().(*net.TCPAddr).Port)
}

// dial opens a connection for one test.
func dial(t testing.TB, address string) *dns.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &dns.Conn{Conn: conn}
}

// exchange asks on a connection.
func exchange(t testing.TB, c *dns.Conn, m *dns.Msg) *dns.Msg {
	t.Helper()
	if err := c.WriteMsg(m); err != nil {
		t.Fatal(err)
	}
	reply, err := c.ReadMsg()
	if err != nil || reply.Id != m.Id {
		t.Fatalf("%s: %v, %v", m.Question[0].Name, reply, err)
	}
	return reply
}

// Names in memory are answered at the connection, and counted as queries over TCP. All
// other queries reach the chain, with the client's address.
func TestConnection(t *testing.T) {
	for _, bind := range []string{"127.0.0.1", "::1", "0.0.0.0"} {
		instance, _ := serve(t, ".:0 {\nbind "+bind+"\nfastpath\nprometheus 127.0.0.1:0\nacl {\nallow net 127.0.0.1 ::1\nblock\n}\n"+small+"}")
		host := bind
		if bind == "0.0.0.0" {
			host = "127.0.0.1"
		}
		c := dial(t, net.JoinHostPort(host, tcpPort(instance)))
		fast, tcp := counter(t, "coredns_fastpath_answers_total", "privatelink"), counter(t, "coredns_dns_requests_total", `value:"tcp"`)
		for range 3 {
			if m := exchange(t, c, held()); len(m.Answer) != 1 {
				t.Errorf("%s: %v; want one record", bind, m)
			}
		}
		if got := counter(t, "coredns_fastpath_answers_total", "privatelink") - fast; got != 3 {
			t.Errorf("%s: %v of 3 queries were answered at the connection", bind, got)
		}
		m := exchange(t, c, held().SetQuestion("privatelink.blob.core.windows.net.", dns.TypeDS)) // for the chain
		if m.Rcode != dns.RcodeSuccess {
			t.Errorf("%s: the chain answers %s", bind, dns.RcodeToString[m.Rcode])
		}
		got := 0.0
		for until := time.Now().Add(10 * time.Second); got < 4 && time.Now().Before(until); { // the chain counts after its reply
			got = counter(t, "coredns_dns_requests_total", `value:"tcp"`) - tcp
		}
		if got != 4 {
			t.Errorf("%s: %v queries over TCP are counted; want 4", bind, got)
		}
	}
}

// The option edns-tcp-keepalive is answered over connections (RFC 7828, 3.2.1), from
// memory and by the chain. Over UDP it is not.
func TestKeepalive(t *testing.T) {
	instance, port := serve(t, ".:0 {\nbind 127.0.0.1\nfastpath\n"+small+"}")
	c := dial(t, "127.0.0.1:"+tcpPort(instance))
	for _, qtype := range []uint16{dns.TypeA, dns.TypeDS} {
		m := new(dns.Msg).SetQuestion("a.privatelink.blob.core.windows.net.", qtype)
		m.SetEdns0(1232, false)
		if got := idleOf(exchange(t, c, m)); got != -1 {
			t.Errorf("%d: the option is %d; want none, nobody asked", qtype, got)
		}
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}}
		if got := idleOf(exchange(t, c, m)); got != 100 {
			t.Errorf("%d: the option is %d; want 100 times 100 ms", qtype, got)
		}
		if reply, _ := query(t, "", fmt.Sprintf("127.0.0.1:%d", port), m); idleOf(reply) != -1 {
			t.Errorf("%d: the option is in a reply over UDP", qtype)
		}
	}
}

// idleOf returns the time of the option, in units of 100 ms, or -1.
func idleOf(m *dns.Msg) int {
	if o := m.IsEdns0(); o != nil {
		for _, option := range o.Option {
			if k, ok := option.(*dns.EDNS0_TCP_KEEPALIVE); ok {
				return int(k.Timeout)
			}
		}
	}
	return -1
}

// The connections are the server's if a block changes its listeners. Plugins that only
// turn off the fast path leave them here.
func TestWhoseConnections(t *testing.T) {
	for _, tc := range []struct {
		name, block string
		want        float64
	}{
		{"plain", "fastpath", 1},
		{"plugin log", "fastpath\nlog", 1},
		{"plugin tsig", "fastpath\ntsig {\nsecret k. AAAA\n}", 1},
		{"plugin proxyproto", "fastpath\nproxyproto {\nallow 192.0.2.1/32\n}", 0},
		{"plugin multisocket", "fastpath\nmultisocket 1", 0},
		{"no fastpath", "", 0},
	} {
		instance, err := caddy.Start(input(".:0 {\nbind 127.0.0.1\n" + tc.block + "\n" + small + "}"))
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		query(t, "", instance.Servers()[0].LocalAddr().String(), held()) // its connections are accepted before
		c := dial(t, "127.0.0.1:"+tcpPort(instance))
		exchange(t, c, held())
		if got := counter(t, "coredns_fastpath_connections", ""); got != tc.want {
			t.Errorf("%s: %v connections are open; want %v", tc.name, got, tc.want)
		}
		c.Close()
		stop(t, instance)
	}
}

// A reload closes no connection, and no query on one is lost.
func TestReloadKeepsConnections(t *testing.T) {
	const connections, reloads, least = 20, 20, 200
	corefile := func(i int) string {
		return fmt.Sprintf(".:0 {\nbind 127.0.0.1\nfastpath\n%s}\n# %d", small, i)
	}
	instance, _ := begin(t, corefile(0))
	address := "127.0.0.1:" + tcpPort(instance)
	var all sync.WaitGroup
	var stopped atomic.Bool
	var asked atomic.Int64
	for range connections {
		c := dial(t, address)
		all.Go(func() {
			for i := 0; !stopped.Load(); i++ {
				m := held()
				if i%2 == 1 {
					m = m.SetQuestion("privatelink.blob.core.windows.net.", dns.TypeDS) // for the chain
				}
				if err := c.WriteMsg(m); err != nil {
					t.Error(err)
					return
				}
				if reply, err := c.ReadMsg(); err != nil || reply.Id != m.Id || reply.Rcode != dns.RcodeSuccess {
					t.Errorf("query %d: %v, %v", i, reply, err)
					return
				}
				asked.Add(1)
			}
		})
	}
	for i := range reloads {
		next, err := instance.Restart(input(corefile(i + 1)))
		if err != nil {
			t.Fatal(err)
		}
		instance = next
		for before := asked.Load(); asked.Load() < before+least && !t.Failed(); {
			query(t, "", instance.Servers()[0].LocalAddr().String(), held())
		}
	}
	stopped.Store(true)
	all.Wait()
	stop(t, instance)
	t.Logf("%d queries over %d connections in %d reloads", asked.Load(), connections, reloads)
}

// A reload that removes the fast path answers what has arrived, and closes the connections.
// Later ones are the server's, and come back with the fast path.
func TestReloadWithoutFastPath(t *testing.T) {
	instance, _ := begin(t, ".:0 {\nbind 127.0.0.1\nfastpath\n"+small+"}")
	address := "127.0.0.1:" + tcpPort(instance)
	for i, fast := range []string{"", "fastpath", "", "fastpath"} {
		c := dial(t, address)
		exchange(t, c, held())
		next, err := instance.Restart(input(fmt.Sprintf(".:0 {\nbind 127.0.0.1\n%s\n%s}\n# %d", fast, small, i)))
		if err != nil {
			t.Fatal(err)
		}
		instance = next
		query(t, "", instance.Servers()[0].LocalAddr().String(), held()) // it has begun
		if m, err := c.ReadMsg(); err == nil {
			t.Errorf("step %d: %v; want an end", i, m)
		}
		exchange(t, dial(t, address), held())
	}
	stop(t, instance)
}
