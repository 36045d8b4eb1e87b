package upstream

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// change returns a response with other octets.
func change(at int, octets ...byte) func(query, response []byte) [][]byte {
	return func(_, response []byte) [][]byte {
		b := bytes.Clone(response)
		for i, octet := range octets {
			b[at+i] ^= octet
		}
		return [][]byte{b}
	}
}

// cut returns the first n octets of a response.
func cut(n int) func(query, response []byte) [][]byte {
	return func(_, response []byte) [][]byte { return [][]byte{response[:min(n, len(response))]} }
}

// Each forged datagram is counted and discarded, and the right response is returned.
// Without a right response, there is no answer.
func TestForgedResponses(t *testing.T) {
	const name = "www.example."
	end := headerSize + len(name) + 1
	for _, tc := range []struct {
		name, reason string
		forged       func(query, response []byte) [][]byte
	}{
		{"other ID", "id", change(0, 0, 1)},
		{"ID with its octets exchanged", "id", func(_, r []byte) [][]byte {
			b := bytes.Clone(r)
			b[0], b[1] = r[1]^0x55, r[0]
			return [][]byte{b}
		}},
		{"the query itself", "qr", func(q, _ []byte) [][]byte { return [][]byte{q} }},
		{"no QR", "qr", change(2, 0x80)},
		{"opcode NOTIFY", "opcode", change(2, 4<<3)},
		{"other name", "question", change(headerSize+1, 1)},
		{"other type", "question", change(end+1, 1)},
		{"other class", "question", change(end+3, 2)},
		{"type whose octet differs by case", "question", change(end+1, 0x20)},
		{"no question", "question", change(5, 1)},
		{"two questions", "question", change(5, 3)},
		{"257 questions", "question", change(4, 1)},
		{"name of one more label", "question", change(headerSize, 1)},
		{"compressed name", "question", change(headerSize, 0xc0)},
		{"header with NOERROR", "question", func(_, r []byte) [][]byte { return [][]byte{append(bytes.Clone(r[:4]), 0, 0, 0, 0, 0, 0, 0, 0)} }},
		{"empty datagram", "size", cut(0)},
		{"11 octets", "size", cut(11)},
		{"cut in the question", "question", cut(end + 3)},
		{"cut in a record", "malformed", cut(end + 4 + 9)},
	} {
		for _, instead := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				h := &host{delay: 100 * ms, answer: records(1), forged: tc.forged}
				want := "NOERROR 1 after 100ms"
				if instead {
					h.delay, want = time.Hour, "SERVFAIL EDE 22 after 4s"
				}
				u := start(t, fakeNetwork{hub: h}, nil, hub)
				counter := discardedTotal.WithLabelValues(hub, tc.reason)
				before := testutil.ToFloat64(counter)
				got := lookup(t, u, name)
				expect(t, tc.name, got, want)
				if testutil.ToFloat64(counter) == before {
					t.Errorf("%s: not counted as %q", tc.name, tc.reason)
				}
				u.close()
				time.Sleep(2 * time.Hour)
			})
		}
	}
}

// A flood of forged responses marks no upstream as down and fails no query.
func TestForgedFloodLeavesUpstreamUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{delay: 20 * ms, answer: records(1), forged: func(_, r []byte) [][]byte {
			return slices.Repeat(change(0, 1)(nil, r), 90)
		}}
		u := start(t, fakeNetwork{hub: h}, nil, hub)
		defer end(u)
		for range 50 {
			expect(t, "query", lookup(t, u, "a.example."), "NOERROR 1 after 20ms")
		}
		if !u.servers[0].is(up) {
			t.Error("the upstream is not up")
		}
	})
}

func FuzzResponse(f *testing.F) {
	r := new(dns.Msg).SetQuestion("www.Example.", dns.TypeA)
	r.SetEdns0(1232, true)
	q, err := newQuery(r)
	if err != nil {
		f.Fatal(err)
	}
	for n := range 3 {
		b, err := records(n)(r).Pack()
		if err != nil {
			f.Fatal(err)
		}
		b[0], b[1] = 0x12, 0x34
		f.Add(b)
	}
	f.Add([]byte{0x12, 0x34, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, reason := q.parse(b, 0x1234)
		if (m != nil) != (reason == matches) {
			t.Fatalf("parse = %v, %d", m, reason)
		}
		if m == nil || headerOnly(b) {
			return
		}
		if len(m.Question) != 1 || !equalFold(m.Question[0].Name, q.name) || m.Question[0].Qtype != dns.TypeA || m.Question[0].Qclass != dns.ClassINET {
			t.Fatalf("accepted %v", m.Question)
		}
		prepare(m, r)
		_, _ = m.Pack() // it does not panic
	})
}

func equalFold(a, b string) bool { return dns.CanonicalName(a) == dns.CanonicalName(b) }

// The ports and IDs of 1,000 queries: no more of them are equal than a random choice from
// the whole range makes likely, and they are spread over it.
func TestEntropy(t *testing.T) {
	const n = 1000
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	r := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	q, err := newQuery(r)
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaults()
	system := newSystem(cfg)
	defer system.close()
	s := newServer(endpoint{addr: server.LocalAddr().(*net.UDPAddr).AddrPort()}, cfg, system, func() {})
	var ports, ids []int
	buf := make([]byte, 512)
	for range n {
		d, err := s.send(q)
		if err != nil {
			t.Fatal(err)
		}
		size, from, err := server.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		if int(d.id) != int(buf[0])<<8|int(buf[1]) {
			t.Fatal("the ID is not that of the datagram")
		}
		ports, ids = append(ports, int(from.Port())), append(ids, int(d.id))
		buf[2] |= 0x80
		if _, err := server.WriteToUDPAddrPort(buf[:size], from); err != nil {
			t.Fatal(err)
		}
		if _, err := d.receive(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		d.finish()
	}
	low, high := portRange(t)
	checkRandom(t, "ports", ports, low, high)
	checkRandom(t, "IDs", ids, 0, 65535)
}

// checkRandom fails for fewer than one of a million random choices: with 1,000 of 28,000
// values, 982 differ on average and fewer than 950 practically never; each
// sixteenth of the range has 62 on average, with a deviation of 7.6.
func checkRandom(t *testing.T, what string, values []int, low, high int) {
	t.Helper()
	different, bins, rising := map[int]bool{}, [16]int{}, 0
	for i, v := range values {
		if v < low || v > high {
			t.Errorf("%s: %d is not within %d to %d", what, v, low, high)
			return
		}
		different[v] = true
		bins[(v-low)*16/(high-low+1)]++
		if i > 0 && v > values[i-1] {
			rising++
		}
	}
	if len(different) < 950 {
		t.Errorf("%s: %d of %d differ; want 950 or more", what, len(different), len(values))
	}
	for i, n := range bins {
		if n < 20 || n > 110 {
			t.Errorf("%s: %d in part %d of 16: %v", what, n, i, bins)
		}
	}
	if rising < 400 || rising > 600 {
		t.Errorf("%s: %d of %d are above the one before", what, rising, len(values))
	}
	t.Log(what, fmt.Sprint(len(different), " of ", len(values), " differ, ", bins))
}
