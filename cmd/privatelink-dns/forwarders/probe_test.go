package forwarders

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// -probe reports a parent for which a server answers no random name, and no other.
func TestProbe(t *testing.T) {
	const loop = "a server that it forwards to is down, or forwards blob.core.windows.net back to it, which is a loop: " +
		"there must be no such forwarder on its upstream servers\n"
	for _, tt := range []struct {
		name  string
		rcode int
		want  string // after the address
	}{
		{"NXDOMAIN", dns.RcodeNameError, ""},
		{"an answer", dns.RcodeSuccess, ""},
		{"SERVFAIL", dns.RcodeServerFailure, ": a random name below blob.core.windows.net is SERVFAIL: " + loop},
		{"REFUSED", dns.RcodeRefused, ": a random name below blob.core.windows.net is REFUSED: ask from an address that its access list allows\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := answering(t, "blob.core.windows.net.", tt.rcode)
			status, stdout, stderr := run(t, serving(".", ""), "-probe -format unbound -server "+addr)
			want := tt.want
			if want != "" {
				want = "warning: -probe: " + addr + want
			}
			if stderr != want || (status == 1) != (want != "") || stdout == "" {
				t.Errorf("status %d, stderr %q; want %q", status, stderr, want)
			}
		})
	}
}

// A server that is not there is reported once: that is not a loop.
func TestProbeWithoutServer(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket.Close()
	addr := socket.LocalAddr().String()
	status, _, stderr := run(t, serving(".", "", "cloud usgov"), "-probe -format unbound -server "+addr)
	want := "warning: -probe: " + addr + ": nothing listens there, or no route leads to it: start privatelink-dns, or name the right address with -server\n"
	if status != 1 || stderr != want {
		t.Errorf("status %d, stderr %s; want %s", status, stderr, want)
	}
}

// answering returns the address of a server with the RCODE for random names below
// parent, and NXDOMAIN for all others.
func answering(t *testing.T, parent string, rcode int) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		name, below := strings.CutSuffix(r.Question[0].Name, "."+parent)
		reply := new(dns.Msg).SetRcode(r, dns.RcodeNameError)
		if below && strings.HasPrefix(name, "loop-probe-") && len(name) > 30 {
			reply.Rcode = rcode
		}
		_ = w.WriteMsg(reply)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return socket.LocalAddr().String()
}
