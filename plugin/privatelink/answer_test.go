package privatelink

import (
	"errors"
	"testing"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

// None of these queries reaches the next plugin.
func TestAnswers(t *testing.T) {
	p := start(t, testCorefile, nobody(t))
	for _, tc := range []struct{ name, qname, qtype, want string }{
		{"name in a zone", "b.privatelink.hard.test.", "A", "NOERROR aa: b.privatelink.hard.test. A 10.0.0.3"},
		{"two addresses, one RRset", "a.privatelink.fall.test.", "A", "NOERROR aa: a.privatelink.fall.test. A 10.0.0.1; A 10.0.0.2"},
		{"upper case is echoed", "B.PrivateLink.hard.TEST.", "A", "NOERROR aa: B.PrivateLink.hard.TEST. A 10.0.0.3"},
		{"IPv6", "six.privatelink.fall.test.", "AAAA", "NOERROR aa: six.privatelink.fall.test. AAAA fd00::1"},
		{"A of IPv6 only", "six.privatelink.fall.test.", "A", "NOERROR aa: / privatelink.fall.test. SOA"},
		{"AAAA of IPv4 only", "b.privatelink.hard.test.", "AAAA", "NOERROR aa: / privatelink.hard.test. SOA"},
		{"HTTPS", "b.privatelink.hard.test.", "HTTPS", "NOERROR aa: / privatelink.hard.test. SOA"},
		{"SVCB", "b.privatelink.hard.test.", "SVCB", "NOERROR aa: / privatelink.hard.test. SOA"},
		{"TXT", "b.privatelink.hard.test.", "TXT", "NOERROR aa: / privatelink.hard.test. SOA"},
		{"CNAME of a record", "b.privatelink.hard.test.", "CNAME", "NOERROR aa: / privatelink.hard.test. SOA"},
		{"DS at the apex", "privatelink.hard.test.", "DS", "NOERROR aa: / privatelink.hard.test. SOA"},
		{"ANY", "b.privatelink.hard.test.", "ANY", "NOERROR aa: b.privatelink.hard.test. A 10.0.0.3"},
		{"apex SOA", "privatelink.hard.test.", "SOA", "NOERROR aa: privatelink.hard.test. SOA"},
		{"apex NS", "privatelink.hard.test.", "NS", "NOERROR aa: privatelink.hard.test. NS ns.privatelink-dns.invalid."},
		{"apex A", "privatelink.hard.test.", "A", "NOERROR aa: / privatelink.hard.test. SOA"},
		{"apex of a fallthrough zone", "privatelink.fall.test.", "A", "NOERROR aa: / privatelink.fall.test. SOA"},
		{"empty non-terminal", "sub.privatelink.hard.test.", "A", "NOERROR aa: / privatelink.hard.test. SOA"},
		{"below an empty non-terminal", "deep.sub.privatelink.hard.test.", "A", "NOERROR aa: deep.sub.privatelink.hard.test. A 10.0.0.4"},
		{"missing in a strict zone", "no.privatelink.hard.test.", "A", "NXDOMAIN aa: / privatelink.hard.test. SOA"},
		{"below a record of a strict zone", "x.b.privatelink.hard.test.", "A", "NXDOMAIN aa: / privatelink.hard.test. SOA"},
		{"missing in a Backup zone", "no.privatelink.we.backup.windowsazure.com.", "A", "NXDOMAIN aa: / privatelink.we.backup.windowsazure.com. SOA"},
		{"Backup zone that its record creates", "v.privatelink.we.backup.windowsazure.com.", "A", "NOERROR aa: v.privatelink.we.backup.windowsazure.com. A 10.0.0.6"},
		{"alias", "a.fall.test.", "A", "NOERROR: a.fall.test. CNAME a.privatelink.fall.test.; A 10.0.0.1; A 10.0.0.2"},
		{"alias in upper case", "A.Fall.Test.", "A", "NOERROR: A.Fall.Test. CNAME a.privatelink.fall.test.; A 10.0.0.1; A 10.0.0.2"},
		{"alias, AAAA", "a.fall.test.", "AAAA", "NOERROR: a.fall.test. CNAME a.privatelink.fall.test. / privatelink.fall.test. SOA"},
		{"alias, HTTPS", "a.fall.test.", "HTTPS", "NOERROR: a.fall.test. CNAME a.privatelink.fall.test. / privatelink.fall.test. SOA"},
		{"alias, CNAME", "a.fall.test.", "CNAME", "NOERROR: a.fall.test. CNAME a.privatelink.fall.test."},
		{"alias, ANY", "a.fall.test.", "ANY", "NOERROR: a.fall.test. CNAME a.privatelink.fall.test."},
		{"alias of two labels", "deep.sub.hard.test.", "A", "NOERROR: deep.sub.hard.test. CNAME deep.sub.privatelink.hard.test.; A 10.0.0.4"},
		{"alias of a vault", "v.we.backup.windowsazure.com.", "A", "NOERROR: v.we.backup.windowsazure.com. CNAME v.privatelink.we.backup.windowsazure.com.; A 10.0.0.6"},
		{"DNS zone endpoint", "p.z7.blob.storage.azure.net.", "A", "NOERROR: p.z7.blob.storage.azure.net. CNAME p.privatelink.blob.core.windows.net.; A 10.0.0.5"},
		{"plain alias of a DNS zone endpoint", "p.blob.core.windows.net.", "A", "NOERROR: p.blob.core.windows.net. CNAME p.privatelink.blob.core.windows.net.; A 10.0.0.5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := query(tc.qname, tc.qtype)
			if got := dnstest.Brief(ask(t, p, r)); got != tc.want {
				t.Errorf("%s %s = %s; want %s", tc.qname, tc.qtype, got, tc.want)
			}
		})
	}
}

