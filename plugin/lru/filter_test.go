package lru

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const (
	soa         = "example. 900 SOA ns.example. root.example. 1 2 3 4 300"
	sigA        = "w.example. 60 RRSIG A 8 2 60 20300101000000 20200101000000 1 example. AAAA"
	sigSOA      = "example. 900 RRSIG SOA 8 1 900 20300101000000 20200101000000 1 example. AAAA"
	nsec        = "v.example. 300 NSEC x.example. A RRSIG NSEC"
	sigN        = "v.example. 300 RRSIG NSEC 8 2 300 20300101000000 20200101000000 1 example. AAAA"
	sigN2       = "v.example. 300 RRSIG NSEC 8 2 300 20300101000000 20200101000000 2 example. AAAA"
	nsec3       = "0p9m.example. 300 NSEC3 1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A"
	sigN3       = "0p9m.example. 300 RRSIG NSEC3 8 2 300 20300101000000 20200101000000 1 example. AAAA"
	sigDS       = "w.example. 60 RRSIG DS 8 2 60 20300101000000 20200101000000 1 example. AAAA"
	sigCNAME    = "w.example. 60 RRSIG CNAME 8 2 60 20300101000000 20200101000000 1 example. AAAA"
	chainX      = "w.example. 60 CNAME x.example.; x.example. 60 A 192.0.2.2"
	chainOther  = "w.example. 60 CNAME w.other.; w.other. 60 A 192.0.2.1"
	chainEvil   = "w.example. 60 CNAME w.example.evil.; w.example.evil. 60 A 192.0.2.1"
	invalidData = "SERVFAIL EDE 24:" // for a response that does not answer the question
)

// placeholders keep the rows short.
var placeholders = strings.NewReplacer("{soa}", soa, "{sigSOA}", sigSOA, "{sigA}", sigA, "{sigDS}", sigDS, "{sigCNAME}", sigCNAME,
	"{nsec}", nsec, "{sigN}", sigN, "{sigN2}", sigN2, "{nsec3}", nsec3, "{sigN3}", sigN3,
	"{chainX}", chainX, "{chainOther}", chainOther, "{chainEvil}", chainEvil)

// links returns a CNAME chain of n links from w.example., as a section.
func links(n int) string {
	section, name := "", "w.example."
	for i := range n {
		target := fmt.Sprintf("n%d.example.", i+1)
		section += fmt.Sprintf("%s 60 CNAME %s; ", name, target)
		name = target
	}
	return section
}

