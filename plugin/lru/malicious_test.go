package lru

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// deepName has 120 labels.
var deepName = strings.Repeat("a.", 120)

// maliciousReplies create responses of n records that cost a filter without an index
// quadratic time.
var maliciousReplies = []struct {
	name, query string
	text        func(n int) string
	failure     bool // the client gets SERVFAIL
}{
	{"CNAME links beside DNAME records", "w.example. A do", func(n int) string {
		return links(15) + repeat(n/2, "o%d.other. 60 CNAME x.other.") + repeat(n/2, "example. 60 DNAME x%d.other.")
	}, false},
	{"DNAME records above a deep name", deepName + " A do", func(n int) string {
		all := deepName + " 60 CNAME x.other.; "
		for at := 2; at < len(deepName); at += 2 {
			all += repeat(n/120, deepName[at:]+" 60 DNAME x%d.other.")
		}
		return all
	}, false},
	{"a loop of two among others", "w.example. A do", func(n int) string {
		return repeat(n, "w.example. 60 CNAME x.example.; x.example. 60 CNAME w.example.; o%d.other. 60 TXT x")
	}, true},
	{"links that are repeated", "w.example. A do", func(n int) string { return strings.Repeat(links(15), n/15) }, false},
	{"one record, repeated", "w.example. A", func(n int) string { return strings.Repeat("w.example. 60 A 192.0.2.1; ", n) }, false},
	{"100 records, repeated", "w.example. A", func(n int) string { return strings.Repeat(repeat(100, "w.example. 60 A 192.0.2.%d"), n/100) }, false},
	{"all different", "w.example. TXT", func(n int) string { return repeat(n, "w.example. 60 TXT %d") }, false},
	{"all different in the case of letters only", "w.example. TXT", func(n int) (all string) {
		for i := range n {
			text := []byte("abcdefghijkl")
			for bit := range text {
				text[bit] -= byte(i>>bit&1) * ('a' - 'A')
			}
			all += "w.example. 60 TXT " + string(text) + "; "
		}
		return all
	}, false},
	{"signatures of one record", "w.example. A do", func(n int) string {
		return "w.example. 60 A 192.0.2.1; " + repeat(n, "w.example. 60 RRSIG A 8 2 60 20300101000000 20200101000000 %d example. AAAA")
	}, true},
	{"signatures of one absent NSEC record", "w.example. A do", func(n int) string {
		return " / {soa}; " + repeat(n, "v.example. 60 RRSIG NSEC 8 2 60 20300101000000 20200101000000 %d example. AAAA")
	}, true},
	{"signatures of absent NSEC records", "w.example. A do", func(n int) string {
		return " / {soa}; " + repeat(n, "v%d.example. 60 RRSIG NSEC 8 2 60 20300101000000 20200101000000 1 example. AAAA")
	}, false},
	{"one signature of the SOA record, repeated", "w.example. A do", func(n int) string { return " / {soa}; " + strings.Repeat("{sigSOA}; ", n) }, false},
	{"NSEC records and their signatures", "w.example. A do", func(n int) string {
		return " / {soa}; " + repeat(n/2, "v%[1]d.example. 60 NSEC x.example. A; v%[1]d.example. 60 RRSIG NSEC 8 2 60 20300101000000 20200101000000 1 example. AAAA")
	}, false},
}

func maliciousReply(t testing.TB, text func(int) string, question string, n int) (key, *dns.Msg) {
	r := questionOf(question)
	return keyOf(r), responseTo(parseReply(t, "NOERROR: "+placeholders.Replace(text(n))), r)
}

// The filter's work is linear in the size of the response.
func TestMaliciousRepliesCostLinearWork(t *testing.T) {
	for _, c := range maliciousReplies {
		var work [2]int
		for i, n := range []int{900, 3600} {
			k, m := maliciousReply(t, c.text, c.query, n)
			f := newFilter(k, m)
			e := f.run()
			work[i] = f.comparisons
			if got := e.kind == failure; got != c.failure {
				t.Errorf("%s: failure is %v; want %v", c.name, got, c.failure)
			}
			if most := (indexThreshold + 2*maxLinks) * (len(m.Answer) + len(m.Ns)); f.comparisons > most {
				t.Errorf("%s: %d comparisons for %d; want %d at most", c.name, f.comparisons, n, most)
			}
		}
		if work[1] > 5*work[0]+1000 {
			t.Errorf("%s: %d comparisons, and %d for four times the records", c.name, work[0], work[1])
		}
	}
}

// The time for a reply of 15, 30 and 60 kB: ns/record is the same for all three if
// the filter is linear.
func BenchmarkMalicious(b *testing.B) {
	for _, c := range maliciousReplies {
		for _, n := range []int{900, 1800, 3600} {
			k, m := maliciousReply(b, c.text, c.query, n)
			b.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(c.name, " ", "_"), n), func(b *testing.B) {
				for b.Loop() {
					filterAnswer(k, m)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(m.Answer)+len(m.Ns)), "ns/record")
			})
		}
	}
}

