package lru

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// An attacker wants to choose the answer for victim. forgedData is the data of the forged
// records, which no client may get.
const (
	victim     = "db1.privatelink.blob.core.windows.net."
	forgedData = "6.6.6.6"
)

// Each row is a response of a malicious or spoofed upstream to the question
// "www.attacker.test. A". There is no row for a response with a wrong ID, because plugin
// forward drops it.
func TestPoison(t *testing.T) {
	const good, failed = "NOERROR: www.attacker.test. 60 A 192.0.2.1", "SERVFAIL:"
	const (
		soa   = "attacker.test. 60 SOA . . 1 2 3 4 5"
		alias = "www.attacker.test. 60 CNAME x.test."
		chain = alias + "; x.test. 60 A 192.0.2.1"
		nsec  = "windows.net. 60 NSEC zz.windows.net. SOA; windows.net. 60 RRSIG NSEC 8 2 60 20300101000000 20200101000000 1 "
	)
	for _, c := range []struct {
		name, reply, want string
		change            func(*dns.Msg) // for messages that the text cannot express
	}{
		{"wrong name", "NOERROR: www.attacker.test. 60 A 6.6.6.6; VICTIM 60 A 6.6.6.6", failed, func(m *dns.Msg) { m.Question[0].Name = victim }},
		{"wrong type", "NOERROR: www.attacker.test. 60 A 6.6.6.6", failed, func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA }},
		{"wrong class", "NOERROR: www.attacker.test. 60 A 6.6.6.6", failed, func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }},
		{"no question", "NOERROR: www.attacker.test. 60 A 6.6.6.6", failed, func(m *dns.Msg) { m.Question = nil }},
		{"two questions", "NOERROR: VICTIM 60 A 6.6.6.6", failed, func(m *dns.Msg) { m.Question = append(m.Question, query(victim, "A").Question...) }},
		{"a query", "NOERROR: www.attacker.test. 60 A 6.6.6.6", failed, func(m *dns.Msg) { m.Response = false }},
		{"a reply to NOTIFY", "NOERROR: www.attacker.test. 60 A 6.6.6.6", failed, func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }},
		{"truncated", "NOERROR tc: www.attacker.test. 60 A 6.6.6.6", failed, nil},
		{"data in a refusal", "REFUSED: www.attacker.test. 60 A 6.6.6.6; VICTIM 60 A 6.6.6.6", "REFUSED:", nil},
		{"data in a failure", "SERVFAIL: VICTIM 60 A 6.6.6.6 / VICTIM 60 A 6.6.6.6", failed, nil},
		{"unknown RCODE", "BADSIG: www.attacker.test. 60 A 6.6.6.6; VICTIM 60 A 6.6.6.6", failed, nil},

		{"answer for another name", "NOERROR: VICTIM 60 A 6.6.6.6", failed, nil},
		{"answer for another name as well", good + "; VICTIM 60 A 6.6.6.6", good, nil},
		{"answer after a forged one", "NOERROR: VICTIM 60 A 6.6.6.6; www.attacker.test. 60 A 192.0.2.1", good, nil},
		{"answer for the name above", good + "; attacker.test. 60 A 6.6.6.6", good, nil},
		{"answer for a name below", good + "; a.www.attacker.test. 60 A 6.6.6.6", good, nil},
		{"answer for a wildcard", good + "; *.privatelink.blob.core.windows.net. 60 A 6.6.6.6", good, nil},
		{"answer of another type", good + "; www.attacker.test. 60 TXT 6.6.6.6", good, nil},
		{"answer of another class", good + "; www.attacker.test. 60 CH A 6.6.6.6; VICTIM 60 CH A 6.6.6.6", good, nil},
		{"only of another class", "NOERROR: www.attacker.test. 60 HS A 6.6.6.6", failed, nil},
		{"question's name as a prefix", good + "; www.attacker.test.evil.test. 60 A 6.6.6.6", good, nil},
		{"alias for the victim", good + "; VICTIM 60 CNAME www.attacker.test.", good, nil},

		{"chain from another name", good + "; VICTIM 60 CNAME x.test.; x.test. 60 A 6.6.6.6", good, nil},
		{"chain with a gap", "NOERROR: www.attacker.test. 60 CNAME x.test.; y.test. 60 CNAME z.test.; z.test. 60 A 6.6.6.6", "NOERROR: www.attacker.test. 60 CNAME x.test.", nil},
		{"chain in another class", "NOERROR: www.attacker.test. 60 CH CNAME VICTIM; VICTIM 60 A 6.6.6.6", failed, nil},
		{"second target", "NOERROR: " + alias + "; www.attacker.test. 60 CNAME VICTIM; x.test. 60 A 192.0.2.1; VICTIM 60 A 6.6.6.6", "NOERROR: " + chain, nil},
		{"loop over the victim", "NOERROR: www.attacker.test. 60 CNAME VICTIM; VICTIM 60 CNAME www.attacker.test. / " + soa, failed, nil},
		{"beside the address", good + "; www.attacker.test. 60 CNAME VICTIM; VICTIM 60 A 6.6.6.6", good, nil},

		{"DNAME of another owner", good + "; windows.net. 60 DNAME evil.test.", good, nil},
		{"DNAME of the root", good + "; . 60 DNAME evil.test.", good, nil},
		{"DNAME beside an unrelated CNAME", "NOERROR: test. 60 DNAME evil.; " + chain, "NOERROR: " + chain, nil},
		{"DNAME alone", "NOERROR: attacker.test. 60 DNAME windows.net.; www.windows.net. 60 A 6.6.6.6", failed, nil},

		{"NS and glue", good + " / windows.net. 60 NS ns.evil.test. / ns.evil.test. 60 A 6.6.6.6", good, nil},
		{"NS and glue of the name above", good + " / test. 60 NS ns.test. / ns.test. 60 A 6.6.6.6", good, nil},
		{"NS of the root", good + " / . 60 NS ns.evil.test.", good, nil},
		{"referral", "NOERROR: / attacker.test. 60 NS ns.attacker.test. / ns.attacker.test. 60 A 6.6.6.6", failed, nil},
		{"referral of the victim's zone", "NOERROR: / privatelink.blob.core.windows.net. 60 NS ns.evil.test. / ns.evil.test. 60 A 6.6.6.6", failed, nil},
		{"authority: address", good + " / VICTIM 60 A 6.6.6.6", good, nil},
		{"authority: address of the question's name", "NOERROR: / www.attacker.test. 60 A 6.6.6.6", "NOERROR:", nil},
		{"authority: SOA of another zone", "NXDOMAIN: / privatelink.blob.core.windows.net. 60 SOA . . 1 2 3 4 5", "NXDOMAIN:", nil},
		{"authority: SOA beside an answer", good + " / privatelink.blob.core.windows.net. 60 SOA . . 1 2 3 4 5", good, nil},
		{"authority: two SOA records", "NXDOMAIN: / " + soa + "; windows.net. 60 SOA . . 1 2 3 4 5", "NXDOMAIN: / attacker.test. 5 SOA", nil},
		{"authority: NSEC over the victim", "NXDOMAIN: / " + soa + "; " + nsec + "windows.net. AAAA", "NXDOMAIN: / attacker.test. 5 SOA", nil},
		{"authority: NSEC, signed by the attacker", "NXDOMAIN: / " + soa + "; " + nsec + "attacker.test. AAAA", "NXDOMAIN: / attacker.test. 5 SOA", nil},
		{"additional: address", good + " /  / VICTIM 60 A 6.6.6.6", good, nil},
		{"additional: address of the question's name", "NOERROR: /  / www.attacker.test. 60 A 6.6.6.6", "NOERROR:", nil},
		{"authority: SOA of the victim's zone, no answer", "NOERROR: / privatelink.blob.core.windows.net. 60 SOA . . 1 2 3 4 5", "NOERROR:", nil},
		{"additional: alias", good + " /  / VICTIM 60 CNAME x.test.; x.test. 60 A 6.6.6.6", good, nil},
		{"additional: SOA", "NXDOMAIN: /  / attacker.test. 60 SOA . . 1 2 3 4 5", "NXDOMAIN:", nil},
	} {
		for _, do := range []bool{false, true} {
			u := &upstream{}
			m := parseReply(t, strings.ReplaceAll(c.reply, "VICTIM", victim))
			u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
				m := responseTo(m, r)
				m.Question = append([]dns.Question(nil), m.Question...)
				if c.change != nil {
					c.change(m)
				}
				return m
			})
			checkNotPoisoned(t, c.name, u, c.want, do)
		}
	}
}

