package privatelink

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// reverseCorefile has an address with three names, of two zones, and a wildcard.
const reverseCorefile = `privatelink privatelink.fall.test privatelink.hard.test {
	strict privatelink.hard.test
	record b.fall.test 10.0.0.1 fd00::1
	record a.privatelink.hard.test 10.0.0.1
	record a.fall.test 10.0.0.1 10.0.0.2
	record *.wild.fall.test 10.0.0.3
	ptr
}`

const (
	reverse1 = "1.0.0.10.in-addr.arpa."
	reverse2 = "2.0.0.10.in-addr.arpa."
	reverse4 = "4.0.0.10.in-addr.arpa."
	reverse6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa."
)

// elsewhere answers every query with a name of another server.
func elsewhere(t testing.TB) plugin.Handler {
	return upstream(parseReply(t, "NOERROR: "+reverse4+" PTR host.corp.test."))
}

func TestReverse(t *testing.T) {
	p := start(t, reverseCorefile, elsewhere(t))
	foreign := "NOERROR: " + reverse4 + " PTR host.corp.test."
	for _, tc := range []struct{ name, qname, qtype, want string }{
		{"one name", reverse2, "PTR", "NOERROR: " + reverse2 + " PTR a.privatelink.fall.test."},
		{"several names, sorted", reverse1, "PTR", "NOERROR: " + reverse1 + " PTR a.privatelink.fall.test.; PTR a.privatelink.hard.test.; PTR b.privatelink.fall.test."},
		{"IPv6", reverse6, "PTR", "NOERROR: " + reverse6 + " PTR b.privatelink.fall.test."},
		{"the owner name is spelled as in the query", "2.0.0.10.IN-ADDR.arpa.", "PTR", "NOERROR: 2.0.0.10.IN-ADDR.arpa. PTR a.privatelink.fall.test."},
		{"ANY", reverse2, "ANY", "NOERROR: " + reverse2 + " PTR a.privatelink.fall.test."},
		{"another type is NODATA", reverse2, "A", "NOERROR: / " + reverse2 + " SOA"},
		{"SOA is NODATA", reverse2, "SOA", "NOERROR: / " + reverse2 + " SOA"},
		{"an address that is not served", reverse4, "PTR", foreign},
		{"the address of a wildcard", "3.0.0.10.in-addr.arpa.", "PTR", foreign},
		{"a network", "0.0.10.in-addr.arpa.", "PTR", foreign},
	} {
		if got := dnstest.Brief(ask(t, p, query(tc.qname, tc.qtype))); got != tc.want {
			t.Errorf("%s: %s %s\n got %s\nwant %s", tc.name, tc.qname, tc.qtype, got, tc.want)
		}
	}
}

// Without ptr, all reverse queries go to the next plugin.
func TestReverseIsOffByDefault(t *testing.T) {
	p := start(t, strings.Replace(reverseCorefile, "\tptr\n", "", 1), elsewhere(t))
	if got, want := dnstest.Brief(ask(t, p, query(reverse1, "PTR"))), "NOERROR: "+reverse4+" PTR host.corp.test."; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

// The rules for requests that are no plain queries hold for reverse names as well.
func TestReverseRefusals(t *testing.T) {
	p := start(t, reverseCorefile, nobody(t))
	for _, tc := range []struct {
		name, qname string
		change      func(*dns.Msg)
		want        string
	}{
		{"without RD", reverse2, func(r *dns.Msg) { r.RecursionDesired = false }, "NOERROR: " + reverse2 + " PTR a.privatelink.fall.test."},
		{"without RD, not served", reverse4, func(r *dns.Msg) { r.RecursionDesired = false }, "REFUSED no-ra:"},
		{"class CHAOS", reverse2, func(r *dns.Msg) { r.Question[0].Qclass = dns.ClassCHAOS }, "REFUSED no-ra:"},
		{"transfer", reverse2, func(r *dns.Msg) { r.Question[0].Qtype = dns.TypeAXFR }, "REFUSED no-ra:"},
		{"NOTIFY", reverse2, func(r *dns.Msg) { r.Opcode = dns.OpcodeNotify }, "NOTIMP no-ra:"},
		{"UPDATE", reverse2, func(r *dns.Msg) { r.Opcode = dns.OpcodeUpdate }, "NOTIMP no-ra:"},
	} {
		r := query(tc.qname, "PTR")
		tc.change(r)
		if got := dnstest.Brief(ask(t, p, r)); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.name, got, tc.want)
		}
	}
}

