package fakedns

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const zone = `
$TTL 60
core.example.              SOA   ns.core.example. mail.core.example. 1 3600 300 86400 60
a.core.example.            CNAME b.core.example.
b.core.example.            CNAME x.y.store.example.
x.y.store.example.         A     192.0.2.1
dead.core.example.         CNAME gone.core.example.
loop.core.example.         CNAME end.core.example.
end.core.example.          CNAME loop.core.example.
failing.core.example.      A     192.0.2.2
turned.core.example.       CNAME b.core.example.
cut.core.example.          CNAME b.core.example.
`

func TestAnswers(t *testing.T) {
	s := New(t, zone)
	s.Script("Failing.core.example", Rcode(dns.RcodeServerFailure))
	s.Script("turned.core.example", Unordered)
	s.Script("cut.core.example", Truncated)
	for _, tt := range []struct {
		name  string
		qname string
		qtype uint16
		want  string // RCODE, TC, owners of the answer, owner of the SOA
	}{
		{"whole chain", "a.core.example.", dns.TypeA, "NOERROR [a.core.example. b.core.example. x.y.store.example.] []"},
		{"case is echoed", "B.core.EXAMPLE.", dns.TypeA, "NOERROR [B.core.EXAMPLE. x.y.store.example.] []"},
		{"CNAME alone", "a.core.example.", dns.TypeCNAME, "NOERROR [a.core.example.] []"},
		{"NODATA behind a chain, no zone", "a.core.example.", dns.TypeAAAA, "NOERROR [a.core.example. b.core.example.] []"},
		{"NODATA with SOA", "core.example.", dns.TypeMX, "NOERROR [] [core.example.]"},
		{"RCODE", "failing.core.example.", dns.TypeA, "SERVFAIL [] []"},
		{"loop", "loop.core.example.", dns.TypeA, "NOERROR [loop.core.example. end.core.example.] []"},
		{"NXDOMAIN", "no.core.example.", dns.TypeA, "NXDOMAIN [] [core.example.]"},
		{"NXDOMAIN behind a chain", "dead.core.example.", dns.TypeA, "NXDOMAIN [dead.core.example.] [core.example.]"},
		{"empty non-terminal", "y.store.example.", dns.TypeA, "NOERROR [] []"},
		{"unordered", "turned.core.example.", dns.TypeA, "NOERROR [x.y.store.example. b.core.example. turned.core.example.] []"},
		{"truncated", "cut.core.example.", dns.TypeA, "NOERROR TC [cut.core.example.] []"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tt.name+"/"+network, func(t *testing.T) {
				r := new(dns.Msg).SetQuestion(tt.qname, tt.qtype).SetEdns0(4096, true)
				m, _, err := (&dns.Client{Net: network}).Exchange(r, s.Addr)
				if err != nil {
					t.Fatal(err)
				}
				if got := summary(m); got != tt.want {
					t.Errorf("%s %s = %s; want %s", tt.qname, dns.TypeToString[tt.qtype], got, tt.want)
				}
				if opt := m.IsEdns0(); opt == nil || !opt.Do() {
					t.Errorf("%s: EDNS is not echoed", tt.qname)
				}
			})
		}
	}
	if got := s.Asked("A.core.example"); got != 6 {
		t.Errorf("Asked = %d; want 6", got)
	}
}

func summary(m *dns.Msg) string {
	tc := ""
	if m.Truncated {
		tc = " TC"
	}
	return fmt.Sprintf("%s%s %v %v", dns.RcodeToString[m.Rcode], tc, owners(m.Answer), owners(m.Ns))
}

func owners(rrs []dns.RR) (names []string) {
	for _, rr := range rrs {
		names = append(names, rr.Header().Name)
	}
	return names
}

func TestSilenceAndClose(t *testing.T) {
	s := New(t, zone)
	s.Script("a.core.example", Silent)
	client := &dns.Client{Timeout: 50 * time.Millisecond}
	r := new(dns.Msg).SetQuestion("a.core.example.", dns.TypeA)
	if m, _, err := client.Exchange(r, s.Addr); err == nil {
		t.Errorf("silent name = %v; want no answer", m)
	}
	s.Script("a.core.example", nil)
	if _, err := dns.Exchange(r, s.Addr); err != nil {
		t.Errorf("without script: %v", err)
	}
	s.Close()
	if _, err := dns.Exchange(r, s.Addr); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("closed server: %v; want refused", err)
	}
}

// A script for all names is behind those of single names, and may wait or lie.
func TestRest(t *testing.T) {
	s := New(t, zone)
	lie, err := dns.NewRR(". 86400 A 203.0.113.66")
	if err != nil {
		t.Fatal(err)
	}
	s.Script("failing.core.example", Rcode(dns.RcodeServerFailure))
	for _, tt := range []struct {
		name, qname string
		rest        Script
		qtype       uint16
		want        string
	}{
		{"RCODE for a name", "x.y.store.example.", Rcode(dns.RcodeRefused), dns.TypeA, "REFUSED [] []"},
		{"name with a script", "failing.core.example.", Rcode(dns.RcodeRefused), dns.TypeA, "SERVFAIL [] []"},
		{"lie", "gone.example.", Lies(lie), dns.TypeA, "NOERROR [gone.example.] []"},
		{"lie, other type", "x.y.store.example.", Lies(lie), dns.TypeAAAA, "NOERROR [] []"},
		{"slow", "x.y.store.example.", Slow(time.Millisecond), dns.TypeA, "NOERROR [x.y.store.example.] []"},
		{"none", "x.y.store.example.", nil, dns.TypeA, "NOERROR [x.y.store.example.] []"},
	} {
		s.Rest(tt.rest)
		m, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion(tt.qname, tt.qtype), s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := summary(m); got != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
	if n := s.Total(); n != 6 {
		t.Errorf("Total = %d; want 6", n)
	}
}