func TestFilterAnswer(t *testing.T) {
	for _, c := range []struct{ name, query, reply, want string }{
		{"A", "w.example. A", "NOERROR: w.example. 60 A 192.0.2.1; w.example. 60 A 192.0.2.2", "NOERROR: w.example. 60 A 192.0.2.1; w.example. 60 A 192.0.2.2"},
		{"AAAA", "w.example. AAAA", "NOERROR: w.example. 60 AAAA 2001:db8::1", "NOERROR: w.example. 60 AAAA 2001:db8::1"},
		{"not of the type", "w.example. AAAA", "NOERROR: w.example. 60 A 192.0.2.1", "NOERROR:"},
		{"CNAME asked", "w.example. CNAME", "NOERROR: w.example. 60 CNAME x.example.; x.example. 60 A 192.0.2.1", "NOERROR: w.example. 60 CNAME x.example."},
		{"unknown type", "w.example. TYPE65400", `NOERROR: w.example. 60 TYPE65400 \# 2 abcd`, "NOERROR: w.example. 60  w.example.\t60\tCLASS1\tTYPE65400\t\\# 2 abcd"},
		{"ANY", "w.example. ANY", "NOERROR: w.example. 60 A 192.0.2.1; w.example. 90 TXT a; x.example. 60 A 192.0.2.2", "NOERROR: w.example. 60 A 192.0.2.1; w.example. 90 TXT \"a\""},
		{"ANY of an alias", "w.example. ANY", "NOERROR: w.example. 60 CNAME x.example.", "NOERROR: w.example. 60 CNAME x.example."},
		{"chain of 1", "w.example. A", "NOERROR: w.example. 60 CNAME x.example.; x.example. 30 A 192.0.2.1", "NOERROR: w.example. 60 CNAME x.example.; x.example. 30 A 192.0.2.1"},
		{"chain of 16", "w.example. A", "NOERROR: " + links(16) + "n16.example. 60 A 192.0.2.1", "NOERROR: " + links(16) + "n16.example. 60 A 192.0.2.1"},
		{"chain of 17", "w.example. A", "NOERROR: " + links(17) + "n17.example. 60 A 192.0.2.1", invalidData},
		{"chain of 17, SOA", "w.example. A", "NOERROR: " + links(17) + " / {soa}", invalidData},
		{"loop", "w.example. A", "NOERROR: w.example. 60 CNAME x.example.; x.example. 60 CNAME w.example. / {soa}", invalidData},
		{"loop of one", "w.example. A", "NOERROR: w.example. 60 CNAME w.example. / {soa}", invalidData},
		{"unordered", "w.example. A", "NOERROR: x.example. 60 A 192.0.2.1; w.example. 60 CNAME x.example.", "NOERROR: w.example. 60 CNAME x.example.; x.example. 60 A 192.0.2.1"},
		{"upper case", "w.example. A", "NOERROR: W.EXAMPLE. 60 CNAME X.Example.; x.eXAMPLE. 60 A 192.0.2.1", "NOERROR: w.example. 60 CNAME X.Example.; x.eXAMPLE. 60 A 192.0.2.1"},
		{"two targets", "w.example. A", "NOERROR: w.example. 60 CNAME x.example.; w.example. 60 CNAME y.example.; y.example. 60 A 192.0.2.1; x.example. 60 A 192.0.2.2", "NOERROR: {chainX}"},
		{"chain without end, SOA", "w.example. A", "NOERROR: w.example. 60 CNAME x.example. / {soa}", "NOERROR: w.example. 60 CNAME x.example. / example. 300 SOA"},
		{"chain without end", "w.example. A", "NOERROR: w.example. 60 CNAME x.other.", "NOERROR: w.example. 60 CNAME x.other."},
		{"chain with a gap", "w.example. A", "NOERROR: w.example. 60 CNAME x.example.; y.example. 60 A 192.0.2.1", "NOERROR: w.example. 60 CNAME x.example."},
		{"DNAME", "w.example. A", "NOERROR: example. 60 DNAME other.; {chainOther}", "NOERROR: {chainOther}"},
		{"DNAME, DO", "w.example. A do", "NOERROR: Example. 60 DNAME Other.; {chainOther}", "NOERROR: Example. 60 DNAME Other.; {chainOther}"},
		{"DNAME of another target, DO", "w.example. A do", "NOERROR: example. 60 DNAME evil.; {chainOther}", "NOERROR: {chainOther}"},
		{"DNAME of the root, DO", "w.example. A do", "NOERROR: . 60 DNAME evil.; {chainEvil}", "NOERROR: {chainEvil}"},
		{"DNAME alone", "w.example. A", "NOERROR: example. 60 DNAME other.; w.other. 60 A 192.0.2.1", invalidData},
		{"DNAME asked", "example. DNAME", "NOERROR: example. 60 DNAME other.", "NOERROR: example. 60 DNAME other."},
		{"RRSIG, no DO", "w.example. A", "NOERROR: w.example. 60 A 192.0.2.1; {sigA}", "NOERROR: w.example. 60 A 192.0.2.1"},
		{"RRSIG, DO", "w.example. A do", "NOERROR: {sigA}; w.example. 60 A 192.0.2.1", "NOERROR: w.example. 60 A 192.0.2.1; {sigA}"},
		{"RRSIG before CNAME, DO", "w.example. A do", "NOERROR: {sigCNAME}; w.example. 60 CNAME x.; x. 9 A 192.0.2.1", "NOERROR: w.example. 60 CNAME x.; {sigCNAME}; x. 9 A 192.0.2.1"},
		{"RRSIG alone, DO", "w.example. A do", "NOERROR: {sigA}", "NOERROR:"},
		{"RRSIG asked", "w.example. RRSIG", "NOERROR: {sigA}", "NOERROR: {sigA}"},
		{"wildcard proof, DO", "w.example. A do", "NOERROR: w.example. 60 A 192.0.2.1 / {nsec}; {sigN}", "NOERROR: w.example. 60 A 192.0.2.1 / {nsec}; {sigN}"},
		{"AD", "w.example. A do", "NOERROR ad: w.example. 60 A 192.0.2.1", "NOERROR ad: w.example. 60 A 192.0.2.1"},
		{"AA", "w.example. A", "NOERROR aa: w.example. 60 A 192.0.2.1", "NOERROR: w.example. 60 A 192.0.2.1"},

		{"NODATA", "w.example. A", "NOERROR: / {soa}", "NOERROR: / example. 300 SOA"},
		{"NXDOMAIN", "w.example. A", "NXDOMAIN: / {soa}", "NXDOMAIN: / example. 300 SOA"},
		{"NXDOMAIN with CNAME", "w.example. A", "NXDOMAIN: w.example. 60 CNAME x.other. / other. 60 SOA . . 1 2 3 4 5", "NXDOMAIN: w.example. 60 CNAME x.other. / other. 5 SOA"},
		{"NXDOMAIN, CNAME, SOA of the first", "w.example. A", "NXDOMAIN: w.example. 60 CNAME x.other. / {soa}", "NXDOMAIN: w.example. 60 CNAME x.other."},
		{"NXDOMAIN with an answer", "w.example. A", "NXDOMAIN: w.example. 60 A 192.0.2.1", "NOERROR: w.example. 60 A 192.0.2.1"},
		{"NXDOMAIN without SOA", "w.example. A", "NXDOMAIN:", "NXDOMAIN:"},
		{"SOA of the name", "example. A", "NOERROR: / {soa}", "NOERROR: / example. 300 SOA"},
		{"SOA of the root", "w.example. A", "NXDOMAIN: / . 60 SOA . . 1 2 3 4 5", "NXDOMAIN: / . 5 SOA"},
		{"SOA of a sibling", "w.example. A", "NXDOMAIN: / x.example. 60 SOA . . 1 2 3 4 5", "NXDOMAIN:"},
		{"SOA of a child", "w.example. A", "NXDOMAIN: / a.w.example. 60 SOA . . 1 2 3 4 5", "NXDOMAIN:"},
		{"SOA of a longer label", "w.anexample. A", "NXDOMAIN: / {soa}", "NXDOMAIN:"},
		{"SOA of another class", "w.example. A", "NXDOMAIN: / example. 60 CH SOA . . 1 2 3 4 5", "NXDOMAIN:"},
		{"SOA TTL below MINIMUM", "w.example. A", "NXDOMAIN: / example. 9 SOA . . 1 2 3 4 300", "NXDOMAIN: / example. 9 SOA"},
		{"two SOA records", "w.example. A", "NXDOMAIN: / {soa}; . 60 SOA . . 1 2 3 4 5", "NXDOMAIN: / example. 300 SOA"},
		{"two SOA records, the first of another zone", "w.example. A", "NXDOMAIN: / other. 60 SOA . . 1 2 3 4 5; {soa}", "NXDOMAIN: / example. 300 SOA"},
		{"NSEC, no DO", "w.example. A", "NXDOMAIN: / {soa}; {sigSOA}; {nsec}; {sigN}", "NXDOMAIN: / example. 300 SOA"},
		{"NSEC, DO", "w.example. A do", "NXDOMAIN: / {soa}; {sigSOA}; {nsec}; {sigN}", "NXDOMAIN: / example. 300 SOA; {sigSOA}; {nsec}; {sigN}"},
		{"NSEC3, DO", "w.example. A do", "NXDOMAIN: / {soa}; {nsec3}; {sigN3}", "NXDOMAIN: / example. 300 SOA; {nsec3}; {sigN3}"},
		{"NSEC without signature, DO", "w.example. A do", "NXDOMAIN: / {soa}; {nsec}", "NXDOMAIN: / example. 300 SOA"},
		{"signature of another class, DO", "w.example. A do", "NXDOMAIN: / {soa}; example. 900 CH RRSIG SOA 8 1 900 20300101000000 20200101000000 1 example. AAAA", "NXDOMAIN: / example. 300 SOA"},
		{"NSEC signed twice, DO", "w.example. A do", "NXDOMAIN: / {soa}; {nsec}; {sigN}; {sigN2}", "NXDOMAIN: / example. 300 SOA; {nsec}; {sigN}; {sigN2}"},
		{"NSEC of the last zone, DO", "w.other. A do", "NXDOMAIN: w.other. 60 CNAME w.example. / {soa}; {nsec}; {sigN}", "NXDOMAIN: w.other. 60 CNAME w.example. / example. 300 SOA; {nsec}; {sigN}"},
		{"NSEC of another zone, DO", "w.other. A do", "NXDOMAIN: / other. 60 SOA . . 1 2 3 4 5; {nsec}; {sigN}", "NXDOMAIN: / other. 5 SOA"},

		{"referral", "w.example. A", "NOERROR: / example. 60 NS ns.example. / ns.example. 60 A 192.0.2.9", invalidData},
		{"referral, upward", "w.example. A", "NOERROR: / . 60 NS ns.example.", invalidData},
		{"referral of the name itself", "w.example. A", "NOERROR: / w.example. 60 NS ns.example.", invalidData},
		{"referral with DS and its signature, DO", "a.w.example. A do", "NOERROR: / w.example. 60 NS ns.w.example.; w.example. 60 DS 1 8 2 abcd; {sigDS}", invalidData},
		{"NS of the name beside another type", "w.example. AAAA", "NOERROR: w.example. 60 A 192.0.2.1 / example. 60 NS ns.example.", invalidData},
		{"nothing: NODATA of local data", "w.example. A", "NOERROR:", "NOERROR:"},
		{"nothing, authoritative", "w.example. HTTPS", "NOERROR aa:", "NOERROR:"},
		{"nothing, DO", "w.example. AAAA do", "NOERROR:", "NOERROR:"},
		{"nothing, validated", "w.example. AAAA do", "NOERROR ad:", "NOERROR ad:"},
		{"NODATA, SOA of a policy zone in additional", "w.example. AAAA", "NOERROR: /  / rpz.other. 60 SOA . . 1 2 3 4 5", "NOERROR:"},
		{"NODATA, SOA of another zone", "w.example. AAAA", "NOERROR: / other. 60 SOA . . 1 2 3 4 5", "NOERROR:"},
		{"NODATA, only the records of another name", "w.example. AAAA", "NOERROR: v.example. 60 AAAA 2001:db8::1", invalidData},
		{"chain, the end has no record of the type and no SOA", "w.example. AAAA", "NOERROR: w.example. 60 CNAME x.other.; x.other. 60 A 192.0.2.1", "NOERROR: w.example. 60 CNAME x.other."},
		{"REFUSED", "w.example. A", "REFUSED:", "REFUSED:"},
		{"SERVFAIL", "w.example. A", "SERVFAIL: w.example. 60 A 192.0.2.1", "SERVFAIL:"},
		{"NOTIMP", "w.example. A", "NOTIMP:", "NOTIMP:"},
		{"FORMERR", "w.example. A", "FORMERR:", "SERVFAIL:"},
		{"YXDOMAIN", "w.example. A", "YXDOMAIN:", "SERVFAIL:"},
		{"BADVERS, the number of BADSIG", "w.example. A", "BADSIG:", "SERVFAIL:"},
		{"truncated", "w.example. A", "NOERROR tc: w.example. 60 A 192.0.2.1", invalidData},
		{"additional", "w.example. A", "NOERROR: w.example. 60 A 192.0.2.1 /  / x.example. 60 A 192.0.2.9", "NOERROR: w.example. 60 A 192.0.2.1"},
		{"other class", "w.example. A", "NOERROR: w.example. 60 CH A 192.0.2.9; w.example. 60 A 192.0.2.1", "NOERROR: w.example. 60 A 192.0.2.1"},

		{"levelled TTL", "w.example. A", "NOERROR: w.example. 60 A 192.0.2.1; w.example. 9 A 192.0.2.2", "NOERROR: w.example. 9 A 192.0.2.1; w.example. 9 A 192.0.2.2"},
		{"high bit", "w.example. A", "NOERROR: w.example. 2147483648 A 192.0.2.1", "NOERROR: w.example. 0 A 192.0.2.1"},
		{"a day at most", "w.example. A", "NOERROR: w.example. 604800 A 192.0.2.1", "NOERROR: w.example. 86400 A 192.0.2.1"},
		{"an hour at most", "w.example. A", "NXDOMAIN: / example. 86400 SOA . . 1 2 3 4 86400", "NXDOMAIN: / example. 3600 SOA"},
	} {
		r := questionOf(c.query)
		m := responseTo(parseReply(t, placeholders.Replace(c.reply)), r)
		if got, want := show(filterAnswer(keyOf(r), m).reply(r, time.Now())), placeholders.Replace(c.want); got != want {
			t.Errorf("%s: filterAnswer(%s) = %s; want %s", c.name, c.reply, got, want)
		}
	}
}

