package integration

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A slow foreign name delays no other answer of its connection.
func TestOutOfOrder(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile("fastpath"))
	slow := make(chan struct{})
	upstream.Script("new.corp.example", func(m *dns.Msg) *dns.Msg { <-slow; return m })
	conn := connect(t, s.addr(""))
	names := []string{"new.corp.example", fc1, blob, "www.corp.example", "none.corp.example"}
	for id, name := range names {
		q := question(name, dns.TypeA)
		q.Id = uint16(id)
		if _, err := conn.Write(framed(t, q)); err != nil {
			t.Fatal(err)
		}
	}
	var order []uint16
	for range names {
		if len(order) == len(names)-1 {
			close(slow)
		}
		m, err := receive(conn)
		if err != nil {
			t.Fatalf("after the answers to %v: %v", order, err)
		}
		order = append(order, m.Id)
	}
	if last := order[len(names)-1]; last != 0 {
		t.Errorf("the answers came in the order %v; want the slow one last", order)
	}
	slices.Sort(order)
	if fmt.Sprint(order) != "[0 1 2 3 4]" {
		t.Errorf("the answers are to %v; want each once", order)
	}
}

// Connections that are idle, or whose clients do not read, delay nobody.
func TestIdleAndSlowClients(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile("fastpath"))
	for range 1000 {
		connect(t, s.addr(""))
	}
	wire := framed(t, question("large.queue.core.windows.net", dns.TypeA))
	for range 100 {
		conn := connect(t, s.addr(""))
		go func() {
			for err := error(nil); err == nil; {
				_, err = conn.Write(wire)
			}
		}()
	}
	for _, network := range []string{"udp", "tcp"} {
		var took []time.Duration
		for range 50 {
			began := time.Now()
			exchange(t, network, s.addr(""), question(fc1, dns.TypeA))
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		if median, worst := took[25], took[49]; median > 50*time.Millisecond || worst > 2*time.Second {
			t.Errorf("over %s a query takes %s, at most %s; want 50ms", network, median, worst)
		}
	}
}

// With few file descriptors, held names are answered over UDP, and every connection gets
// an answer or is closed.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	s := prepare(t, corefile("fastpath"))
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("vault.json", export(vault...))
	program := s.program()
	limited := exec.Command("sh", append([]string{"-c", `ulimit -n 64; exec "$0" "$@"`}, program.Args...)...)
	limited.Dir, limited.Env = program.Dir, program.Env
	if s.process = launch(t, s.addr(""), limited); s.ended() {
		t.Fatal("the server did not start")
	}
	var all sync.WaitGroup
	var answered, closed atomic.Int64
	for range 400 {
		conn := connect(t, s.addr(""))
		all.Go(func() {
			conn.Write(framed(t, question(fc1, dns.TypeA))) //nolint:errcheck // the read fails as well
			switch m, err := receive(conn); {
			case err == nil && summary(m) == fc1Served:
				answered.Add(1)
			case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
				closed.Add(1)
			default:
				t.Errorf("%v, %v", m, err)
			}
		})
	}
	for range 50 {
		if got := summary(exchange(t, "udp", s.addr(""), question(fc1, dns.TypeA))); got != fc1Served {
			t.Errorf("over UDP: %s; want %s", got, fc1Served)
		}
	}
	all.Wait()
	if answered.Load() == 0 {
		t.Error("no connection was answered")
	}
	t.Logf("of 400 connections, %d were answered and %d closed", answered.Load(), closed.Load())
}

// Reloads lose no query on a connection, and close none.
func TestConnectionsAcrossReloads(t *testing.T) {
	t.Parallel()
	const connections, queries, reloads = 50, 2000, 20
	s, _ := serve(t, corefile("fastpath"))
	var all sync.WaitGroup
	var answered atomic.Int64
	for range connections {
		conn := connect(t, s.addr(""))
		all.Go(func() {
			for i := range queries {
				q := question([]string{fc1, "www.corp.example"}[i%2], dns.TypeA)
				if _, err := conn.Write(framed(t, q)); err != nil {
					t.Error(err)
					return
				}
				if m, err := receive(conn); err != nil || m.Id != q.Id || m.Rcode != dns.RcodeSuccess {
					t.Errorf("query %d: %v, %v", i, m, err)
					return
				}
				answered.Add(1)
			}
		})
	}
	for i := range reloads {
		for answered.Load() < int64(i*connections*queries/reloads) && !t.Failed() {
			<-time.After(time.Millisecond)
		}
		s.write("Corefile", corefile("fastpath", fmt.Sprint("# ", i)))
		s.signal(t, syscall.SIGUSR1)
		s.logsTimes("Reloading complete", i+1)
	}
	all.Wait()
	if got := answered.Load(); got != connections*queries {
		t.Errorf("%d of %d queries are answered", got, connections*queries)
	}
}

