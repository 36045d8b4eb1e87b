package integration

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// shutdownTimeout limits a shutdown. CoreDNS stops a server within 5 s; the rest is for
// a busy machine.
const shutdownTimeout = 10 * time.Second

func (p *process) signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("%s: %v", sig, err)
	}
}

// endsWith waits for the end of the process and checks its exit status.
func (p *process) endsWith(t testing.TB, status int) {
	t.Helper()
	p.stopped = true
	select {
	case <-p.done:
		if got := p.cmd.ProcessState.ExitCode(); got != status {
			t.Errorf("exit status %d; want %d", got, status)
		}
	case <-time.After(shutdownTimeout):
		t.Errorf("the process has not ended after %s", shutdownTimeout)
		p.cmd.Process.Kill() //nolint:errcheck // it may have ended
		select {
		case <-p.done:
		case <-time.After(shutdownTimeout): // it waits for a disk
		}
	}
	if strings.Contains(p.out.String(), "panic") {
		t.Error("the log has a panic")
	}
}

// a queries the IPv4 addresses of a name.
func (s *server) a(name string) (*dns.Msg, error) {
	m, _, err := (&dns.Client{Timeout: 5 * time.Second}).Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA), s.addr(""))
	return m, err
}

// resolves checks that the name has addresses.
func (s *server) resolves(name string) {
	s.t.Helper()
	if m, err := s.a(name); err != nil || m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 {
		s.t.Errorf("%s = %v, %v; want records", name, m, err)
	}
}

// silentUpstream returns the address of a socket that is never read.
func silentUpstream(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().String()
}

// A server whose upstream is silent ends on SIGTERM, even if cache misses keep
// arriving.
func TestShutdownDuringMisses(t *testing.T) {
	t.Parallel()
	s := prepare(t, cached("health 127.0.0.1:{$PORT_HEALTH}"))
	s.write("vault.json", export(vault...))
	s.env["UPSTREAM"] = silentUpstream(t)
	s.start()
	conn, err := net.Dial("udp", s.addr(""))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stop := make(chan struct{})
	var client sync.WaitGroup
	client.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			wire, _ := new(dns.Msg).SetQuestion(fmt.Sprintf("n%d.foreign.example.", i), dns.TypeA).Pack()
			_, _ = conn.Write(wire) // refused once the process has ended
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 10 { // so that many misses are pending
		s.resolves(fc1)
		<-tick.C
	}
	s.signal(t, syscall.SIGTERM)
	s.endsWith(t, 0)
	close(stop)
	client.Wait()
	if m, err := s.a(fc1); err == nil {
		t.Errorf("an answer after the end of the process: %s", m)
	}
}

// SIGTERM ends the process while its first start waits for Azure.
func TestShutdownWhileAzureIsStalled(t *testing.T) {
	t.Parallel()
	stalled, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts the connections; no response is sent
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Close()
	s := starting(t, "cloud https://{$STALLED}\n        azure 00000000-0000-0000-0000-000000000000")
	s.env["STALLED"] = stalled.Addr().String()
	s.env["IDENTITY_ENDPOINT"], s.env["IDENTITY_HEADER"] = "http://"+stalled.Addr().String(), "none"
	s.process = spawn(t, s.program())
	conn, err := stalled.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.signal(t, syscall.SIGTERM)
	s.endsWith(t, 0)
}

// SIGTERM ends the process while its first start reads a file that never ends. The
// start may also skip the file.
func TestShutdownWhileAFileIsStalled(t *testing.T) {
	t.Parallel()
	s := starting(t, "record a.blob.core.windows.net 10.20.0.4\n        state {$DIR}/stalled")
	path := filepath.Join(s.dir, "stalled")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	s.process = spawn(t, s.program())
	eventually(t, "reader of the file", func() bool {
		fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_NONBLOCK, 0) // fails without a reader
		if err == nil {
			t.Cleanup(func() { syscall.Close(fd) }) //nolint:errcheck // no data was written
		}
		return err == nil || s.serves(s.addr(""))
	})
	s.signal(t, syscall.SIGTERM)
	s.endsWith(t, 0)
}

// starting returns a server, not yet started, with a source that never responds.
func starting(t *testing.T, source string) *server {
	s := prepare(t, `
.:{$PORT} {
    bind 127.0.0.1
    health 127.0.0.1:{$PORT_HEALTH}
    privatelink {
        `+source+`
    }
    lru
    forward . {$UPSTREAM}
}
`)
	s.env["UPSTREAM"] = silentUpstream(t)
	return s
}