// questionOf parses "name type" or "name type do". All questions have EDNS.
func questionOf(text string) *dns.Msg {
	word := strings.Fields(text)
	r := query(word[0], word[1])
	if number, ok := strings.CutPrefix(word[1], "TYPE"); ok {
		fmt.Sscan(number, &r.Question[0].Qtype)
	}
	return r.SetEdns0(upstreamUDPSize, len(word) > 2)
}

func TestAnswerTTL(t *testing.T) {
	for _, c := range []struct {
		name, query, reply string
		want               time.Duration
	}{
		{"least of the chain", "w.example. A", "NOERROR: w.example. 60 CNAME x.; x. 30 A 192.0.2.1", 30 * time.Second},
		{"0 is not stored", "w.example. A", "NOERROR: w.example. 0 A 192.0.2.1", 0},
		{"high bit", "w.example. A", "NOERROR: w.example. 4294967295 A 192.0.2.1", 0},
		{"a day at most", "w.example. A", "NOERROR: w.example. 604800 A 192.0.2.1", 24 * time.Hour},
		{"MINIMUM", "w.example. A", "NXDOMAIN: / {soa}", 5 * time.Minute},
		{"an hour at most", "w.example. A", "NXDOMAIN: / example. 86400 SOA . . 1 2 3 4 86400", time.Hour},
		{"MINIMUM of 0", "w.example. A", "NXDOMAIN: / example. 60 SOA . . 1 2 3 4 0", 0},
		{"chain without end", "w.example. A", "NOERROR: w.example. 60 CNAME x.", 0},
		{"NODATA without SOA", "w.example. A", "NOERROR:", 0},
		{"NXDOMAIN without SOA", "w.example. A", "NXDOMAIN:", 0},
		{"failure", "w.example. A", "REFUSED:", failureTTL},
	} {
		r := questionOf(c.query)
		if got := filterAnswer(keyOf(r), responseTo(parseReply(t, placeholders.Replace(c.reply)), r)).ttl; got != c.want {
			t.Errorf("%s: TTL of %s = %v; want %v", c.name, c.reply, got, c.want)
		}
	}
}