// A source that is not read yet may have the address. The query is passed on: no public
// answer can harm, and all reverse queries of a network would fail otherwise.
func TestReverseBeforeComplete(t *testing.T) {
	p := start(t, "privatelink {\nrecord a.blob.core.windows.net 10.0.0.1\nfiles missing.json\nptr\n}", elsewhere(t))
	for qname, want := range map[string]string{
		reverse1: "NOERROR: " + reverse1 + " PTR a.privatelink.blob.core.windows.net.",
		reverse2: "NOERROR: " + reverse4 + " PTR host.corp.test.",
	} {
		if got := dnstest.Brief(ask(t, p, query(qname, "PTR"))); got != want {
			t.Errorf("%s: %s; want %s", qname, got, want)
		}
	}
}

// Records of reverse names that are answered here are not passed on, and a chain to one
// ends with the local names (RFC 2317).
func TestReverseSplice(t *testing.T) {
	const delegated = "2.0-25.0.0.10.in-addr.arpa."
	for _, tc := range []struct{ name, qname, upstream, want string }{
		{"chain", delegated, delegated + " CNAME " + reverse2 + "; PTR public.test.", "NOERROR: " + delegated + " CNAME " + reverse2 + "; PTR a.privatelink.fall.test."},
		{"stray record", reverse4, reverse4 + " PTR host.corp.test.; " + reverse2 + " PTR public.test.", "NOERROR: " + reverse4 + " PTR host.corp.test."},
	} {
		p := start(t, reverseCorefile, upstream(parseReply(t, "NOERROR: "+tc.upstream)))
		if got := dnstest.Brief(ask(t, p, query(tc.qname, "PTR"))); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

// The names follow the records, and each is resolved to the address again.
func TestReverseServer(t *testing.T) {
	instance := serve(t, reverseCorefile+"\nforward . "+upstreamServer(t)+" {\nprefer_udp\n}")
	for _, network := range []string{"udp", "tcp"} {
		m := sendQuery(t, instance, network, query(reverse1, "PTR"))
		if len(m.Answer) != 3 || m.Authoritative || !m.RecursionAvailable || m.Answer[0].Header().Ttl != 60 {
			t.Errorf("%s: %v", network, m)
		}
		for _, rr := range m.Answer {
			name := rr.(*dns.PTR).Ptr
			if got := dnstest.Brief(sendQuery(t, instance, network, query(name, "A"))); !strings.Contains(got, " A 10.0.0.1") {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
	instance = reload(t, instance, strings.Replace(reverseCorefile, "record a.privatelink.hard.test 10.0.0.1", "record a.privatelink.hard.test 10.0.0.2", 1))
	if got, want := dnstest.Brief(sendQuery(t, instance, "udp", query(reverse2, "PTR"))),
		"NOERROR no-ra: "+reverse2+" PTR a.privatelink.fall.test.; PTR a.privatelink.hard.test."; got != want {
		t.Errorf("after a reload: %s; want %s", got, want)
	}
}

// A server block for a network receives its reverse queries.
func TestReverseOfANetwork(t *testing.T) {
	blocks, err := Blocks(input(reverseCorefile + "\n}\n10.0.0.0/8:0 {\nbind 127.0.0.1\n" + reverseCorefile))
	if err != nil || len(blocks) != 2 || !slices.Equal(blocks[1].Origins, []dnsname.Name{"10.in-addr.arpa."}) || !blocks[1].Zones.PTR {
		t.Errorf("%v, %v", blocks, err)
	}
}

// The fast path leaves reverse queries to the chain.
func TestReverseIsNotFast(t *testing.T) {
	p := start(t, reverseCorefile, plugin.HandlerFunc(func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return 0, nil }))
	if p.FastPath(nil).Respond(&fastpath.Query{Name: reverse1, Type: dns.TypePTR}) {
		t.Error("the fast path answers")
	}
}