// checkNotPoisoned asks the attacker's question twice, because the second answer comes
// from memory. Then it asks for other names. None of them may be in memory, so each is
// asked upstream and gets the correct answer.
func checkNotPoisoned(t *testing.T, name string, u *upstream, want string, do bool) {
	t.Helper()
	l := newLRU(u, 100)
	for range 2 {
		r := query("www.attacker.test.", "A")
		if do {
			r.SetEdns0(upstreamUDPSize, true)
		}
		m := ask(t, l, r)
		if m.Extra = nil; show(m) != want || strings.Contains(m.String(), forgedData) {
			t.Errorf("%s, DO %v: %s; want %s", name, do, show(m), want)
		}
	}
	if n := l.store.len(); n > 1 {
		t.Errorf("%s, DO %v: %d entries; want the question's at most", name, do, n)
	}
	for _, other := range []string{
		victim, "x.test.", "z.test.", "evil.test.", "ns.evil.test.", "attacker.test.", "windows.net.", "privatelink.blob.core.windows.net.",
	} {
		correct := "NOERROR: " + other + " 60 A 192.0.2.7"
		u.responds(t, correct)
		before := u.asked.Load()
		if got := show(ask(t, l, query(other, "A"))); got != correct || u.asked.Load() != before+1 {
			t.Errorf("%s, DO %v: %s is %s after %d questions; want %s after 1", name, do, other, got, u.asked.Load()-before, correct)
		}
	}
}

// An answer for one type, class, DO or CD is not served for another.
func TestPoisonAcrossQuestions(t *testing.T) {
	forged := "NOERROR: " + victim + " 60 TXT 6.6.6.6; " + victim + " 60 AAAA ::6606:606; " + victim + " 60 A 192.0.2.1"
	with := func(r *dns.Msg, change func(*dns.Msg)) *dns.Msg {
		change(r)
		return r
	}
	for _, c := range []struct {
		name string
		then *dns.Msg
	}{
		{"another type", query(victim, "AAAA")},
		{"text", query(victim, "TXT")},
		{"any type", query(victim, "ANY")},
		{"DO", query(victim, "A").SetEdns0(upstreamUDPSize, true)},
		{"CD", with(query(victim, "A"), func(r *dns.Msg) { r.CheckingDisabled = true })},
		{"another class", with(query(victim, "A"), func(r *dns.Msg) { r.Question[0].Qclass = dns.ClassCHAOS })},
	} {
		u := &upstream{}
		u.responds(t, forged)
		l := newLRU(u, 100)
		ask(t, l, query(victim, "A"))
		u.responds(t, "REFUSED:")
		m := ask(t, l, c.then)
		if m.Extra = nil; show(m) != "REFUSED:" || u.asked.Load() != 2 {
			t.Errorf("%s: %s after %d questions; want REFUSED: after 2", c.name, show(m), u.asked.Load())
		}
	}
}
