package upstream

import (
	golog "log"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

const hub, hub2, provider = "192.0.2.1:53", "192.0.2.2:53", "198.51.100.1:53"

// The reply to one query at one upstream, and its time.
func TestOneQuery(t *testing.T) {
	for _, tc := range []struct {
		name string
		host *host
		want string
		udp  int // attempts
	}{
		{"fast", &host{delay: 10 * time.Millisecond, answer: records(1)}, "NOERROR 1 after 10ms", 1},
		{"1.5 s", &host{delay: 1500 * time.Millisecond, answer: records(1)}, "NOERROR 1 after 1.5s", 3},
		{"1.9 s", &host{delay: 1900 * time.Millisecond, answer: records(1)}, "NOERROR 1 after 1.9s", 3},
		{"3 s", &host{delay: 3 * time.Second, answer: records(1)}, "NOERROR 1 after 3s", 3},
		{"silent", &host{}, "SERVFAIL EDE 22 after 4s", 3},
		{"port closed", &host{refuse: true}, "SERVFAIL EDE 23 after 1.2s", 0},
		{"SERVFAIL", &host{answer: rcode(dns.RcodeServerFailure)}, "SERVFAIL after 0s", 1},
		{"NXDOMAIN", &host{answer: rcode(dns.RcodeNameError)}, "NXDOMAIN after 0s", 1},
		{"FORMERR to EDNS", &host{answer: noEDNS(dns.RcodeFormatError, true)}, "NOERROR 1 after 0s", 2},
		{"FORMERR to EDNS without question", &host{answer: noEDNS(dns.RcodeFormatError, false)}, "NOERROR 1 after 0s", 2},
		{"NOTIMP to EDNS", &host{answer: noEDNS(dns.RcodeNotImplemented, true)}, "NOERROR 1 after 0s", 2},
		{"FORMERR to everything", &host{answer: rcode(dns.RcodeFormatError)}, "SERVFAIL EDE 24 after 0s", 2},
		{"truncated", &host{answer: records(30)}, "NOERROR 30 after 0s", 1},
		{"truncated over TCP as well", &host{answer: truncated}, "SERVFAIL EDE 24 after 0s", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := tc.host
			u := start(t, fakeNetwork{hub: h}, nil, hub)
			defer end(u)
			got := lookup(t, u, "www.example.")
			if got != tc.want {
				t.Errorf("%s: %s; want %s", tc.name, got, tc.want)
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			n := 0
			for _, asked := range h.asked {
				if asked == "udp www.example." {
					n++
				}
			}
			if tc.udp != 0 && n < tc.udp {
				t.Errorf("%s: %d attempts; want %d", tc.name, n, tc.udp)
			}
		})
	}
}

func truncated(r *dns.Msg) *dns.Msg {
	m := records(1)(r)
	m.Truncated = true
	return m
}

// The log line for Azure's resolver has the likely cause.
func TestDownLine(t *testing.T) {
	for _, tc := range []struct{ to, want string }{
		{"168.63.129.16", "Upstream 168.63.129.16:53 is down: no response (it answers inside Azure only)\n"},
		{"::ffff:168.63.129.16", "is down: no response (it answers inside Azure only)\n"},
		{"tls://168.63.129.16", "Upstream tls://168.63.129.16:853 is down: no response (it answers inside Azure only)\n"},
		{"192.0.2.1", "Upstream 192.0.2.1:53 is down: no response\n"},
	} {
		var lines strings.Builder
		golog.SetOutput(&lines)
		u := start(t, nil, nil, tc.to)
		u.servers[0].reportDown("no response")
		u.close()
		golog.SetOutput(os.Stderr)
		if got, _, _ := strings.Cut(lines.String(), "\n"); !strings.HasSuffix(got+"\n", tc.want) {
			t.Errorf("%s: %q; want %q at the end", tc.to, got, tc.want)
		}
	}
}
