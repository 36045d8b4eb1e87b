package dnstest_test

import (
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

// Show and Parse are inverse to each other, and so are Brief and Parse if the TTL
// is the default.
func TestRoundTrip(t *testing.T) {
	for _, text := range []string{
		"NOERROR:",
		"SERVFAIL no-ra:",
		"NOERROR aa tc ad no-ra EDE 3 EDE 22:",
		"NOERROR: a.example. A 192.0.2.1; A 192.0.2.2; b.example. AAAA 2001:db8::1",
		"NOERROR: A.example. CNAME B.example.; CNAME c.example.; TXT \"x\"",
		"NOERROR: a.example. CNAME b.example.; c.example. A 192.0.2.1; a.example. A 192.0.2.1",
		"NXDOMAIN EDE 15: / example. SOA",
		"NXDOMAIN: / a.example. NSEC b.example. NS SOA",
		"NOERROR: / / a.example. A 192.0.2.1",
		"NOERROR: a.example. MX 1 b.example. / example. NS ns.example. / ns.example. A 192.0.2.1",
	} {
		m, err := dnstest.Parse(text)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := dnstest.Brief(m); got != text {
			t.Errorf("Brief(Parse(%q)) = %q", text, got)
		}
		full := dnstest.Show(m)
		if m, err = dnstest.Parse(full); err != nil || dnstest.Show(m) != full || dnstest.Brief(m) != text {
			t.Errorf("Parse(%q) = %v, %v", full, m, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"NOERROR", `"NOERROR" has no colon after the RCODE and the flags`},
		{"NOERR:", `"NOERR:": unknown word "NOERR"`},
		{"NOERROR bb:", `"NOERROR bb:": unknown word "bb"`},
		{"NOERROR EDE:", `"NOERROR EDE:": unknown word "EDE"`},
		{"NOERROR EDE x:", `"NOERROR EDE x:": strconv.ParseUint: parsing "x": invalid syntax`},
		{"NOERROR: a. A 1.2", `"NOERROR: a. A 1.2": dns: bad A A: "1.2" at line: 1:8`},
		{"NOERROR: / / /", `"NOERROR: / / /" has more than three sections`},
	} {
		if _, err := dnstest.Parse(tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("Parse(%q) = %v; want %s", tt.text, err, tt.want)
		}
	}
}