// At the end, the server answers what it has read, and closes the connections.
func TestConnectionsAtShutdown(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile("fastpath"))
	slow := make(chan struct{})
	upstream.Script("new.corp.example", func(m *dns.Msg) *dns.Msg { <-slow; return m })
	idle, busy := connect(t, s.addr("")), connect(t, s.addr(""))
	if _, err := busy.Write(framed(t, question("new.corp.example", dns.TypeA))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the query reaches the upstream", func() bool { return upstream.Asked("new.corp.example") > 0 })
	s.signal(t, syscall.SIGTERM)
	if m, err := receive(idle); !errors.Is(err, io.EOF) {
		t.Errorf("the idle connection: %v, %v; want an end", m, err)
	}
	close(slow)
	if m, err := receive(busy); err != nil || m.Question[0].Name != "new.corp.example." {
		t.Errorf("the query in progress: %v, %v; want its answer", m, err)
	}
	if _, err := receive(busy); !errors.Is(err, io.EOF) {
		t.Errorf("after the answer: %v; want an end", err)
	}
	s.endsWith(t, 0)
	if _, err := net.Dial("tcp", s.addr("")); err == nil {
		t.Error("the port is open after the end")
	}
}

// logsTimes waits until the log has the text so often.
func (s *server) logsTimes(text string, n int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprint(n, " times ", text), func() bool { return strings.Count(s.out.String(), text) >= n })
}

// dnsperf sends many queries ahead on each connection, and loses none.
func TestDnsperf(t *testing.T) {
	t.Parallel()
	program := need(t, "dnsperf", "dnsperf")
	s, _ := serve(t, cached("fastpath"))
	s.write("queries", fc1+" A\n"+blob+" A\nwww.corp.example A\nnone.corp.example A\n")
	_, port, err := net.SplitHostPort(s.addr(""))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-s", "127.0.0.1", "-p", port, "-m", "tcp", "-c", "20", "-q", "200", "-n", "5000", "-d", filepath.Join(s.dir, "queries")}
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		`Queries completed: +20000 \(100.00%\)`, `Queries lost: +0 `, `Reconnections: +0\n`, `Response codes: +NOERROR 15000 \(75.00%\), NXDOMAIN 5000`,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("dnsperf does not report %s:\n%s", want, out)
		}
	}
}

// The wildcard addresses are the same: a reload from one to the other closes no
// connection. A server with both has one line in the log, and answers.
func TestWildcardConnections(t *testing.T) {
	t.Parallel()
	bound := func(to string) string { return strings.Replace(corefile("fastpath"), "bind 127.0.0.1", "bind "+to, 1) }
	s, _ := serve(t, bound("::"))
	conn := connect(t, s.addr(""))
	for i, to := range []string{"::", "0.0.0.0", "::"} {
		if i > 0 {
			s.write("Corefile", bound(to))
			s.signal(t, syscall.SIGUSR1)
			s.logsTimes("Reloading complete", i)
		}
		if _, err := conn.Write(framed(t, question(fc1, dns.TypeA))); err != nil {
			t.Fatal(err)
		}
		if m, err := receive(conn); err != nil || summary(m) != fc1Served {
			t.Fatalf("after the reload to %s: %v, %v; want %s", to, m, err, fc1Served)
		}
	}
	both, _ := serve(t, bound("0.0.0.0 ::"))
	both.logs(`plugin/fastpath: Off for dns://.*: 2 servers listen at the same address: bind 0.0.0.0 or ::, each has both IP versions`)
	for _, network := range []string{"udp", "tcp"} {
		if got := summary(exchange(t, network, both.addr(""), question(fc1, dns.TypeA))); got != fc1Served {
			t.Errorf("over %s: %s; want %s", network, got, fc1Served)
		}
	}
}

// dig and kdig ask several questions on one connection.
func TestKeepOpen(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, cached("fastpath", "prometheus 127.0.0.1:{$PORT_METRICS}"))
	_, port, err := net.SplitHostPort(s.addr(""))
	if err != nil {
		t.Fatal(err)
	}
	for n, program := range [][]string{{"dig", "bind9-dnsutils", "+noall", "+answer"}, {"kdig", "knot-dnsutils", "+short"}} {
		path := need(t, program[0], program[1])
		args := append(program[2:], "@127.0.0.1", "-p", port, "+tcp", "+keepopen", fc1, "www.corp.example", blob)
		out, err := exec.Command(path, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", program[0], err, out)
		}
		for _, want := range []string{"10.20.0.4", "198.51.100.80", "10.20.0.12"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s has no %s:\n%s", program[0], want, out)
			}
		}
		closed := fmt.Sprintf("\ncoredns_fastpath_connections_closed_total{reason=\"client\"} %d\n", n+1)
		eventually(t, program[0]+" with one connection", func() bool {
			return strings.Contains(string(readURL(t, "http://"+s.addr("_METRICS")+"/metrics")), closed)
		})
	}
}
