package cookies

import (
	"encoding/hex"
	"net/netip"
	"testing"
	"time"
)

func digits(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func keyed(t testing.TB, texts ...string) *secrets {
	t.Helper()
	var all []secret
	for _, text := range texts {
		all = append(all, secret(digits(t, text)))
	}
	s := &secrets{}
	s.all.Store(&all)
	return s
}

// The test vectors of RFC 9018, appendix A.
func TestVectors(t *testing.T) {
	const old, current, one = "dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962", "e5e973e5a6b2a43f48e7dc849e37bfcf"
	const v6 = "2001:db8:220:1:59de:d0f4:8769:82b8"
	for _, tc := range []struct {
		name, addr, sent string
		seconds          int64
		secrets          []string
		want             string
		kind             kind
	}{
		{"A.1, a new cookie", "198.51.100.100", "2464c4abcf10c957", 1559731985, []string{one}, "2464c4abcf10c957010000005cf79f111f8130c3eee29480", client},
		{"A.2, the same client later", "198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1559734385, []string{one}, "2464c4abcf10c957010000005cf7a871d4a564a1442aca77", valid},
		{"A.3, another client, reserved octets", "203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", 1559727985, []string{one}, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", valid},
		{"A.3, two hours later", "203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", 1559734700, []string{one}, "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", invalid},
		{"A.4, a rolled secret", v6, "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 1559741961, []string{current, old}, "22681ab97d52c298010000005cf7c609a6bb79d16625507a", valid},
	} {
		got, k := keyed(t, tc.secrets...).answer(digits(t, tc.sent), netip.MustParseAddr(tc.addr), time.Unix(tc.seconds, 0))
		if text := hex.EncodeToString(got[:]); text != tc.want || k != tc.kind {
			t.Errorf("%s: %s, %d; want %s, %d", tc.name, text, k, tc.want, tc.kind)
		}
	}
}

const (
	clientCookie = "2464c4abcf10c957"
	key          = "e5e973e5a6b2a43f48e7dc849e37bfcf"
	otherKey     = "dd3bdf9344b678b185a6f5cb60fca715"
	madeAt       = 1559731985
)

// A server cookie is valid for its client, for an hour, and is replaced after half of it.
func TestValidity(t *testing.T) {
	addr := netip.MustParseAddr("198.51.100.100")
	made, _ := keyed(t, key).answer(digits(t, clientCookie), addr, time.Unix(madeAt, 0))
	changed := func(at int) string {
		c := made
		c[at] ^= 1
		return hex.EncodeToString(c[:])
	}
	text := hex.EncodeToString(made[:])
	for _, tc := range []struct {
		name, sent, addr string
		later            time.Duration
		want             kind
		same             bool // the reply has the same cookie
	}{
		{"at once", text, "198.51.100.100", 0, valid, true},
		{"after 29 minutes", text, "198.51.100.100", 29 * time.Minute, valid, true},
		{"after half an hour", text, "198.51.100.100", 30 * time.Minute, valid, false},
		{"after an hour", text, "198.51.100.100", time.Hour, valid, false},
		{"after more than an hour", text, "198.51.100.100", time.Hour + time.Second, invalid, false},
		{"made by a clock that is ahead", text, "198.51.100.100", -5 * time.Minute, valid, false},
		{"made by one that is far ahead", text, "198.51.100.100", -5*time.Minute - time.Second, invalid, false},
		{"from another address", text, "198.51.100.101", 0, invalid, false},
		{"from an IPv6 address", text, "2001:db8::1", 0, invalid, false},
		{"another client cookie", changed(0), "198.51.100.100", 0, invalid, false},
		{"another version", changed(8), "198.51.100.100", 0, invalid, true},
		{"other reserved octets", changed(9), "198.51.100.100", 0, invalid, true},
		{"another time", changed(15), "198.51.100.100", 0, invalid, true},
		{"another hash", changed(23), "198.51.100.100", 0, invalid, true},
		{"the client cookie only", clientCookie, "198.51.100.100", 0, client, true}, // made in the same second
		{"an empty cookie", "", "198.51.100.100", 0, malformed, false},
		{"7 octets", text[:14], "198.51.100.100", 0, malformed, false},
		{"9 octets", text[:18], "198.51.100.100", 0, malformed, false},
		{"15 octets", text[:30], "198.51.100.100", 0, malformed, false},
		{"16 octets", text[:32], "198.51.100.100", 0, invalid, true},
		{"40 octets", text + text[:32], "198.51.100.100", 0, invalid, true},
		{"41 octets", text + text[:34], "198.51.100.100", 0, malformed, false},
	} {
		_, k := keyed(t, otherKey, key).answer(digits(t, tc.sent), netip.MustParseAddr(tc.addr), time.Unix(madeAt, 0).Add(tc.later))
		if k != tc.want {
			t.Errorf("%s: %d; want %d", tc.name, k, tc.want)
		}
		got, _ := keyed(t, key).answer(digits(t, tc.sent), netip.MustParseAddr(tc.addr), time.Unix(madeAt, 0).Add(tc.later))
		if (got == made) != tc.same {
			t.Errorf("%s: the reply has %x; want the same cookie: %v", tc.name, got, tc.same)
		}
	}
}

// The time of a cookie wraps around in 2106 (RFC 9018, 4.3).
func TestWrapAround(t *testing.T) {
	addr, end := netip.MustParseAddr("10.0.0.1"), time.Unix(1<<32-1, 0)
	made, _ := keyed(t, key).answer(digits(t, clientCookie), addr, end)
	if _, k := keyed(t, key).answer(made[:], addr, end.Add(time.Minute)); k != valid {
		t.Errorf("a minute later: %d; want a valid cookie", k)
	}
}

func BenchmarkAnswer(b *testing.B) {
	s, addr, now := keyed(b, key), netip.MustParseAddr("10.0.0.1"), time.Unix(madeAt, 0)
	made, _ := s.answer(digits(b, clientCookie), addr, now)
	b.ReportAllocs()
	for b.Loop() {
		s.answer(made[:], addr, now)
	}
}
