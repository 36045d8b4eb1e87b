package privatelink

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

const (
	toA     = "c1.test. CNAME a.privatelink.fall.test."
	toB     = "c1.test. CNAME b.privatelink.hard.test."
	localA  = "; A 10.0.0.1; A 10.0.0.2"
	localB  = "; A 10.0.0.3"
	address = " A 198.51.100.1" // public
	public  = ";" + address
	soaFall = " / privatelink.fall.test. SOA"
	soaHard = " / privatelink.hard.test. SOA"
	soaTest = " / test. SOA"
	// The response of a public DNS server for a name with a private endpoint ends so.
	toStamp = " CNAME blob.stamp.test.; A 198.51.100.1"
	stamp   = ";" + toStamp
)

// links returns a chain of n CNAME records c1.test., c2.test., … that ends at target.
func links(n int, target string) string {
	text := "c1.test."
	for i := 2; i <= n; i++ {
		text += fmt.Sprintf(" CNAME c%d.test.;", i)
	}
	return text + " CNAME " + target
}

func TestSplice(t *testing.T) {
	const (
		toAliasB       = "c1.test. CNAME b.hard.test."
		toAlias        = "c1.test. CNAME a.fall.test.; CNAME a.privatelink.fall.test."
		toSix          = "c1.test. CNAME six.fall.test."
		toZoneEndpoint = "c1.test. CNAME p.z7.blob.storage.azure.net."
		throughFall    = "c1.test. CNAME no.privatelink.fall.test.; CNAME b.privatelink.hard.test."
		fromDNAME      = "c1.old.test. CNAME b.privatelink.hard.test."
		upperCase      = "CNAME A.PrivateLink.Fall.Test."
		reversed       = "blob.stamp.test. A 198.51.100.1; c2.test. CNAME a.privatelink.fall.test.; CNAME blob.stamp.test.; c1.test. CNAME c2.test."
		signature      = "c1.test. RRSIG CNAME 8 2 60 20300101000000 20200101000000 1 test. AAAA"
		forgedReferral = " / hard.test. NS ns.evil.test. / ns.evil.test. A 198.51.100.1"
		azureSOA       = " / privatelink.fall.test. SOA azureprivatedns.net. x. 1 2 3 4 10"
		otherTenant    = "no.privatelink.fall.test. A 198.51.100.1 / fall.test. NS ns.test. / x.privatelink.fall.test. A 198.51.100.2"
		mx             = "c1.test. MX 1 a.fall.test."
		unrelated      = "c1.test. CNAME c2.test.; A 192.0.2.1 / test. NS ns.test. / ns.test. A 192.0.2.2"
	)
	tooLong := links(17, "a.privatelink.fall.test.")
	for _, tc := range []struct{ name, qname, qtype, upstream, want string }{
		// the end of the chain: success, empty non-terminal, name error, alias
		{"chain to a record", "c1.test.", "A", "NOERROR: " + toA + stamp, "NOERROR: " + toA + localA},
		{"chain to an alias", "c1.test.", "A", "NOERROR: " + toAlias + stamp, "NOERROR: " + toAlias + localA},
		{"chain to a DNS zone endpoint", "c1.test.", "A", "NOERROR: " + toZoneEndpoint + public, "NOERROR: " + toZoneEndpoint + "; CNAME p.privatelink.blob.core.windows.net.; A 10.0.0.5"},
		{"chain of two links", "c1.test.", "A", "NOERROR: " + links(2, "a.privatelink.fall.test.") + stamp, "NOERROR: " + links(2, "a.privatelink.fall.test.") + localA},
		{"chain to an empty non-terminal", "c1.test.", "A", "NOERROR: c1.test. CNAME sub.privatelink.hard.test." + public, "NOERROR: c1.test. CNAME sub.privatelink.hard.test." + soaHard},
		{"chain to an apex", "c1.test.", "A", "NOERROR: c1.test. CNAME privatelink.hard.test." + public, "NOERROR: c1.test. CNAME privatelink.hard.test." + soaHard},
		{"chain to a name that a strict zone lacks", "c1.test.", "A", "NOERROR: " + links(1, "no.privatelink.hard.test.") + public, "NXDOMAIN: " + links(1, "no.privatelink.hard.test.") + soaHard},
		{"chain to a name that a fallthrough zone lacks", "c1.test.", "A", "NOERROR: " + links(1, "no.privatelink.fall.test.") + public, "NOERROR: " + links(1, "no.privatelink.fall.test.") + public},
		{"through a fallthrough zone into a strict one", "c1.test.", "A", "NOERROR: " + throughFall + public, "NOERROR: " + throughFall + localB},
		{"two zones in one chain, the first decides", "c1.test.", "A", "NOERROR: " + toA + "; CNAME b.privatelink.hard.test." + public, "NOERROR: " + toA + localA},
		{"other tenant's account, from a fallthrough zone", "no.privatelink.fall.test.", "A", "NOERROR: no.privatelink.fall.test." + toStamp, "NOERROR: no.privatelink.fall.test." + toStamp},
		{"other tenant's account, public name", "no.fall.test.", "A", "NOERROR: no.fall.test. CNAME no.privatelink.fall.test." + public, "NOERROR: no.fall.test. CNAME no.privatelink.fall.test." + public},
		// types
		{"AAAA: no public address leaks", "c1.test.", "AAAA", "NOERROR: " + toA + "; AAAA 2001:db8::1", "NOERROR: " + toA + soaFall},
		{"AAAA of a record that has one", "c1.test.", "AAAA", "NOERROR: " + toSix + "; AAAA 2001:db8::1", "NOERROR: " + toSix + "; CNAME six.privatelink.fall.test.; AAAA fd00::1"},
		{"HTTPS: no hint leaks", "c1.test.", "HTTPS", "NOERROR: " + toA + "; HTTPS 1 . ipv4hint=198.51.100.1", "NOERROR: " + toA + soaFall},
		{"TXT", "c1.test.", "TXT", "NOERROR: " + toA + "; TXT x", "NOERROR: " + toA + soaFall},
		{"CNAME is queried: the chain is not followed", "c1.test.", "CNAME", "NOERROR: " + toA, "NOERROR: " + toA},
		{"chain without its end, NODATA upstream", "c1.test.", "A", "NOERROR: c1.test. CNAME a.fall.test." + soaTest, "NOERROR: " + toAlias + localA},
		// the shape of the response
		{"unordered answer section", "c1.test.", "A", "NOERROR: " + reversed, "NOERROR: " + links(2, "a.privatelink.fall.test.") + localA},
		{"upper case in the chain", "C1.test.", "A", "NOERROR: c1.TEST. " + upperCase + public, "NOERROR: C1.test. " + upperCase + localA},
		{"16 links", "c1.test.", "A", "NOERROR: " + links(16, "b.privatelink.hard.test."), "NOERROR: " + links(16, "b.privatelink.hard.test.") + localB},
		{"17 links pass without local records and the records after them", "c1.test.", "A", "NOERROR: " + tooLong + stamp, "NOERROR: " + tooLong},
		{"17 links to a foreign name pass unchanged", "c1.test.", "A", "NOERROR: " + links(17, "x.test.") + public, "NOERROR: " + links(17, "x.test.") + public},
		{"loop passes unchanged", "c1.test.", "A", "NOERROR: " + links(2, "c1.test."), "NOERROR: " + links(2, "c1.test.")},
		{"loop through a local name ends there", "c1.test.", "A", "NOERROR: " + toAliasB + "; CNAME c1.test.", "NOERROR: " + toAliasB + "; CNAME b.privatelink.hard.test." + localB},
		{"DNAME: the CNAME made from it is followed", "c1.old.test.", "A", "NOERROR: old.test. DNAME privatelink.hard.test.; " + fromDNAME + public, "NOERROR: " + fromDNAME + localB},
		// RCODEs and flags
		{"NXDOMAIN with a chain to a record", "c1.test.", "A", "NXDOMAIN: " + toB + soaTest, "NOERROR: " + toB + localB},
		{"NXDOMAIN of a foreign name", "c1.test.", "A", "NXDOMAIN:" + soaTest, "NXDOMAIN:" + soaTest},
		{"SERVFAIL passes", "c1.test.", "A", "SERVFAIL:", "SERVFAIL:"},
		{"SERVFAIL with a chain loses the local records", "c1.test.", "A", "SERVFAIL: " + toA + stamp, "SERVFAIL: " + toA},
		{"REFUSED passes", "c1.test.", "A", "REFUSED:", "REFUSED:"},
		{"truncated after a local name is complete", "c1.test.", "A", "NOERROR tc: " + toB, "NOERROR: " + toB + localB},
		{"truncated before a local name", "c1.test.", "A", "NOERROR tc: c1.test. CNAME c2.test.", "NOERROR tc: c1.test. CNAME c2.test."},
		{"AD and AA are cleared", "c1.test.", "A", "NOERROR aa ad: " + toB, "NOERROR: " + toB + localB},
		{"signatures end at the splice", "c1.test.", "A", "NOERROR ad: " + toB + "; " + signature, "NOERROR: " + toB + localB},
		{"upstream's authority and additional are dropped", "c1.test.", "A", "NOERROR: " + toB + forgedReferral, "NOERROR: " + toB + localB},
		// forged or stray records of local names, in responses to other questions
		{"stray record in the answer", "c1.test.", "A", "NOERROR: c1.test. A 192.0.2.1; b.privatelink.hard.test. A 198.51.100.1", "NOERROR: c1.test. A 192.0.2.1"},
		{"stray alias in the answer", "c1.test.", "A", "NOERROR: c1.test. A 192.0.2.1; a.fall.test. A 198.51.100.1", "NOERROR: c1.test. A 192.0.2.1"},
		{"missing name of a strict zone in the answer", "c1.test.", "A", "NOERROR: c1.test. A 192.0.2.1; no.privatelink.hard.test." + address, "NOERROR: c1.test. A 192.0.2.1"},
		{"stray record in the additional section", "c1.test.", "MX", "NOERROR: " + mx + " / / a.fall.test. A 198.51.100.1; mx.test. A 192.0.2.1", "NOERROR: " + mx + " / / mx.test. A 192.0.2.1"},
		{"NS records of a local zone", "c1.test.", "A", "NOERROR: c1.test. A 192.0.2.1 / privatelink.hard.test. NS ns.evil.test.; test. NS ns.test.", "NOERROR: c1.test. A 192.0.2.1 / test. NS ns.test."},
		{"HTTPS record with hints for a local name", "c1.test.", "HTTPS", "NOERROR: c1.test. HTTPS 1 a.fall.test. ipv4hint=198.51.100.1", "NOERROR:"},
		{"NXDOMAIN in a fallthrough zone that Azure also has", "no.privatelink.fall.test.", "A", "NXDOMAIN:" + azureSOA, "NXDOMAIN:" + soaFall},
		{"NXDOMAIN with AD in such a zone loses AD", "no.privatelink.fall.test.", "A", "NXDOMAIN ad:" + azureSOA, "NXDOMAIN:" + soaFall},
		{"other tenant's data passes in every section", "no.privatelink.fall.test.", "A", "NOERROR: " + otherTenant, "NOERROR: " + otherTenant},
		{"foreign response passes unchanged", "c1.test.", "A", "NOERROR aa ad: " + unrelated, "NOERROR aa ad: " + unrelated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			given := parseReply(t, tc.upstream)
			p := start(t, testCorefile, upstream(given))
			before := given.String()
			r := query(tc.qname, tc.qtype)
			r.SetEdns0(1232, true)
			if got := dnstest.Brief(ask(t, p, r)); got != tc.want {
				t.Errorf("%s %s of %s\n got %s\nwant %s", tc.qname, tc.qtype, tc.upstream, got, tc.want)
			}
			if given.String() != before {
				t.Error("the upstream's message was modified")
			}
		})
	}
}

