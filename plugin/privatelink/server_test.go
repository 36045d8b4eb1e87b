package privatelink

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/transfer"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

func TestMain(m *testing.M) {
	dnsserver.Quiet, caddy.Quiet = true, true
	if err := dnsserver.SetDirectives([]string{"bind", "transfer", "privatelink", "file", "secondary", "forward"}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// serve starts the real server on a free port and returns its instance.
func serve(t *testing.T, corefile string) *caddy.Instance {
	t.Helper()
	instance, err := caddy.Start(input(corefile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, instance) })
	return instance
}

func stop(t *testing.T, instance *caddy.Instance) {
	if err := errors.Join(instance.ShutdownCallbacks()...); err != nil {
		t.Error(err)
	}
	if err := instance.Stop(); err != nil {
		t.Error(err)
	}
}

func input(corefile string) caddy.Input {
	return caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(".:0 {\nbind 127.0.0.1\n" + corefile + "\n}"), ServerTypeName: "dns"}
}

// sendQuery sends a query to the instance over "udp" or "tcp".
func sendQuery(t *testing.T, instance *caddy.Instance, network string, r *dns.Msg) *dns.Msg {
	t.Helper()
	addr := instance.Servers()[0].LocalAddr().String()
	if network == "tcp" {
		addr = instance.Servers()[0].Addr().String()
	}
	m, _, err := (&dns.Client{Net: network}).Exchange(r, addr)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// upstreamServer returns the address of a server that answers every query with
// the chain of an account and its public address.
func upstreamServer(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := parseReply(t, "NOERROR: "+toA+stamp)
		m.Id, m.Question = r.Id, r.Question
		_ = w.WriteMsg(m)
	})}
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String()
}

func TestServer(t *testing.T) {
	instance := serve(t, testCorefile+"\nforward . "+upstreamServer(t)+" {\nprefer_udp\n}")
	for _, tc := range []struct{ name, qname, qtype, want string }{
		{"direct", "b.privatelink.hard.test.", "A", "NOERROR aa: b.privatelink.hard.test. A 10.0.0.3"},
		{"alias", "a.fall.test.", "A", "NOERROR: a.fall.test. CNAME a.privatelink.fall.test.; A 10.0.0.1; A 10.0.0.2"},
		{"NODATA", "a.fall.test.", "AAAA", "NOERROR: a.fall.test. CNAME a.privatelink.fall.test. / privatelink.fall.test. SOA"},
		{"NXDOMAIN", "no.privatelink.hard.test.", "A", "NXDOMAIN aa: / privatelink.hard.test. SOA"},
		{"splice", "c1.test.", "A", "NOERROR: c1.test. CNAME a.privatelink.fall.test.; A 10.0.0.1; A 10.0.0.2"},
		{"zone transfer without plugin transfer", "privatelink.hard.test.", "AXFR", "REFUSED no-ra:"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			for _, edns := range []bool{false, true} {
				r := query(tc.qname, tc.qtype)
				if edns {
					r.SetEdns0(1232, false)
				}
				m := sendQuery(t, instance, network, r)
				if got := dnstest.Brief(m); got != tc.want || (m.IsEdns0() != nil) != edns {
					t.Errorf("%s, %s, EDNS %v: %s; want %s", tc.name, network, edns, got, tc.want)
				}
			}
		}
	}
}

// An answer that does not fit into a datagram is retried over TCP.
func TestServerTruncates(t *testing.T) {
	var addrs strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&addrs, " 10.0.%d.%d", i/250, i%250+1)
	}
	instance := serve(t, "privatelink {\nrecord many.blob.core.windows.net"+addrs.String()+"\n}")
	r := query("many.privatelink.blob.core.windows.net.", "A")
	if m := sendQuery(t, instance, "udp", r); !m.Truncated || len(m.Answer) > 30 {
		t.Errorf("UDP: TC %v, %d records; want TC and the records that fit into 512 octets", m.Truncated, len(m.Answer))
	}
	if m := sendQuery(t, instance, "tcp", r); m.Truncated || len(m.Answer) != 1000 {
		t.Errorf("TCP: TC %v, %d records; want all 1000", m.Truncated, len(m.Answer))
	}
}

func TestServerNotReady(t *testing.T) {
	instance := serve(t, "privatelink {\nrecord a.blob.core.windows.net 10.0.0.1\nfiles "+filepath.ToSlash(t.TempDir())+"/*.json\n}\nforward . "+upstreamServer(t))
	for _, tc := range []struct{ qname, want string }{
		{"a.blob.core.windows.net.", "NOERROR: a.blob.core.windows.net. CNAME a.privatelink.blob.core.windows.net.; A 10.0.0.1"},
		{"x.blob.core.windows.net.", "SERVFAIL:"},
		{"x.privatelink.we.backup.windowsazure.com.", "SERVFAIL:"},
	} {
		r := query(tc.qname, "A")
		if got := dnstest.Brief(sendQuery(t, instance, "udp", r)); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.qname, got, tc.want)
		}
		r.SetEdns0(1232, false)
		m := sendQuery(t, instance, "tcp", r)
		opt := m.IsEdns0()
		if ede := len(opt.Option) == 1 && opt.Option[0].(*dns.EDNS0_EDE).InfoCode == dns.ExtendedErrorCodeNotReady; ede != (tc.want == "SERVFAIL:") {
			t.Errorf("%s: options %v", tc.qname, opt.Option)
		}
	}
}

