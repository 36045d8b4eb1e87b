package privatelink

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

const (
	soaTest = "test. 300 SOA ns.test. host.test. 1 2 3 4 300"
	// The response of a public DNS server for a storage account with a private endpoint.
	publicTail = "a.privatelink.fall.test. 60 CNAME blob.stamp.test.; blob.stamp.test. 60 A 198.51.100.1"
)

// links returns n links of a chain c1, c2, … that ends at target.
func links(n int, target string) string {
	var all []string
	for i := range n {
		next := fmt.Sprintf("c%d.test.", i+2)
		if i == n-1 {
			next = target
		}
		all = append(all, fmt.Sprintf("c%d.test. 60 CNAME %s", i+1, next))
	}
	return strings.Join(all, "; ")
}

func TestSplice(t *testing.T) {
	for _, tc := range []struct{ name, qname, qtype, upstream, want string }{
		// the end of the chain: exists, empty non-terminal, absent, alias
		{"chain to a record", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME a.privatelink.fall.test.; " + publicTail, "NOERROR: c1.test. CNAME a.privatelink.fall.test.; a.privatelink.fall.test. A 10.0.0.1; a.privatelink.fall.test. A 10.0.0.2"},
		{"chain to an alias", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME a.fall.test.; a.fall.test. 60 CNAME a.privatelink.fall.test.; " + publicTail, "NOERROR: c1.test. CNAME a.fall.test.; a.fall.test. CNAME a.privatelink.fall.test.; a.privatelink.fall.test. A 10.0.0.1; a.privatelink.fall.test. A 10.0.0.2"},
		{"chain to a DNS zone endpoint", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME p.z7.blob.storage.azure.net.; p.z7.blob.storage.azure.net. 60 A 198.51.100.1", "NOERROR: c1.test. CNAME p.z7.blob.storage.azure.net.; p.z7.blob.storage.azure.net. CNAME p.privatelink.blob.core.windows.net.; p.privatelink.blob.core.windows.net. A 10.0.0.5"},
		{"chain of two links", "c1.test.", "A", "NOERROR: " + links(2, "a.privatelink.fall.test.") + "; " + publicTail, "NOERROR: c1.test. CNAME c2.test.; c2.test. CNAME a.privatelink.fall.test.; a.privatelink.fall.test. A 10.0.0.1; a.privatelink.fall.test. A 10.0.0.2"},
		{"chain to an empty non-terminal", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME sub.privatelink.hard.test.; sub.privatelink.hard.test. 60 A 198.51.100.1", "NOERROR: c1.test. CNAME sub.privatelink.hard.test. / SOA privatelink.hard.test."},
		{"chain to an apex", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME privatelink.hard.test.; privatelink.hard.test. 60 A 198.51.100.1", "NOERROR: c1.test. CNAME privatelink.hard.test. / SOA privatelink.hard.test."},
		{"chain to a name that a strict zone lacks", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME no.privatelink.hard.test.; no.privatelink.hard.test. 60 A 198.51.100.1", "NXDOMAIN: c1.test. CNAME no.privatelink.hard.test. / SOA privatelink.hard.test."},
		{"chain to a name that a fallthrough zone lacks", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME no.privatelink.fall.test.; no.privatelink.fall.test. 60 A 198.51.100.1", "NOERROR: c1.test. CNAME no.privatelink.fall.test.; no.privatelink.fall.test. A 198.51.100.1"},
		{"through a fallthrough zone into a strict one", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME no.privatelink.fall.test.; no.privatelink.fall.test. 60 CNAME b.privatelink.hard.test.; b.privatelink.hard.test. 60 A 198.51.100.1", "NOERROR: c1.test. CNAME no.privatelink.fall.test.; no.privatelink.fall.test. CNAME b.privatelink.hard.test.; b.privatelink.hard.test. A 10.0.0.3"},
		{"two zones in one chain, the first wins", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME a.privatelink.fall.test.; a.privatelink.fall.test. 60 CNAME b.privatelink.hard.test.; b.privatelink.hard.test. 60 A 198.51.100.1", "NOERROR: c1.test. CNAME a.privatelink.fall.test.; a.privatelink.fall.test. A 10.0.0.1; a.privatelink.fall.test. A 10.0.0.2"},
		{"another tenant's account, from a fallthrough zone", "no.privatelink.fall.test.", "A", "NOERROR: no.privatelink.fall.test. 60 CNAME blob.stamp.test.; blob.stamp.test. 60 A 198.51.100.1", "NOERROR: no.privatelink.fall.test. CNAME blob.stamp.test.; blob.stamp.test. A 198.51.100.1"},
		{"another tenant's account, public name", "no.fall.test.", "A", "NOERROR: no.fall.test. 60 CNAME no.privatelink.fall.test.; no.privatelink.fall.test. 60 A 198.51.100.1", "NOERROR: no.fall.test. CNAME no.privatelink.fall.test.; no.privatelink.fall.test. A 198.51.100.1"},
		// types
		{"AAAA: no public address leaks", "c1.test.", "AAAA", "NOERROR: c1.test. 60 CNAME a.privatelink.fall.test.; a.privatelink.fall.test. 60 AAAA 2001:db8::1", "NOERROR: c1.test. CNAME a.privatelink.fall.test. / SOA privatelink.fall.test."},
		{"AAAA of a record that has one", "c1.test.", "AAAA", "NOERROR: c1.test. 60 CNAME six.fall.test.; six.fall.test. 60 AAAA 2001:db8::1", "NOERROR: c1.test. CNAME six.fall.test.; six.fall.test. CNAME six.privatelink.fall.test.; six.privatelink.fall.test. AAAA fd00::1"},
		{"HTTPS: no hint leaks", "c1.test.", "HTTPS", "NOERROR: c1.test. 60 CNAME a.privatelink.fall.test.; a.privatelink.fall.test. 60 HTTPS 1 . ipv4hint=198.51.100.1", "NOERROR: c1.test. CNAME a.privatelink.fall.test. / SOA privatelink.fall.test."},
		{"TXT", "c1.test.", "TXT", "NOERROR: c1.test. 60 CNAME a.privatelink.fall.test.; a.privatelink.fall.test. 60 TXT x", "NOERROR: c1.test. CNAME a.privatelink.fall.test. / SOA privatelink.fall.test."},
		{"CNAME asked: the chain is not followed", "c1.test.", "CNAME", "NOERROR: c1.test. 60 CNAME a.privatelink.fall.test.", "NOERROR: c1.test. CNAME a.privatelink.fall.test."},
		{"chain without its end, NODATA upstream", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME a.fall.test. / " + soaTest, "NOERROR: c1.test. CNAME a.fall.test.; a.fall.test. CNAME a.privatelink.fall.test.; a.privatelink.fall.test. A 10.0.0.1; a.privatelink.fall.test. A 10.0.0.2"},
		// the shape of the reply
		{"unordered answer section", "c1.test.", "A", "NOERROR: blob.stamp.test. 60 A 198.51.100.1; c2.test. 60 CNAME a.privatelink.fall.test.; a.privatelink.fall.test. 60 CNAME blob.stamp.test.; c1.test. 60 CNAME c2.test.", "NOERROR: c1.test. CNAME c2.test.; c2.test. CNAME a.privatelink.fall.test.; a.privatelink.fall.test. A 10.0.0.1; a.privatelink.fall.test. A 10.0.0.2"},
		{"upper case in the chain", "C1.test.", "A", "NOERROR: c1.TEST. 60 CNAME A.PrivateLink.Fall.Test.; A.PrivateLink.Fall.Test. 60 A 198.51.100.1", "NOERROR: C1.test. CNAME A.PrivateLink.Fall.Test.; A.PrivateLink.Fall.Test. A 10.0.0.1; A.PrivateLink.Fall.Test. A 10.0.0.2"},
		{"16 links", "c1.test.", "A", "NOERROR: " + links(16, "b.privatelink.hard.test."), "NOERROR: " + plain(links(16, "b.privatelink.hard.test.")) + "; b.privatelink.hard.test. A 10.0.0.3"},
		{"17 links pass, but nothing of ours or behind it", "c1.test.", "A", "NOERROR: " + links(17, "a.privatelink.fall.test.") + "; " + publicTail, "NOERROR: " + plain(links(17, "a.privatelink.fall.test."))},
		{"17 links of others pass untouched", "c1.test.", "A", "NOERROR: " + links(17, "x.test.") + "; x.test. 60 A 198.51.100.1", "NOERROR: " + plain(links(17, "x.test.")) + "; x.test. A 198.51.100.1"},
		{"loop passes untouched", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME c2.test.; c2.test. 60 CNAME c1.test.", "NOERROR: c1.test. CNAME c2.test.; c2.test. CNAME c1.test."},
		{"loop through our name ends there", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME b.hard.test.; b.hard.test. 60 CNAME c1.test.", "NOERROR: c1.test. CNAME b.hard.test.; b.hard.test. CNAME b.privatelink.hard.test.; b.privatelink.hard.test. A 10.0.0.3"},
		{"DNAME: the CNAME under it leads here", "c1.old.test.", "A", "NOERROR: old.test. 60 DNAME privatelink.hard.test.; c1.old.test. 60 CNAME b.privatelink.hard.test.; b.privatelink.hard.test. 60 A 198.51.100.1", "NOERROR: c1.old.test. CNAME b.privatelink.hard.test.; b.privatelink.hard.test. A 10.0.0.3"},
		// RCODEs and flags
		{"NXDOMAIN with a chain to a record", "c1.test.", "A", "NXDOMAIN: c1.test. 60 CNAME b.privatelink.hard.test. / " + soaTest, "NOERROR: c1.test. CNAME b.privatelink.hard.test.; b.privatelink.hard.test. A 10.0.0.3"},
		{"NXDOMAIN of a foreign name", "c1.test.", "A", "NXDOMAIN: / " + soaTest, "NXDOMAIN: / SOA test."},
		{"SERVFAIL passes", "c1.test.", "A", "SERVFAIL:", "SERVFAIL:"},
		{"SERVFAIL with a chain loses the local records", "c1.test.", "A", "SERVFAIL: c1.test. 60 CNAME a.privatelink.fall.test.; " + publicTail, "SERVFAIL: c1.test. CNAME a.privatelink.fall.test."},
		{"REFUSED passes", "c1.test.", "A", "REFUSED:", "REFUSED:"},
		{"truncated, and our data decides", "c1.test.", "A", "NOERROR tc: c1.test. 60 CNAME b.privatelink.hard.test.", "NOERROR: c1.test. CNAME b.privatelink.hard.test.; b.privatelink.hard.test. A 10.0.0.3"},
		{"truncated before it leads to us", "c1.test.", "A", "NOERROR tc: c1.test. 60 CNAME c2.test.", "NOERROR tc: c1.test. CNAME c2.test."},
		{"AD and AA are not ours to give", "c1.test.", "A", "NOERROR aa ad: c1.test. 60 CNAME b.privatelink.hard.test.", "NOERROR: c1.test. CNAME b.privatelink.hard.test.; b.privatelink.hard.test. A 10.0.0.3"},
		{"signatures end at the splice", "c1.test.", "A", "NOERROR ad: c1.test. 60 CNAME b.privatelink.hard.test.; c1.test. 60 RRSIG CNAME 8 2 60 20300101000000 20200101000000 1 test. AAAA", "NOERROR: c1.test. CNAME b.privatelink.hard.test.; b.privatelink.hard.test. A 10.0.0.3"},
		{"upstream's authority and additional are dropped", "c1.test.", "A", "NOERROR: c1.test. 60 CNAME b.privatelink.hard.test. / hard.test. 60 NS ns.evil.test. / ns.evil.test. 60 A 198.51.100.1", "NOERROR: c1.test. CNAME b.privatelink.hard.test.; b.privatelink.hard.test. A 10.0.0.3"},
		// forged or stray records of our names, below another question
		{"stray record in the answer", "c1.test.", "A", "NOERROR: c1.test. 60 A 192.0.2.1; b.privatelink.hard.test. 60 A 198.51.100.1", "NOERROR: c1.test. A 192.0.2.1"},
		{"stray alias in the answer", "c1.test.", "A", "NOERROR: c1.test. 60 A 192.0.2.1; a.fall.test. 60 A 198.51.100.1", "NOERROR: c1.test. A 192.0.2.1"},
		{"missing name of a strict zone in the answer", "c1.test.", "A", "NOERROR: c1.test. 60 A 192.0.2.1; no.privatelink.hard.test. 60 A 198.51.100.1", "NOERROR: c1.test. A 192.0.2.1"},
		{"stray record in the additional section", "c1.test.", "MX", "NOERROR: c1.test. 60 MX 1 a.fall.test. / / a.fall.test. 60 A 198.51.100.1; mx.test. 60 A 192.0.2.1", "NOERROR: c1.test. MX 1 a.fall.test. / mx.test. A 192.0.2.1"},
		{"NS records for our zone", "c1.test.", "A", "NOERROR: c1.test. 60 A 192.0.2.1 / privatelink.hard.test. 60 NS ns.evil.test.; test. 60 NS ns.test.", "NOERROR: c1.test. A 192.0.2.1 / test. NS ns.test."},
		{"HTTPS record with hints for our name", "c1.test.", "HTTPS", "NOERROR: c1.test. 60 HTTPS 1 a.fall.test. ipv4hint=198.51.100.1", "NOERROR:"},
		{"NXDOMAIN in a fallthrough zone that Azure has too", "no.privatelink.fall.test.", "A", "NXDOMAIN: / privatelink.fall.test. 60 SOA azureprivatedns.net. x. 1 2 3 4 10", "NXDOMAIN: / SOA privatelink.fall.test."},
		{"and its AD is not ours to pass", "no.privatelink.fall.test.", "A", "NXDOMAIN ad: / privatelink.fall.test. 60 SOA azureprivatedns.net. x. 1 2 3 4 10", "NXDOMAIN: / SOA privatelink.fall.test."},
		{"another tenant's data passes in every section", "no.privatelink.fall.test.", "A", "NOERROR: no.privatelink.fall.test. 60 A 198.51.100.1 / fall.test. 60 NS ns.test. / other.privatelink.fall.test. 60 A 198.51.100.2", "NOERROR: no.privatelink.fall.test. A 198.51.100.1 / fall.test. NS ns.test. / other.privatelink.fall.test. A 198.51.100.2"},
		{"foreign reply passes untouched", "c1.test.", "A", "NOERROR aa ad: c1.test. 60 CNAME c2.test.; c2.test. 60 A 192.0.2.1 / test. 60 NS ns.test. / ns.test. 60 A 192.0.2.2", "NOERROR aa ad: c1.test. CNAME c2.test.; c2.test. A 192.0.2.1 / test. NS ns.test. / ns.test. A 192.0.2.2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			given := parseReply(t, tc.upstream)
			p := start(t, estate, upstream(given))
			before := given.String()
			r := query(tc.qname, tc.qtype)
			r.SetEdns0(1232, true)
			if got := show(ask(t, p, r)); got != tc.want {
				t.Errorf("%s %s of %s\n got %s\nwant %s", tc.qname, tc.qtype, tc.upstream, got, tc.want)
			}
			if given.String() != before {
				t.Error("the upstream's message was modified")
			}
		})
	}
}

func TestSpliceCounts(t *testing.T) {
	const passedOn, toOurs = "c1.test. 60 CNAME no.privatelink.fall.test.; no.privatelink.fall.test. 60 A 198.51.100.1", "c1.test. 60 CNAME a.fall.test.; a.fall.test. 60 A 198.51.100.1"
	for _, tc := range []struct {
		name, qname, upstream      string
		public, dropped, succeeded float64
	}{
		{"our data replaces the end", "c1.test.", "NOERROR: " + toOurs, 0, 0, 1},
		{"another tenant's address", "c1.test.", "NOERROR: " + passedOn, 1, 0, 0},
		{"the same, by its name", "no.privatelink.fall.test.", "NOERROR: no.privatelink.fall.test. 60 A 198.51.100.1", 1, 0, 0},
		{"another tenant's name without address", "c1.test.", "NOERROR: c1.test. 60 CNAME no.privatelink.fall.test. / " + soaTest, 0, 0, 0},
		{"a chain elsewhere", "c1.test.", "NOERROR: c1.test. 60 CNAME c2.test.; c2.test. 60 A 192.0.2.1", 0, 0, 0},
		{"stray records", "c1.test.", "NOERROR: c1.test. 60 A 192.0.2.1; a.fall.test. 60 A 198.51.100.1 / / b.hard.test. 60 A 198.51.100.1; c2.test. 60 A 192.0.2.2", 0, 2, 0},
		{"an SOA of Azure's zone is no leak", "no.privatelink.fall.test.", "NXDOMAIN: / privatelink.fall.test. 60 SOA azureprivatedns.net. x. 1 2 3 4 10", 0, 0, 0},
	} {
		p := start(t, estate, upstream(parseReply(t, tc.upstream)))
		count := func() [3]float64 {
			return [3]float64{countedFor(t, "public_answers_total"), countedFor(t, "dropped_records_total"), countedFor(t, "answers_total", `value:"splice"`)}
		}
		before := count()
		ask(t, p, query(tc.qname, "A"))
		for i, want := range []float64{tc.public, tc.dropped, tc.succeeded} {
			if got := count()[i] - before[i]; got != want {
				t.Errorf("%s: %v counted by the metric %d; want %v", tc.name, got, i, want)
			}
		}
	}
}

// countedFor returns the sum of a counter, over the series that have all labels.
func countedFor(t *testing.T, name string, labels ...string) (sum float64) {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			lacking := func(label string) bool { return !strings.Contains(m.String(), label) }
			if f.GetName() == "coredns_privatelink_"+name && !slices.ContainsFunc(labels, lacking) {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// plain writes records as show does, without their TTLs.
func plain(records string) string { return strings.ReplaceAll(records, " 60 ", " ") }

// FuzzSplice holds any reply against one promise: a name that we decide has our
// addresses or none, in whatever section, and so has what leads to it.
func FuzzSplice(f *testing.F) {
	for _, seed := range []string{
		"NOERROR: c1.test. 60 CNAME a.privatelink.fall.test.; " + publicTail,
		"NOERROR: " + links(17, "a.fall.test.") + "; a.fall.test. 60 A 198.51.100.1",
		"NXDOMAIN: c1.test. 60 CNAME no.privatelink.hard.test. / privatelink.hard.test. 60 NS x. / b.hard.test. 60 A 198.51.100.1",
		"NOERROR tc: c1.test. 60 CNAME c1.test.; c1.test. 60 HTTPS 1 a.fall.test. ipv4hint=198.51.100.1",
	} {
		wire, err := parseReply(f, seed).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire, "c1.test.", uint16(dns.TypeA))
	}
	f.Fuzz(func(t *testing.T, wire []byte, qname string, qtype uint16) {
		reply := new(dns.Msg)
		if reply.Unpack(wire) != nil {
			return
		}
		if _, ok := dns.IsDomainName(qname); !ok || qname == "" {
			return
		}
		p := start(t, estate, upstream(reply))
		r := &dns.Msg{MsgHdr: dns.MsgHdr{RecursionDesired: true}, Question: []dns.Question{{Name: dns.Fqdn(qname), Qtype: qtype, Qclass: dns.ClassINET}}}
		if foreign := leak(p, r, ask(t, p, r)); foreign != nil {
			t.Errorf("%s leaks in the reply to %s", foreign, r.Question[0].String())
		}
	})
}

// leak returns a record that is not ours although we decide its name, or
// although the chain from the question goes through a name that we decide.
func leak(p *Privatelink, r, m *dns.Msg) dns.RR {
	zones := p.zones.Snapshot()
	decided := false
	for name, hops := r.Question[0].Name, 0; hops < 100; hops++ {
		decided = decided || zones.Lookup(strings.ToLower(name)).Result != zone.OutOfZone
		link := cname(m.Answer, name)
		if link == nil {
			break
		}
		name = link.Target
	}
	for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
		if !decided && !decides(zones, rr) {
			continue
		}
		switch rr := rr.(type) {
		case *dns.A:
			if !strings.HasPrefix(rr.A.String(), "10.0.0.") {
				return rr
			}
		case *dns.AAAA:
			if rr.AAAA.String() != "fd00::1" {
				return rr
			}
		case *dns.HTTPS, *dns.SVCB:
			return rr
		}
	}
	return nil
}

// A hostile response with a long chain costs linear work: the chain is followed
// for maxHops links.
func TestReachableIsBounded(t *testing.T) {
	link := func(i int) string { return fmt.Sprintf("n%d.example.", i) }
	var answer []dns.RR
	for i := range 5000 {
		answer = append(answer, &dns.CNAME{Hdr: header(link(i), dns.TypeCNAME, 60), Target: link(i + 1)})
	}
	loop := []dns.RR{
		&dns.CNAME{Hdr: header("a.example.", dns.TypeCNAME, 60), Target: "B.example."},
		&dns.CNAME{Hdr: header("b.example.", dns.TypeCNAME, 60), Target: "a.example."},
	}
	for _, tt := range []struct {
		name   string
		answer []dns.RR
		from   string
		want   int
	}{
		{"5,000 links", answer, link(0), maxHops + 1},
		{"the end of the chain", answer, link(4997), 3},
		{"a loop", loop, "A.example.", 2},
		{"another name", answer, "other.example.", 0},
	} {
		if got := len(reachable(tt.answer, tt.from)); got != tt.want {
			t.Errorf("%s: %d records; want %d", tt.name, got, tt.want)
		}
	}
}
