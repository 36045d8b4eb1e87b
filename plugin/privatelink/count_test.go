package privatelink

import (
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

// The series of each zone exist before the first query. This includes a Backup
// zone that its record creates, and the Backup zones without records.
func TestSeriesBeginAtZero(t *testing.T) {
	cfg, err := parse(caddy.NewTestController("dns", "privatelink privatelink.series.test {\nrecord v.zz9.backup.windowsazure.com 10.0.0.1\n}"), "")
	if err != nil {
		t.Fatal(err)
	}
	p := newPrivatelink(cfg, t.Name())
	p.zones.Begin()
	t.Cleanup(p.close)
	for _, zone := range []string{"privatelink.series.test", "privatelink.zz9.backup.windowsazure.com", "backup.windowsazure.com"} {
		if n := series(t, "answers_total", zone); n != 15 {
			t.Errorf("%s: %d series of answers_total; want 15", zone, n)
		}
		if n := series(t, "public_answers_total", zone); n != 1 {
			t.Errorf("%s: %d series of public_answers_total; want 1", zone, n)
		}
	}
}

// series returns the number of series of a metric that have the zone as a label.
func series(t *testing.T, name, zone string) (n int) {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "coredns_privatelink_"+name && strings.Contains(m.String(), `value:"`+zone+`"`) {
				n++
			}
		}
	}
	return n
}

func TestAnswersAreCounted(t *testing.T) {
	refused := query("b.privatelink.hard.test.", "A")
	refused.Question[0].Qclass = dns.ClassCHAOS
	for _, tc := range []struct {
		name         string
		r            *dns.Msg
		kind, result string
	}{
		{"direct", query("b.privatelink.hard.test.", "A"), "direct", "success"},
		{"apex", query("privatelink.hard.test.", "SOA"), "direct", "success"},
		{"NODATA", query("b.privatelink.hard.test.", "AAAA"), "direct", "nodata"},
		{"NXDOMAIN", query("no.privatelink.hard.test.", "A"), "direct", "nxdomain"},
		{"alias", query("b.hard.test.", "A"), "alias", "success"},
		{"alias, NODATA", query("b.hard.test.", "AAAA"), "alias", "nodata"},
		{"alias, CNAME", query("b.hard.test.", "CNAME"), "alias", "success"},
		{"refused", refused, "direct", "refused"},
	} {
		p := start(t, testCorefile, nobody(t))
		count := func() float64 {
			return countedFor(t, "answers_total", `value:"privatelink.hard.test"`, `value:"`+tc.kind+`"`, `value:"`+tc.result+`"`)
		}
		before := count()
		ask(t, p, tc.r)
		if got := count() - before; got != 1 {
			t.Errorf("%s: %v answers counted as %s, %s; want 1", tc.name, got, tc.kind, tc.result)
		}
	}
}

// Before every source is loaded, unknown names are counted as not ready for the
// zone that they would be in.
func TestNotReadyIsCounted(t *testing.T) {
	p := start(t, "privatelink privatelink.late.test {\nfiles /does/not/exist\n}", nobody(t))
	for _, tc := range []struct{ qname, zone string }{
		{"x.privatelink.late.test.", "privatelink.late.test"},
		{"x.late.test.", "privatelink.late.test"},
		{"v.we.backup.windowsazure.com.", "backup.windowsazure.com"},
	} {
		count := func() float64 {
			return countedFor(t, "answers_total", `value:"`+tc.zone+`"`, `value:"direct"`, `value:"notready"`)
		}
		before := count()
		if m := ask(t, p, query(tc.qname, "A")); m.Rcode != dns.RcodeServerFailure || m.Authoritative {
			t.Errorf("%s: %s; want SERVFAIL without AA", tc.qname, dnstest.Brief(m))
		}
		if got := count() - before; got != 1 {
			t.Errorf("%s: %v answers counted for %s; want 1", tc.qname, got, tc.zone)
		}
	}
}