// A reload while a file is broken keeps its last good records.
func TestServerReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	write(t, path, "10.0.0.1 a.blob.core.windows.net\n")
	corefile := "privatelink {\nhosts " + filepath.ToSlash(path) + "\n"
	instance := serve(t, corefile+"}")
	sendQuery(t, instance, "udp", query("a.blob.core.windows.net.", "A")) // Restart cannot stop a server before it reads
	write(t, path, "10.0.0.1.1 a.blob.core.windows.net\n")

	reloaded, err := instance.Restart(input(corefile + "ttl 5m\n}"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, reloaded) })
	m := sendQuery(t, reloaded, "udp", query("a.privatelink.blob.core.windows.net.", "A"))
	if got, want := dnstest.Brief(m), "NOERROR aa no-ra: a.privatelink.blob.core.windows.net. A 10.0.0.1"; got != want || m.Answer[0].Header().Ttl != 300 {
		t.Errorf("after the reload: %s; want %s for 300 s", m, want)
	}
}

// A reload that fails after the plugin has started leaves no metrics of its
// sources, and the old instance still serves.
func TestServerReloadFails(t *testing.T) {
	path := filepath.ToSlash(filepath.Join(t.TempDir(), "hosts"))
	write(t, path, "10.0.0.1 a.blob.core.windows.net\n")
	instance := serve(t, "privatelink {\nhosts "+path+"\n}")
	inUse, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Close()
	addr := inUse.Addr().String()
	onUsedPort := input("privatelink {\nhosts " + path + "\nhosts " + path + "2\n}").(caddy.CaddyfileInput)
	onUsedPort.Contents = []byte(strings.Replace(string(onUsedPort.Contents), ":0", addr[strings.IndexByte(addr, ':'):], 1))
	if _, err := instance.Restart(onUsedPort); err == nil {
		t.Fatal("the reload succeeds on a port in use")
	}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if strings.Contains(f.String(), path+"2") {
			t.Errorf("the source of the failed reload is still in %s", f.GetName())
		}
	}
	m := sendQuery(t, instance, "udp", query("a.privatelink.blob.core.windows.net.", "A"))
	if got, want := dnstest.Brief(m), "NOERROR aa no-ra: a.privatelink.blob.core.windows.net. A 10.0.0.1"; got != want {
		t.Errorf("after the failed reload: %s; want %s", got, want)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestServerTransfer(t *testing.T) {
	instance := serve(t, "transfer {\nto *\n}\n"+testCorefile)
	serial := sendQuery(t, instance, "udp", query("privatelink.hard.test.", "SOA")).Answer[0].(*dns.SOA).Serial
	const (
		apex  = "privatelink.hard.test. SOA; NS ns.privatelink-dns.invalid.; "
		zone  = apex + "b.privatelink.hard.test. A 10.0.0.3; deep.sub.privatelink.hard.test. A 10.0.0.4; privatelink.hard.test. SOA"
		empty = "privatelink.queue.core.windows.net. SOA; NS ns.privatelink-dns.invalid.; SOA"
	)
	ixfr := func(serial uint32) *dns.Msg {
		return new(dns.Msg).SetIxfr("privatelink.hard.test.", serial, "x.", "y.")
	}
	for _, tc := range []struct {
		name string
		r    *dns.Msg
		want string
	}{
		{"AXFR", new(dns.Msg).SetAxfr("privatelink.hard.test."), zone},
		{"AXFR of an empty zone", new(dns.Msg).SetAxfr("privatelink.queue.core.windows.net."), empty},
		{"IXFR of an older serial", ixfr(serial - 1), zone},
		{"IXFR of the current serial", ixfr(serial), "privatelink.hard.test. SOA"},
		{"IXFR of a later serial", ixfr(serial + 1), "privatelink.hard.test. SOA"},
		{"AXFR of a foreign zone", new(dns.Msg).SetAxfr("example."), "dns: bad xfr rcode: 5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := transferred(tc.r, instance.Servers()[0].Addr().String())
			if err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}

func transferred(r *dns.Msg, addr string) (string, error) {
	envelopes, err := new(dns.Transfer).In(r, addr)
	if err != nil {
		return "", err
	}
	var rrs []dns.RR
	for e := range envelopes {
		if e.Error != nil {
			return "", e.Error
		}
		rrs = append(rrs, e.RR...)
	}
	return dnstest.BriefRecords(rrs), nil
}

// A transfer of half the records would remove the other half at the secondaries.
func TestNoTransferBeforeReady(t *testing.T) {
	p := start(t, "privatelink {\nfiles "+filepath.ToSlash(t.TempDir())+"/*.json\n}", nil)
	if _, err := p.Transfer("privatelink.blob.core.windows.net.", 0); !errors.Is(err, errNotReady) {
		t.Errorf("Transfer error = %v; want %v", err, errNotReady)
	}
}
