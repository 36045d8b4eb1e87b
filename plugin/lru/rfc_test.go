package lru

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// A step is a question after a pause, and its answer.
type step struct {
	after    time.Duration
	upstream string // its response from then on; "": as before, "-": none
	query    string // in the notation of questionOf
	answer   string
	asked    int32 // questions upstream since the start
}

func runSteps(t *testing.T, steps []step) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		l := newLRU(u, 100)
		for i, s := range steps {
			time.Sleep(s.after)
			switch s.upstream {
			case "":
			case "-":
				u.timesOut(time.Second)
			default:
				u.responds(t, s.upstream)
			}
			if got := show(ask(t, l, questionOf(s.query))); got != s.answer || u.asked.Load() != s.asked {
				t.Errorf("step %d: %s = %s after %d questions; want %s after %d", i, s.query, got, u.asked.Load(), s.answer, s.asked)
			}
		}
		l.flights.wait()
	})
}

const nxSOA = "example. 900 SOA . . 1 2 3 4 300"

// 5.2: the records of an RRset have one TTL, and each RRset has its own.
func TestRFC2181PerRRsetTTL(t *testing.T) {
	runSteps(t, []step{
		{0, "NOERROR: w.example. 300 CNAME x.; x. 60 A 192.0.2.1; x. 90 A 192.0.2.2", "w.example. A", "NOERROR: w.example. 300 CNAME x.; x. 60 A 192.0.2.1; x. 60 A 192.0.2.2", 1},
		{59 * time.Second, "", "w.example. A", "NOERROR: w.example. 241 CNAME x.; x. 1 A 192.0.2.1; x. 1 A 192.0.2.2", 1},
		{time.Second, "", "w.example. A", "NOERROR: w.example. 300 CNAME x.; x. 60 A 192.0.2.1; x. 60 A 192.0.2.2", 2},
	})
}

// 8: a TTL with the highest bit set is 0, and 0 is not stored.
func TestRFC2181HighBitTTL(t *testing.T) {
	runSteps(t, []step{
		{0, "NOERROR: w.example. 2147483648 A 192.0.2.1", "w.example. A", "NOERROR: w.example. 0 A 192.0.2.1", 1},
		{0, "NOERROR: w.example. 2147483647 A 192.0.2.1", "w.example. A", "NOERROR: w.example. 86400 A 192.0.2.1", 2},
		{0, "", "w.example. A", "NOERROR: w.example. 86400 A 192.0.2.1", 2},
	})
}

// 3 and 5: the lower of the SOA record's TTL and MINIMUM, counted down.
func TestRFC2308NegativeTTL(t *testing.T) {
	runSteps(t, []step{
		{0, "NXDOMAIN: / " + nxSOA, "w.example. A", "NXDOMAIN: / example. 300 SOA", 1},
		{299 * time.Second, "", "w.example. A", "NXDOMAIN: / example. 1 SOA", 1},
		{time.Second, "NOERROR: / example. 9 SOA . . 1 2 3 4 300", "w.example. A", "NOERROR: / example. 9 SOA", 2},
		{9 * time.Second, "", "w.example. A", "NOERROR: / example. 9 SOA", 3},
	})
}

// 2.1: NXDOMAIN with a CNAME record is stored as well, for the lowest TTL.
func TestRFC2308AliasOfNoName(t *testing.T) {
	runSteps(t, []step{
		{0, "NXDOMAIN: w.example. 60 CNAME x.example. / " + nxSOA, "w.example. A", "NXDOMAIN: w.example. 60 CNAME x.example. / example. 300 SOA", 1},
		{59 * time.Second, "", "w.example. A", "NXDOMAIN: w.example. 1 CNAME x.example. / example. 241 SOA", 1},
		{time.Second, "", "w.example. A", "NXDOMAIN: w.example. 60 CNAME x.example. / example. 300 SOA", 2},
	})
}

// 5: NODATA is for one type, and so is an answer.
func TestRFC2308NoDataIsForOneType(t *testing.T) {
	runSteps(t, []step{
		{0, "NOERROR: / " + nxSOA, "w.example. AAAA", "NOERROR: / example. 300 SOA", 1},
		{0, "NOERROR: w.example. 60 A 192.0.2.1", "w.example. A", "NOERROR: w.example. 60 A 192.0.2.1", 2},
		{0, "", "w.example. AAAA", "NOERROR: / example. 300 SOA", 2},
	})
}