// Records without their data are possible on the wire only, not in text.
func TestAnswerWithoutData(t *testing.T) {
	for name, rr := range dns.TypeToRR {
		switch name {
		case dns.TypeOPT, dns.TypeTSIG, dns.TypeTKEY, dns.TypeANY, dns.TypeNULL:
			continue
		}
		record := rr()
		*record.Header() = dns.RR_Header{Name: "w.example.", Rrtype: name, Class: dns.ClassINET, Ttl: 60}
		r := query("w.example.", dns.TypeToString[name])
		m := responseTo(&dns.Msg{Answer: []dns.RR{record}}, r)
		if got := filterAnswer(keyOf(r), m); got.kind != failure {
			t.Errorf("%s without data: %v; want a failure", dns.TypeToString[name], got.answer)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		"NOERROR: w.example. 60 CNAME x.example.; x.example. 60 A 192.0.2.1", "NXDOMAIN: / {soa}; {sigSOA}; {nsec}; {sigN}; {nsec3}; {sigN3}",
		"NOERROR: example. 60 DNAME other.; {chainOther}; {sigA} /  / x. 60 A 192.0.2.2", "NOERROR: " + links(17),
	} {
		wire, err := responseTo(parseReply(f, placeholders.Replace(text)), query("w.example.", "A")).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire, true)
	}
	f.Add([]byte("\x01\x00\x01\x30\x00\x01\x02\x30\x04\x0c\x01\x30\x06\x00\x04\x03"), true)
	f.Fuzz(func(t *testing.T, wire []byte, do bool) {
		m := new(dns.Msg)
		if m.Unpack(wire) != nil || len(m.Question) != 1 {
			m = assemble(wire)
		}
		m.Response, m.Truncated, m.Opcode = true, false, dns.OpcodeQuery
		r := (&dns.Msg{Question: m.Question}).SetEdns0(upstreamUDPSize, do)
		k := keyOf(r)
		e := filterAnswer(k, m)
		reply := e.reply(r, e.stored.Add(time.Second))
		checkAnswer(t, k, e, reply)
		if _, err := reply.Pack(); err != nil {
			t.Errorf("%v: %v", err, reply)
		}
	})
}

