package privatelink

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/file"
	"github.com/miekg/dns"
)

// A discard ignores replies.
type discard struct{ writer }

var client = &net.UDPAddr{IP: net.IPv4(10, 1, 0, 4), Port: 53000}

func (*discard) WriteMsg(*dns.Msg) error { return nil }
func (*discard) RemoteAddr() net.Addr    { return client }

// questions are the benchmarked queries. For the splice, the reply of the next
// plugin has a chain into a zone.
var questions = []struct{ name, qname, qtype string }{
	{"direct", "account500.privatelink.hard.test.", "A"},
	{"alias", "account500.hard.test.", "A"},
	{"NODATA", "account500.privatelink.hard.test.", "AAAA"},
	{"NXDOMAIN", "no.privatelink.hard.test.", "A"},
	{"splice", "backup.corp.test.", "A"},
	{"foreign", "www.example.org.", "A"},
}

const accounts = 1000

func benchHandler(b testing.TB) plugin.Handler {
	var corefile strings.Builder
	corefile.WriteString("privatelink privatelink.hard.test {\nstrict privatelink.hard.test\n")
	for i := range accounts {
		fmt.Fprintf(&corefile, "record account%d.hard.test 10.0.%d.%d\n", i, i/256, i%256)
	}
	corefile.WriteString("}")
	const chain = "backup.corp.test. CNAME account500.hard.test.; CNAME account500.privatelink.hard.test."
	spliced := parseReply(b, "NOERROR: "+chain+stamp)
	foreign := parseReply(b, "NOERROR: www.example.org. A 192.0.2.1")
	return start(b, corefile.String(), plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if r.Question[0].Name == "backup.corp.test." {
			return dns.RcodeSuccess, w.WriteMsg(spliced)
		}
		return dns.RcodeSuccess, w.WriteMsg(foreign)
	}))
}

// stock returns plugin file with the same names in one zone, and the public names
// as CNAME records. It has no splice.
func stock(b testing.TB) plugin.Handler {
	var text strings.Builder
	text.WriteString("$ORIGIN hard.test.\n@ 60 SOA ns. host. 1 2 3 4 5\n@ 60 NS ns.\n")
	for i := range accounts {
		fmt.Fprintf(&text, "account%d 60 CNAME account%d.privatelink\naccount%d.privatelink 60 A 10.0.%d.%d\n", i, i, i, i/256, i%256)
	}
	zone, err := file.Parse(strings.NewReader(text.String()), "hard.test.", "stdin", 0)
	if err != nil {
		b.Fatal(err)
	}
	return file.File{Zones: file.Zones{Z: map[string]*file.Zone{"hard.test.": zone}, Names: []string{"hard.test."}}}
}

func BenchmarkServeDNS(b *testing.B) {
	for _, server := range []struct {
		name    string
		handler plugin.Handler
	}{{"privatelink", benchHandler(b)}, {"file", stock(b)}} {
		for _, q := range questions {
			if server.name == "file" && !strings.HasSuffix(q.qname, ".hard.test.") {
				continue
			}
			b.Run(q.name+"/"+server.name, func(b *testing.B) {
				r, w := query(q.qname, q.qtype), &discard{}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := server.handler.ServeDNS(b.Context(), w, r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// The name of each row lists the allocations of an answer.
func TestAllocations(t *testing.T) {
	p := benchHandler(t)
	for _, tc := range []struct {
		name, qname, qtype string
		want               float64
	}{
		{"direct: message, A", "account500.privatelink.hard.test.", "A", 2},
		{"direct, in upper case: message, A, lower-case name", "ACCOUNT500.privatelink.hard.test.", "A", 3},
		{"alias: message, CNAME, A", "account500.hard.test.", "A", 3},
		{"NODATA: message, SOA", "account500.privatelink.hard.test.", "AAAA", 2},
		{"NXDOMAIN: message, SOA", "no.privatelink.hard.test.", "A", 2},
		{"splice: splicer, plugin writer of NextOrFailure, message, CNAME, A", "backup.corp.test.", "A", 5},
		{"foreign: splicer, plugin writer of NextOrFailure", "www.example.org.", "A", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, w, c := query(tc.qname, tc.qtype), &discard{}, t.Context()
			if got := testing.AllocsPerRun(100, func() { _, _ = p.ServeDNS(c, w, r) }); got != tc.want {
				t.Errorf("%v allocations; want %v", got, tc.want)
			}
		})
	}
}