// Names near the zones and records are passed on.
func TestForeign(t *testing.T) {
	p := start(t, testCorefile, upstream(parseReply(t, "NOERROR: x. A 192.0.2.1")))
	for _, tc := range []struct{ name, qname string }{
		{"missing in a fallthrough zone", "other.privatelink.fall.test."},
		{"below a record of a fallthrough zone", "x.a.privatelink.fall.test."},
		{"parent of a zone", "fall.test."},
		{"public name without a record", "other.fall.test."},
		{"public name of an empty non-terminal", "sub.hard.test."},
		{"public name of a name missing in a strict zone", "no.hard.test."},
		{"other DNS zone of a DNS zone endpoint", "p.z8.blob.storage.azure.net."},
		{"parent of all DNS zone endpoints", "blob.storage.azure.net."},
		{"public service of a region", "pod01-coord1.we.backup.windowsazure.com."},
		{"a geo code without records", "v.privatelink.eus.backup.windowsazure.com."},
		{"label that ends in privatelink", "aprivatelink.fall.test."},
		{"root", "."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, want := dnstest.Brief(ask(t, p, query(tc.qname, "A"))), "NOERROR: x. A 192.0.2.1"; got != want {
				t.Errorf("%s = %s; want %s", tc.qname, got, want)
			}
		})
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name, qname, qtype string
		change             func(*dns.Msg)
		want               string
	}{
		{"NOTIFY for a zone", "privatelink.fall.test.", "SOA", func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }, "NOTIMP"},
		{"NOTIFY for a foreign zone", "example.", "SOA", func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }, "NOTIMP"},
		{"NOTIFY of class CH", "example.", "SOA", func(m *dns.Msg) { m.Opcode, m.Question[0].Qclass = dns.OpcodeNotify, dns.ClassCHAOS }, "NOTIMP"},
		{"UPDATE", "privatelink.fall.test.", "SOA", func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }, "NOTIMP"},
		{"UPDATE of a foreign zone", "example.", "SOA", func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }, "NOTIMP"},
		{"class CH for a zone", "a.privatelink.fall.test.", "TXT", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, "REFUSED"},
		{"class CH for a foreign name", "version.bind.", "TXT", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, "REFUSED"},
		{"class ANY", "a.privatelink.fall.test.", "A", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassANY }, "NOTIMP"},
		{"AXFR", "privatelink.fall.test.", "AXFR", func(*dns.Msg) {}, "REFUSED"},
		{"IXFR", "privatelink.fall.test.", "IXFR", func(*dns.Msg) {}, "REFUSED"},
		{"two OPT records", "a.privatelink.fall.test.", "A", func(m *dns.Msg) { m.SetEdns0(1232, false).SetEdns0(1232, false) }, "FORMERR"},
		{"two OPT records, foreign", "www.example.", "A", func(m *dns.Msg) { m.SetEdns0(1232, false).SetEdns0(1232, false) }, "FORMERR"},
		{"RD=0, name in a zone", "a.privatelink.fall.test.", "A", func(m *dns.Msg) { m.RecursionDesired = false }, "NOERROR"},
		{"RD=0, alias", "a.fall.test.", "A", func(m *dns.Msg) { m.RecursionDesired = false }, "NOERROR"},
		{"RD=0, foreign", "www.example.", "A", func(m *dns.Msg) { m.RecursionDesired = false }, "REFUSED"},
		{"RD=0, missing in a fallthrough zone", "other.privatelink.fall.test.", "A", func(m *dns.Msg) { m.RecursionDesired = false }, "REFUSED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := start(t, testCorefile, nobody(t))
			r := query(tc.qname, tc.qtype)
			tc.change(r)
			if got := dns.RcodeToString[ask(t, p, r).Rcode]; got != tc.want {
				t.Errorf("%s; want %s", got, tc.want)
			}
		})
	}
}