// assemble makes a message of few names and types from four octets for each record. Its
// records are related to each other more often than those of random octets.
func assemble(data []byte) *dns.Msg {
	names := []string{"w.example.", "x.Example.", "y.other.", "w.other.", "example.", "OTHER.", "."}
	m := &dns.Msg{Question: query("W.example.", []string{"A", "CNAME", "ANY", "RRSIG"}[len(data)%4]).Question}
	for ; len(data) >= 4; data = data[4:] {
		owner, target := names[int(data[1])%len(names)], names[int(data[2])%len(names)]
		h := dns.RR_Header{Name: owner, Class: 1 + uint16(data[3]>>7), Ttl: uint32(data[3]) << (data[0] >> 3)}
		rr := []dns.RR{
			&dns.A{A: []byte{192, 0, 2, data[2]}}, &dns.CNAME{Target: target}, &dns.DNAME{Target: target}, &dns.NS{Ns: target},
			&dns.SOA{Ns: ".", Mbox: ".", Minttl: uint32(data[2])}, &dns.NSEC{NextDomain: target}, &dns.RRSIG{SignerName: target}, &dns.OPT{},
		}[data[0]%8]
		*rr.Header() = h
		rr.Header().Rrtype = []uint16{dns.TypeA, dns.TypeCNAME, dns.TypeDNAME, dns.TypeNS, dns.TypeSOA, dns.TypeNSEC, dns.TypeRRSIG, dns.TypeOPT}[data[0]%8]
		if sig, ok := rr.(*dns.RRSIG); ok {
			sig.TypeCovered = []uint16{dns.TypeA, dns.TypeCNAME, dns.TypeDNAME, dns.TypeSOA, dns.TypeNSEC}[data[3]%5]
		}
		section := []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra}[data[1]>>3%3]
		*section = append(*section, rr)
	}
	return m
}

