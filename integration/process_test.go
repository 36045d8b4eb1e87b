package integration

import (
	"bytes"
	"math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// processTimeout is how long a test waits for another process. It is far above what
// any of them needs on a busy machine.
const processTimeout = 30 * time.Second

// eventually asks ok again and again: another process does not notify when it is
// ready.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(processTimeout)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within %s", what, processTimeout)
		case <-tick.C:
		}
	}
}

// A process is a DNS server outside of the test.
type process struct {
	cmd  *exec.Cmd
	out  output
	done chan struct{} // closed when it ended
	err  error         // how, once done

	stopped bool // nobody expects it to run any more
}

// launch starts a program that serves DNS at addr and waits until it does, or
// has ended. A program whose port another process has is ended.
func launch(t testing.TB, addr string, cmd *exec.Cmd) *process {
	t.Helper()
	p := spawn(t, cmd)
	taken := 0
	eventually(t, "start of "+cmd.Path, func() bool {
		switch holderOf(cmd.Process.Pid, addr) {
		case both:
			taken = tooOften
		case others: // it may be for a moment, while freePort looks for a port
			taken++
		}
		return p.ended() || taken >= tooOften || p.serves(addr)
	})
	if taken >= tooOften && !p.ended() {
		t.Logf("%s: another process has %s", cmd.Path, addr)
		p.cmd.Process.Kill() //nolint:errcheck // it has ended
		<-p.done
	}
	p.stopped = p.ended()
	return p
}

// tooOften is how many looks at a port must find another process there.
const tooOften = 100

// spawn starts a program that ends with the test. Its output is kept, unless the
// caller has given it an output.
func spawn(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, done: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = &p.out
	}
	cmd.Stderr = &p.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("log of %s:\n%s", cmd.Path, p.out.String())
		}
	})
	return p
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop ends the process as an operator does and checks that it goes in peace.
func (p *process) stop(t testing.TB) {
	if p.stopped {
		return
	}
	p.stopped = true
	if p.ended() {
		t.Errorf("%s ended by itself: %v", p.cmd.Path, p.err)
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("signal %s: %v", p.cmd.Path, err)
	}
	select {
	case <-p.done:
		if p.err != nil {
			t.Errorf("%s after SIGTERM: %v; want exit status 0", p.cmd.Path, p.err)
		}
	case <-time.After(processTimeout):
		t.Errorf("%s did not end within %s of SIGTERM", p.cmd.Path, processTimeout)
		p.cmd.Process.Kill() //nolint:errcheck // nothing is left to do
		<-p.done
	}
}

// serves reports whether the process itself answers at addr.
func (p *process) serves(addr string) bool {
	who := holderOf(p.cmd.Process.Pid, addr)
	return (who == ours || who == unknown) && answers(addr)
}

// answers reports whether a DNS server is at addr, this one or another. Any answer
// will do.
func answers(addr string) bool {
	q := new(dns.Msg).SetQuestion("version.bind.", dns.TypeTXT)
	q.Question[0].Qclass = dns.ClassCHAOS
	_, _, err := (&dns.Client{Timeout: 200 * time.Millisecond}).Exchange(q, addr)
	return err == nil
}

// output is what a process wrote, to be read while it writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var given = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// freePort returns a port of 127.0.0.1 that nobody uses over UDP or TCP, and
// never the same one twice: CoreDNS sets SO_REUSEPORT, so two servers on one
// port would not even notice.
func freePort(t testing.TB) string {
	t.Helper()
	given.Lock()
	defer given.Unlock()
	for range 100 {
		// Below the ports that the kernel gives to clients: between now and the bind of
		// the peer, no connection takes it.
		port := 10000 + rand.IntN(20000)
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if given.ports[port] || !free(addr) {
			continue
		}
		given.ports[port] = true
		return strconv.Itoa(port)
	}
	t.Fatal("no port is free over both UDP and TCP")
	return ""
}

func free(addr string) bool {
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	udp.Close()
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return tcp.Close() == nil
}
