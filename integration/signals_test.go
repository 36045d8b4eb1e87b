package integration

import (
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const (
	firstRecord  = "r1.blob.core.windows.net 10.20.9.1"
	secondRecord = "r2.blob.core.windows.net 10.20.9.2"
	thirdRecord  = "r3.blob.core.windows.net 10.20.9.3"
)

// Plugin reload sees a changed Corefile after a reload by SIGUSR1 as before it,
// whether that reload succeeded or failed. caddy's own handler of the signal
// removes its event hook for good.
func TestPluginReloadAfterSIGUSR1(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, second, line string }{
		{"good Corefile", reloading(secondRecord), "Reloading complete"},
		{"Corefile with an error", strings.Replace(reloading(secondRecord), "geo we", "geo westeurope", 1), `\[ERROR\] plugin/lifecycle: SIGUSR1: the running Corefile stays in force: `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := serve(t, reloading(firstRecord))
			s.logs("c0ffee") // the start is complete
			s.write("Corefile", tt.second)
			s.signal(t, syscall.SIGUSR1)
			s.logs(tt.line)
			s.write("Corefile", reloading(thirdRecord)) // and no signal
			s.becomes("r3.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.9.3")
		})
	}
}

// SIGUSR1 reloads as often as it is sent.
func TestSIGUSR1Again(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	s.logs("c0ffee")
	for _, record := range []string{firstRecord, secondRecord, thirdRecord} {
		name, addr, _ := strings.Cut(record, " ")
		s.write("Corefile", strings.Replace(corefile(), "geo we", "geo we\n        record "+record, 1))
		s.signal(t, syscall.SIGUSR1)
		s.becomes(strings.Replace(name, ".blob", ".privatelink.blob", 1), "NOERROR aa ra: A "+addr)
	}
}

// caddy starts a second process at SIGUSR2 and ends the first one, and with it the
// service of systemd, which knows the first one.
func TestSIGUSR2IsIgnored(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	s.logs("c0ffee")
	s.signal(t, syscall.SIGUSR2)
	s.logs(`\[WARNING\] plugin/lifecycle: SIGUSR2 is ignored: restart the service to run another binary`)
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	if s.ended() || strings.Contains(s.out.String(), "Upgrad") {
		t.Errorf("the process has ended, or an upgrade began\n%s", s.out.String())
	}
}

// takenPort is one that a program without SO_REUSEPORT listens on.
func takenPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// Without /ready a load balancer would never send a query, and nobody would know
// why. The start fails, as it does for plugin health.
func TestReadyOnATakenPort(t *testing.T) {
	t.Parallel()
	taken := takenPort(t)
	s := prepare(t, corefile("ready "+taken))
	s.env["UPSTREAM"] = "127.0.0.1:1"
	s.write("vault.json", export(vault...))
	out, err := s.program().CombinedOutput()
	want := "ready: listen tcp " + taken + ": bind: address already in use: end the other program or write another address"
	if _, failed := err.(*exec.ExitError); !failed || !strings.Contains(string(out), want) {
		t.Errorf("%v\n%s\nwant an error with %s", err, out, want)
	}
}

// A reload to a taken port changes nothing, /ready included.
func TestReloadToATakenReadyPort(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile("ready 127.0.0.1:{$PORT_READY}"))
	s.logs("c0ffee")
	s.write("Corefile", corefile("ready "+takenPort(t)))
	s.signal(t, syscall.SIGUSR1)
	s.logs(`SIGUSR1: the running Corefile stays in force: .*ready: listen tcp .*: address already in use`)
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	eventually(t, "ready", func() bool { return s.ready() == http.StatusOK })
	s.write("Corefile", corefile("ready 127.0.0.1:{$PORT_READY}", "any")) // its own port is not taken
	s.signal(t, syscall.SIGUSR1)
	s.logs(`Reloading complete`)
	eventually(t, "ready", func() bool { return s.ready() == http.StatusOK })
}