// 5: a negative answer without an SOA record is not stored.
func TestRFC2308WithoutSOA(t *testing.T) {
	runSteps(t, []step{
		{0, "NOERROR: w.example. 60 CNAME x.example.", "w.example. A", "NOERROR: w.example. 60 CNAME x.example.", 1},
		{0, "", "w.example. A", "NOERROR: w.example. 60 CNAME x.example.", 2},
	})
}

// 7: a failure is cached for five minutes at most.
func TestRFC2308ServerFailure(t *testing.T) {
	if failureTTL > 5*time.Minute {
		t.Errorf("failures are cached for %v; want 5m at most", failureTTL)
	}
}

// 4: one entry for all spellings, and each client sees its own.
func TestRFC4343Case(t *testing.T) {
	runSteps(t, []step{
		{0, "NOERROR: W.example. 60 A 192.0.2.1", "w.eXample. A", "NOERROR: w.eXample. 60 A 192.0.2.1", 1},
		{0, "", "W.EXAMPLE. A", "NOERROR: W.EXAMPLE. 60 A 192.0.2.1", 1},
		{0, "", "w.example. A", "NOERROR: w.example. 60 A 192.0.2.1", 1},
	})
}

// 3: the RCODE is that of the last name of a chain.
func TestRFC6604RcodeOfTheLastName(t *testing.T) {
	runSteps(t, []step{
		{0, "NXDOMAIN: w.example. 60 CNAME x.; x. 60 A 192.0.2.1", "w.example. A", "NOERROR: w.example. 60 CNAME x.; x. 60 A 192.0.2.1", 1},
		{0, "NXDOMAIN: v.example. 60 CNAME x. / . 60 SOA . . 1 2 3 4 60", "v.example. A", "NXDOMAIN: v.example. 60 CNAME x. / . 60 SOA", 2},
		{0, "NOERROR: u.example. 60 CNAME x. / . 60 SOA . . 1 2 3 4 60", "u.example. A", "NOERROR: u.example. 60 CNAME x. / . 60 SOA", 3},
	})
}

// 6.1.1 and 6.2.3: EDNS is hop by hop. Of the client's EDNS only DO is sent upstream. The
// upstream's EDNS is not returned.
func TestRFC6891HopByHop(t *testing.T) {
	for _, do := range []bool{false, true} {
		u := &upstream{}
		m := parseReply(t, "NOERROR: w.example. 60 A 192.0.2.1")
		m.SetEdns0(4000, true).IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}}
		u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg { return responseTo(m, r) })
		l := newLRU(u, 10)
		r := query("w.example.", "A").SetEdns0(4096, do)
		r.IsEdns0().Option = []dns.EDNS0{
			&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(192, 0, 2, 0)},
			&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "8899aabbccddeeff"}, &dns.EDNS0_LOCAL{Code: dns.EDNS0LOCALSTART, Data: []byte{1}},
		}
		for range 2 {
			if got := ask(t, l, r); len(got.Extra) != 0 {
				t.Errorf("DO %v: the client gets %v", do, got.Extra)
			}
		}
		opt := u.queries[0].IsEdns0()
		if opt == nil || opt.UDPSize() != 1232 || opt.Do() != do || len(opt.Option) != 0 || opt.Version() != 0 ||
			len(u.queries[0].Extra) != 1 || u.asked.Load() != 1 {
			t.Errorf("DO %v: %d questions, with %v; want one with size 1232, DO %v and no option", do, u.asked.Load(), opt, do)
		}
	}
}

// 4: a stale answer has a TTL of 30 s, and EDE 3 (RFC 8914, 4.4).
func TestRFC8767StaleTTL(t *testing.T) {
	runSteps(t, []step{
		{0, "NOERROR: w.example. 300 CNAME x.; x. 10 A 192.0.2.1", "w.example. A", "NOERROR: w.example. 300 CNAME x.; x. 10 A 192.0.2.1", 1},
		{10 * time.Second, "-", "w.example. A", "NOERROR EDE 3: w.example. 30 CNAME x.; x. 30 A 192.0.2.1", 2},
		{2 * time.Second, "", "w.example. A", "NOERROR EDE 3: w.example. 30 CNAME x.; x. 30 A 192.0.2.1", 2},
		{time.Hour, "", "w.example. A", "SERVFAIL EDE 22:", 3},
	})
}

