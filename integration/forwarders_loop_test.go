package integration

import (
	"strings"
	"testing"
)

// loopCorefile is a server whose upstream server is a domain controller. Plugin loop
// works in it.
const loopCorefile = `
.:{$PORT} {
    bind 127.0.0.1
    errors
    loop
    privatelink {
        geo we
        files {$DIR}/*.json
    }
    lru
    upstream . {$UPSTREAM}
}
`

// controller is a DNS server that does not validate.
var controller = frontKind{format: "dnsmasq", program: "dnsmasq", pkg: "dnsmasq-base", configure: func(f *front) string {
	return forwardDnsmasq(f, forwarding{rest: f.to, options: "conf-file=" + f.path("printed")})
}}

// A domain controller that forwards to us, while we forward to it, is a loop for the
// names that we do not serve. Plugin loop does not detect it, forwarders -probe does.
// The served names keep their answers.
func TestForwardersLoop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		printed bool // the controller has the printed forwarders
		loops   int  // parents that -probe reports
	}{
		{"controller without forwarders", false, 0},
		{"controller with forwarders", true, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			controller.need(t)
			port := freePort(t)
			s := prepare(t, loopCorefile)
			s.env["UPSTREAM"] = "127.0.0.1:" + port
			s.write("vault.json", export(vault...))
			s.start()
			f := controller.prepare(t, s, azure(t).Addr, "")
			f.port = port
			if !tt.printed {
				f.write("printed", "")
			}
			f.start(controller)

			_, stderr, status := s.command("forwarders -conf Corefile -format dnsmasq -probe -server " + s.addr(""))
			if n := strings.Count(stderr, ", which is a loop: "); n != tt.loops || (status == 1) != (tt.loops > 0) {
				t.Errorf("status %d, %d loops; want %d\n%s", status, n, tt.loops, stderr)
			}
			if tt.printed {
				f.answers(t, questions[:8])
			}
			if out := s.out.String(); strings.Contains(out, "Loop (") {
				t.Errorf("plugin loop detects it:\n%s", out)
			}
		})
	}
}

// The probe of the script for Windows: a zone with a random name on the controller is
// found by asking us if, and only if, our queries reach the controller.
func TestForwardersProbeOfWindows(t *testing.T) {
	t.Parallel()
	const probe = "loop-probe-7d1f.blob.core.windows.net"
	for _, tt := range []struct {
		name     string
		upstream bool // we forward to the controller
		want     string
	}{
		{"upstream server", true, "NOERROR: TXT \"" + probe + "\""},
		{"not an upstream server", false, "NXDOMAIN:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			controller.need(t)
			s := prepare(t, loopCorefile)
			f := &front{server: &server{t: t, dir: t.TempDir()}, port: freePort(t)}
			_, f.to, _ = strings.Cut(azure(t).Addr, ":")
			f.write("printed", "txt-record="+probe+","+probe+"\n")
			s.env["UPSTREAM"] = "127.0.0.1:" + map[bool]string{true: f.port, false: f.to}[tt.upstream]
			s.write("vault.json", export(vault...))
			f.start(controller)
			s.start()
			r := dig(t, s.addr(""), probe, "TXT")
			r.flags, r.authority, r.ede = nil, nil, ""
			if got := r.String(); got != tt.want {
				t.Errorf("got %s; want %s", got, tt.want)
			}
		})
	}
}