// checkAnswer checks the properties of every filtered answer.
func checkAnswer(t *testing.T, k key, e *entry, reply *dns.Msg) {
	chain := []string{k.name}
	for _, rr := range reply.Answer {
		name := rr.Header().Name
		onChain := slices.ContainsFunc(chain, func(n string) bool {
			return strings.EqualFold(n, name) || k.do && coveredType(rr) == dns.TypeDNAME && dns.IsSubDomain(name, n)
		})
		if !onChain || rr.Header().Class != k.qclass {
			t.Errorf("%v is not on the chain %q", rr, chain)
		}
		if link, ok := rr.(*dns.CNAME); ok {
			chain = append(chain, link.Target)
		}
	}
	for _, rr := range reply.Ns {
		zone, ok := zoneOf(rr)
		ok = ok && (rr.Header().Rrtype != dns.TypeNSEC && rr.Header().Rrtype != dns.TypeNSEC3 || signed(reply.Ns, rr))
		if !ok || !slices.ContainsFunc(chain, func(n string) bool { return dns.IsSubDomain(zone, n) }) {
			t.Errorf("%v in the authority section of %q", rr, chain)
		}
	}
	if len(chain) > maxLinks+1 && k.qtype != dns.TypeANY && k.qtype != dns.TypeCNAME {
		t.Errorf("a chain of %d", len(chain))
	}
	if e.ttl < 0 || e.ttl > maxPositive || e.kind == negative && e.ttl > maxNegative || e.kind == failure && e.ttl != failureTTL {
		t.Errorf("%v of kind %d has the TTL %v", k, e.kind, e.ttl)
	}
	if slices.ContainsFunc(reply.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT }) {
		t.Errorf("additional: %v", reply.Extra)
	}
}

// zoneOf returns the zone of an authority record, as far as the record shows it.
func zoneOf(rr dns.RR) (zone string, ok bool) {
	switch rr := rr.(type) {
	case *dns.SOA:
		return rr.Hdr.Name, true
	case *dns.RRSIG:
		return rr.SignerName, dns.IsSubDomain(rr.SignerName, rr.Hdr.Name)
	case *dns.NSEC, *dns.NSEC3:
		return ".", true // the signature beside it has the zone
	}
	return "", false
}

func signed(section []dns.RR, rr dns.RR) bool {
	return slices.ContainsFunc(section, func(other dns.RR) bool {
		h := other.Header()
		return h.Rrtype == dns.TypeRRSIG && coveredType(other) == rr.Header().Rrtype && strings.EqualFold(h.Name, rr.Header().Name)
	})
}