// The server ends on SIGTERM, even if clients keep TCP connections open and one of
// them does not read its answers.
func TestShutdownWithOpenConnections(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	for range 5 {
		conn, err := net.Dial("tcp", s.addr(""))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := (&dns.Conn{Conn: conn}).WriteMsg(new(dns.Msg).SetQuestion(fc1+".", dns.TypeA)); err != nil {
			t.Fatal(err)
		}
	}
	unreadConn, err := net.Dial("tcp", s.addr(""))
	if err != nil {
		t.Fatal(err)
	}
	defer unreadConn.Close()
	for err == nil { // until the buffers of both sides are full
		if err = unreadConn.SetWriteDeadline(time.Now().Add(500 * time.Millisecond)); err == nil {
			err = (&dns.Conn{Conn: unreadConn}).WriteMsg(new(dns.Msg).SetQuestion("large.queue.core.windows.net.", dns.TypeA))
		}
	}
	s.signal(t, syscall.SIGTERM)
	s.endsWith(t, 0)
}

// A query that the server has read before the signal is answered.
func TestShutdownAnswersPendingQueries(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"udp", "tcp"} {
		s, upstream := serve(t, cached())
		upstream.Script("www.corp.example", func(m *dns.Msg) *dns.Msg {
			<-time.After(time.Second)
			return m
		})
		type result struct {
			m   *dns.Msg
			err error
		}
		results := make(chan result, 1)
		go func() {
			client := &dns.Client{Net: network, Timeout: processTimeout}
			m, _, err := client.Exchange(new(dns.Msg).SetQuestion("www.corp.example.", dns.TypeA), s.addr(""))
			results <- result{m, err}
		}()
		eventually(t, "query upstream", func() bool { return upstream.Asked("www.corp.example") > 0 })
		s.signal(t, syscall.SIGTERM)
		if r := <-results; r.err != nil || len(r.m.Answer) != 2 {
			t.Errorf("%s: %v, %v; want the answer", network, r.m, r.err)
		}
		s.endsWith(t, 0)
	}
}

// During the lameduck period of plugin health, the server still answers cache misses
// and reads changed files.
func TestShutdownLameduck(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, cached("health 127.0.0.1:{$PORT_HEALTH} {\n        lameduck 4s\n    }"))
	began := time.Now()
	s.signal(t, syscall.SIGTERM)
	s.logs("Going into lameduck mode")
	s.resolves(fc1)
	s.resolves("www.corp.example")
	s.write("vault.json", export("late.blob.core.windows.net 10.20.0.44"))
	eventually(t, "the changed file", func() bool {
		m, err := s.a("late.privatelink.blob.core.windows.net")
		return err != nil || m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1
	})
	s.resolves("late.privatelink.blob.core.windows.net")
	s.endsWith(t, 0)
	if d := time.Since(began); d < 4*time.Second {
		t.Errorf("the process ended after %s; want at least the lameduck period of 4 s", d)
	}
}

// A second signal ends the process at once, even after SIGUSR1 has loaded a Corefile
// without the plugins of this project.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	lameduck := "health 127.0.0.1:{$PORT_HEALTH} {\n        lameduck 60s\n    }"
	for _, tt := range []struct {
		name          string
		first, second syscall.Signal
		reload        bool
	}{
		{"SIGTERM twice", syscall.SIGTERM, syscall.SIGTERM, false},
		{"SIGINT, then SIGTERM", syscall.SIGINT, syscall.SIGTERM, false},
		{"SIGTERM, then SIGINT", syscall.SIGTERM, syscall.SIGINT, false},
		{"after a reload", syscall.SIGTERM, syscall.SIGTERM, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := serve(t, cached(lameduck))
			if tt.reload {
				s.write("Corefile", ".:{$PORT} {\n    bind 127.0.0.1\n    "+lameduck+"\n    forward . {$UPSTREAM}\n}\n")
				s.signal(t, syscall.SIGUSR1)
				s.logs("Reloading complete")
			}
			s.signal(t, tt.first)
			s.logs("Going into lameduck mode")
			s.signal(t, tt.second)
			s.endsWith(t, 2)
			if !strings.Contains(s.out.String(), "[WARNING] plugin/lifecycle: second signal ("+tt.second.String()+"): the process ends now\n") {
				t.Error("no log line for the second signal")
			}
		})
	}
}