func TestWithoutNextPlugin(t *testing.T) {
	p := start(t, testCorefile, nil)
	for _, tc := range []struct{ name, qname, want string }{
		{"name in a zone, and RA is clear", "b.privatelink.hard.test.", "NOERROR aa no-ra: b.privatelink.hard.test. A 10.0.0.3"},
		{"foreign", "www.example.", "REFUSED no-ra:"},
		{"missing in a fallthrough zone", "other.privatelink.fall.test.", "REFUSED no-ra:"},
	} {
		if got := dnstest.Brief(ask(t, p, query(tc.qname, "A"))); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.name, got, tc.want)
		}
	}
}

func TestHeaderOfAnswers(t *testing.T) {
	p := start(t, testCorefile, nobody(t))
	r := query("no.privatelink.hard.test.", "A")
	r.CheckingDisabled = true
	m := ask(t, p, r)
	if m.Id != r.Id || !m.RecursionDesired || !m.CheckingDisabled || !m.Response || m.AuthenticatedData {
		t.Errorf("header = %+v", m.MsgHdr)
	}
	if soa := m.Ns[0].(*dns.SOA); soa.Hdr.Ttl != negativeTTL || soa.Minttl != negativeTTL {
		t.Errorf("SOA TTL %d, MINIMUM %d; want %d for both", soa.Hdr.Ttl, soa.Minttl, negativeTTL)
	}
	if ttl := ask(t, p, query("a.fall.test.", "A")).Answer[1].Header().Ttl; ttl != 60 {
		t.Errorf("TTL %d; want the default of 60", ttl)
	}
}

// If a reply does not fit into a datagram of the size that the client allows,
// ServeDNS returns SERVFAIL, and the server sends it.
func TestReplyThatCannotBeWritten(t *testing.T) {
	p := start(t, testCorefile, nobody(t))
	rcode, err := p.ServeDNS(t.Context(), &failing{}, query("a.fall.test.", "A"))
	if rcode != dns.RcodeServerFailure || !errors.Is(err, errTooLong) {
		t.Errorf("ServeDNS = %s, %v; want SERVFAIL, %v", dns.RcodeToString[rcode], err, errTooLong)
	}
}

type failing struct{ test.ResponseWriter }

var errTooLong = errors.New("message too long")

func (*failing) WriteMsg(*dns.Msg) error { return errTooLong }