func TestSpliceCounts(t *testing.T) {
	for _, tc := range []struct {
		name, qname, upstream      string
		public, dropped, succeeded float64
	}{
		{"local records replace the end", "c1.test.", "NOERROR: c1.test. CNAME a.fall.test." + public, 0, 0, 1},
		{"other tenant's address", "c1.test.", "NOERROR: c1.test. CNAME no.privatelink.fall.test." + public, 1, 0, 0},
		{"other tenant's address, queried by its name", "no.privatelink.fall.test.", "NOERROR: no.privatelink.fall.test. A 198.51.100.1", 1, 0, 0},
		{"other tenant's name without an address", "c1.test.", "NOERROR: c1.test. CNAME no.privatelink.fall.test." + soaTest, 0, 0, 0},
		{"chain to a foreign name", "c1.test.", "NOERROR: c1.test. CNAME c2.test.; A 192.0.2.1", 0, 0, 0},
		{"stray records", "c1.test.", "NOERROR: c1.test. A 192.0.2.1; a.fall.test. A 198.51.100.1 / / b.hard.test. A 198.51.100.1; c2.test. A 192.0.2.2", 0, 2, 0},
		{"an SOA record of Azure's zone is not a leak", "no.privatelink.fall.test.", "NXDOMAIN: / privatelink.fall.test. SOA azureprivatedns.net. x. 1 2 3 4 10", 0, 0, 0},
	} {
		p := start(t, testCorefile, upstream(parseReply(t, tc.upstream)))
		count := func() [3]float64 {
			return [3]float64{countedFor(t, "public_answers_total"), countedFor(t, "dropped_records_total"), countedFor(t, "answers_total", `value:"splice"`)}
		}
		before := count()
		ask(t, p, query(tc.qname, "A"))
		for i, want := range []float64{tc.public, tc.dropped, tc.succeeded} {
			if got := count()[i] - before[i]; got != want {
				t.Errorf("%s: counter %d increased by %v; want %v", tc.name, i, got, want)
			}
		}
	}
}