// Each record is returned once, regardless of the letter case of its names.
func TestDuplicates(t *testing.T) {
	for _, c := range []struct{ name, query, reply, want string }{
		{"addresses", "w.example. A", "NOERROR: w.example. 60 A 192.0.2.1; w.example. 60 A 192.0.2.2; w.example. 60 A 192.0.2.1", "NOERROR: w.example. 60 A 192.0.2.1; w.example. 60 A 192.0.2.2"},
		{"with different TTLs: the lowest", "w.example. A", "NOERROR: w.example. 60 A 192.0.2.1; w.example. 9 A 192.0.2.1", "NOERROR: w.example. 9 A 192.0.2.1"},
		{"with owners in another case", "w.example. A", "NOERROR: w.example. 60 A 192.0.2.1; W.Example. 60 A 192.0.2.1", "NOERROR: w.example. 60 A 192.0.2.1"},
		{"with data in another case", "w.example. NS", "NOERROR: w.example. 60 NS a.example.; w.example. 60 NS A.example.", "NOERROR: w.example. 60 NS a.example."},
		{"text in another case is no duplicate", "w.example. TXT", `NOERROR: w.example. 60 TXT "a"; w.example. 60 TXT "A"`, `NOERROR: w.example. 60 TXT "a"; w.example. 60 TXT "A"`},
		{"at the end of a chain", "w.example. A", "NOERROR: w.example. 60 CNAME x.; w.example. 60 CNAME x.; x. 60 A 192.0.2.1; x. 60 A 192.0.2.1", "NOERROR: w.example. 60 CNAME x.; x. 60 A 192.0.2.1"},
		{"signatures", "w.example. A do", "NOERROR: w.example. 60 A 192.0.2.1; {sigA}; {sigA}", "NOERROR: w.example. 60 A 192.0.2.1; {sigA}"},
		{"the proof", "w.example. A do", "NXDOMAIN: / {soa}; {soa}; {sigSOA}; {sigSOA}; {nsec}; {nsec}; {sigN}; {sigN}", "NXDOMAIN: / example. 300 SOA; {sigSOA}; {nsec}; {sigN}"},
		{"unknown types", "w.example. TYPE65400", `NOERROR: w.example. 60 TYPE65400 \# 2 abcd; w.example. 60 TYPE65400 \# 2 abcd`, "NOERROR: w.example. 60  w.example.\t60\tCLASS1\tTYPE65400\t\\# 2 abcd"},
	} {
		r := questionOf(c.query)
		e := filterAnswer(keyOf(r), responseTo(parseReply(t, placeholders.Replace(c.reply)), r))
		if got, want := show(e.reply(r, e.stored)), placeholders.Replace(c.want); got != want {
			t.Errorf("%s: %s; want %s", c.name, got, want)
		}
	}
}

// An RRset of more than 100 records is returned as a whole and not stored. Duplicates do
// not count. More than 100 signatures are a failure.
func TestRecordsOfASet(t *testing.T) {
	const (
		sigOfA   = "w.example. 60 RRSIG A 8 2 60 20300101000000 20200101000000 %d example. AAAA"
		sigOfSOA = "example. 60 RRSIG SOA 8 1 60 20300101000000 20200101000000 %d example. AAAA"
	)
	for _, c := range []struct {
		name, query, reply string
		want               int // records; -1: SERVFAIL with EDE 24
		stored             bool
	}{
		{"100", "w.example. A", repeat(100, "w.example. 60 A 192.0.2.%d"), 100, true},
		{"100, each twice", "w.example. A", strings.Repeat(repeat(100, "w.example. 60 A 192.0.2.%d"), 2), 100, true},
		{"101", "w.example. A", repeat(101, "w.example. 60 A 192.0.2.%d"), 101, false},
		{"101 at the end of a chain", "w.example. A", "w.example. 60 CNAME x.;" + repeat(101, "x. 60 A 192.0.2.%d"), 102, false},
		{"3000", "w.example. TXT", repeat(3000, "w.example. 60 TXT %d"), 3000, false},
		{"101 of another type", "w.example. A", "w.example. 60 A 192.0.2.1;" + repeat(101, "w.example. 60 TXT %d"), 1, true},
		{"101 of another name", "w.example. A", "w.example. 60 A 192.0.2.1;" + repeat(101, "x.example. 60 A 192.0.2.%d"), 1, true},
		{"100 signatures", "w.example. A do", "w.example. 60 A 192.0.2.1;" + repeat(100, sigOfA), 101, true},
		{"101 signatures", "w.example. A do", "w.example. 60 A 192.0.2.1;" + repeat(101, sigOfA), -1, false},
		{"101 signatures, no DO", "w.example. A", "w.example. 60 A 192.0.2.1;" + repeat(101, sigOfA), 1, true},
		{"101 signatures of the SOA record", "w.example. A do", " / {soa}; " + repeat(101, sigOfSOA), -1, false},
	} {
		r := questionOf(c.query)
		e := filterAnswer(keyOf(r), responseTo(parseReply(t, placeholders.Replace("NOERROR: "+c.reply)), r))
		m := e.reply(r, e.stored)
		if got := len(m.Answer); c.want >= 0 && got != c.want || c.want < 0 && show(m) != invalidData {
			t.Errorf("%s: %d records, %s; want %d", c.name, got, dns.RcodeToString[m.Rcode], c.want)
		}
		if stored := e.kind != failure && e.ttl > 0; stored != c.stored {
			t.Errorf("%s: stored for %s; want %v", c.name, e.ttl, c.stored)
		}
	}
}