// 5: a client that has waited for 1.8 s gets a stale answer. Without a stale answer it
// waits longer.
func TestRFC8767ClientResponseTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.responds(t, "NOERROR: w.example. 10 A 192.0.2.1")
		l := newLRU(u, 10)
		ask(t, l, query("w.example.", "A"))
		time.Sleep(10 * time.Second)
		u.timesOut(time.Minute)
		for _, c := range []struct {
			name string
			want time.Duration
		}{{"w.example.", 1800 * time.Millisecond}, {"v.example.", clientTimeout}} {
			began := time.Now()
			ask(t, l, query(c.name, "A"))
			if got := time.Since(began); got != c.want {
				t.Errorf("%s takes %v; want %v", c.name, got, c.want)
			}
		}
		l.flights.wait()
	})
}

// 4 and 6: only positive answers are served stale, and a negative answer replaces them.
func TestRFC8767NegativeIsNotStale(t *testing.T) {
	runSteps(t, []step{
		{0, "NXDOMAIN: / " + nxSOA, "w.example. A", "NXDOMAIN: / example. 300 SOA", 1},
		{5 * time.Minute, "-", "w.example. A", "SERVFAIL EDE 22:", 2},
		{0, "NOERROR: v.example. 1 A 192.0.2.1", "v.example. A", "NOERROR: v.example. 1 A 192.0.2.1", 3},
		{time.Second, "NXDOMAIN: / example. 1 SOA . . 1 2 3 4 1", "v.example. A", "NXDOMAIN: / example. 1 SOA", 4},
		{time.Second, "-", "v.example. A", "SERVFAIL EDE 22:", 5},
	})
}

// 4.3, 4.23 and 3: a client with EDNS gets the reason of a failure, or the upstream's
// reason if there is one.
func TestRFC8914ExtendedErrors(t *testing.T) {
	runSteps(t, []step{
		{0, "-", "w.example. A", "SERVFAIL EDE 22:", 1},
		{failureTTL, "NOERROR: / example. 60 NS ns.example.", "w.example. A", "SERVFAIL EDE 24:", 2},
	})
	u := &upstream{}
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
		m := new(dns.Msg).SetRcode(r, dns.RcodeServerFailure).SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus, ExtraText: "w.example."}}
		return m
	})
	l := newLRU(u, 10)
	if got := show(ask(t, l, questionOf("w.example. A"))); got != "SERVFAIL EDE 6:" {
		t.Errorf("%s; want the upstream's reason, EDE 6", got)
	}
	if got := ask(t, l, query("w.example.", "A")); got.IsEdns0() != nil {
		t.Errorf("%v; want no OPT record for a client without EDNS", got)
	}
}

// 3.1 and 3.2: few upstream queries for each client query, and a failure is cached for
// 1 s to 5 min.
func TestRFC9520Failures(t *testing.T) {
	runSteps(t, []step{
		{0, "-", "w.example. A", "SERVFAIL EDE 22:", 1},
		{failureTTL - time.Millisecond, "", "w.example. A", "SERVFAIL EDE 22:", 1},
		{time.Millisecond, "SERVFAIL:", "w.example. A", "SERVFAIL:", 2},
		{failureTTL - time.Millisecond, "", "w.example. A", "SERVFAIL:", 2},
		{time.Millisecond, "FORMERR:", "w.example. A", "SERVFAIL:", 4},
	})
}

// 3: a response has one question, that of the query. A query with two questions does not
// reach the plugin, because the server rejects it.
func TestRFC9619OneQuestion(t *testing.T) {
	if got := dns.DefaultMsgAcceptFunc(dns.Header{Qdcount: 2}); got == dns.MsgAccept {
		t.Errorf("the server accepts a query with two questions: %v", got)
	}
	for _, questions := range [][]dns.Question{nil, append(query("w.example.", "A").Question, query("x.example.", "A").Question...)} {
		u := &upstream{}
		m := parseReply(t, "NOERROR: w.example. 60 A 192.0.2.1")
		u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
			m := responseTo(m, r)
			m.Question = questions
			return m
		})
		if got := show(ask(t, newLRU(u, 10), query("w.example.", "A"))); got != "SERVFAIL:" {
			t.Errorf("a reply with %d questions is %s; want SERVFAIL", len(questions), got)
		}
	}
}