// countedFor returns the sum of a counter over the series that have all labels.
func countedFor(t *testing.T, name string, labels ...string) (sum float64) {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			lacks := func(label string) bool { return !strings.Contains(m.String(), label) }
			if f.GetName() == "coredns_privatelink_"+name && !slices.ContainsFunc(labels, lacks) {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// FuzzSplice asserts for any reply that a name that this server decides has its
// local addresses only, in every section, and so has a chain that reaches it.
func FuzzSplice(f *testing.F) {
	for _, seed := range []string{
		"NOERROR: " + toA + stamp,
		"NOERROR: c1.test. CNAME 1.0.0.10.in-addr.arpa.; PTR public.test.",
		"NOERROR: " + links(17, "a.fall.test.") + public,
		"NXDOMAIN: c1.test. CNAME no.privatelink.hard.test. / privatelink.hard.test. NS x. / b.hard.test. A 198.51.100.1",
		"NOERROR tc: c1.test. CNAME c1.test.; HTTPS 1 a.fall.test. ipv4hint=198.51.100.1",
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
		p := start(t, testCorefile, upstream(reply))
		r := &dns.Msg{MsgHdr: dns.MsgHdr{RecursionDesired: true}, Question: []dns.Question{{Name: dns.Fqdn(qname), Qtype: qtype, Qclass: dns.ClassINET}}}
		if foreign := leak(p, r, ask(t, p, r)); foreign != nil {
			t.Errorf("%s leaks in the reply to %s", foreign, r.Question[0].String())
		}
	})
}

// leak returns a record that is not local although this server decides its name
// or a name in the chain from the question.
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
		{"a name that is not in the chain", answer, "other.example.", 0},
	} {
		if got := len(reachable(tt.answer, tt.from)); got != tt.want {
			t.Errorf("%s: %d records; want %d", tt.name, got, tt.want)
		}
	}
}
