package privatelink

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

const (
	workspace  = "7b1e4c52-33aa-4d0f-8e21-90ab12cd34ef"
	inference  = workspace + ".inference.northeurope.privatelink.api.azureml.ms."
	inferring  = workspace + ".inference.northeurope.api.azureml.ms."
	inferenceZ = "c0ffee00-5d5d-4a4a-9b9b-1234567890ab.inference.northeurope.privatelink.api.azureml.ms."
)

// studio serves the endpoints of two workspaces of Azure Machine Learning: each
// has a wildcard for its online endpoints.
const studio = `privatelink privatelink.api.azureml.ms {
	strict privatelink.api.azureml.ms
	files testdata/wildcard.json testdata/wildcard-zone-group.json
	record *.own.privatelink.api.azureml.ms 10.50.0.20 fd00::20
}`

func TestWildcardAnswers(t *testing.T) {
	p := start(t, studio, nobody(t))
	const soa = " / privatelink.api.azureml.ms. SOA"
	for _, tc := range []struct{ name, qname, qtype, want string }{
		{"below the wildcard", "fraud." + inference, "A", "NOERROR aa: fraud." + inference + " A 10.50.0.6"},
		{"the owner name is spelled as in the query", "Fraud." + inference, "A", "NOERROR aa: Fraud." + inference + " A 10.50.0.6"},
		{"two labels below the wildcard", "a.b." + inference, "A", "NOERROR aa: a.b." + inference + " A 10.50.0.6"},
		{"a type without records is NODATA", "fraud." + inference, "AAAA", "NOERROR aa:" + soa},
		{"HTTPS is NODATA", "fraud." + inference, "HTTPS", "NOERROR aa:" + soa},
		{"an existing name", "scoring." + inference, "A", "NOERROR aa: scoring." + inference + " A 10.50.0.7"},
		{"below an existing name", "x.scoring." + inference, "A", "NXDOMAIN aa:" + soa},
		{"the name above the wildcard", inference, "A", "NOERROR aa:" + soa},
		{"sibling of the wildcard", "x." + inference[len(workspace)+1:], "A", "NXDOMAIN aa:" + soa},
		{"the wildcard itself", "*." + inference, "A", "NOERROR aa: *." + inference + " A 10.50.0.6"},
		{"from a zone group", "fraud." + inferenceZ, "A", "NOERROR aa: fraud." + inferenceZ + " A 10.50.0.9"},
		{"from the Corefile, IPv6", "x.own.privatelink.api.azureml.ms.", "AAAA", "NOERROR aa: x.own.privatelink.api.azureml.ms. AAAA fd00::20"},
		{"alias", "fraud." + inferring, "A", "NOERROR: fraud." + inferring + " CNAME fraud." + inference + "; A 10.50.0.6"},
		{"alias in upper case", "FRAUD." + inferring, "A", "NOERROR: FRAUD." + inferring + " CNAME fraud." + inference + "; A 10.50.0.6"},
		{"alias, a type without records", "fraud." + inferring, "AAAA", "NOERROR: fraud." + inferring + " CNAME fraud." + inference + soa},
		{"alias, CNAME", "fraud." + inferring, "CNAME", "NOERROR: fraud." + inferring + " CNAME fraud." + inference},
		{"alias of an existing name", "scoring." + inferring, "A", "NOERROR: scoring." + inferring + " CNAME scoring." + inference + "; A 10.50.0.7"},
	} {
		if got := dnstest.Brief(ask(t, p, query(tc.qname, tc.qtype))); got != tc.want {
			t.Errorf("%s: %s %s\n got %s\nwant %s", tc.name, tc.qname, tc.qtype, got, tc.want)
		}
	}
}

func TestWildcardForeign(t *testing.T) {
	p := start(t, strings.Replace(studio, "strict privatelink.api.azureml.ms", "", 1), upstream(parseReply(t, "NOERROR: x. A 192.0.2.1")))
	for _, qname := range []string{"x.scoring." + inference, "x.scoring." + inferring, inferring, "other.inference.northeurope.api.azureml.ms."} {
		if got, want := dnstest.Brief(ask(t, p, query(qname, "A"))), "NOERROR: x. A 192.0.2.1"; got != want {
			t.Errorf("%s = %s; want %s", qname, got, want)
		}
	}
}

func TestWildcardSplice(t *testing.T) {
	for _, tc := range []struct{ name, upstream, want string }{
		{"chain to the private name", "c1.test. CNAME fraud." + inference + public, "NOERROR: c1.test. CNAME fraud." + inference + "; A 10.50.0.6"},
		{"chain to the public name", "c1.test. CNAME Fraud." + inferring + public, "NOERROR: c1.test. CNAME Fraud." + inferring + "; CNAME fraud." + inference + "; A 10.50.0.6"},
		{"stray record below the wildcard", "c1.test. A 192.0.2.1; fraud." + inferring + " A 198.51.100.1", "NOERROR: c1.test. A 192.0.2.1"},
	} {
		p := start(t, studio, upstream(parseReply(t, "NOERROR: "+tc.upstream)))
		if got := dnstest.Brief(ask(t, p, query("c1.test.", "A"))); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

// A secondary synthesizes answers itself, so the transfer has the wildcard record.
func TestWildcardTransfer(t *testing.T) {
	p := start(t, studio, nil)
	ch, err := p.Transfer("privatelink.api.azureml.ms.", 0)
	if err != nil {
		t.Fatal(err)
	}
	var rrs []dns.RR
	for envelope := range ch {
		rrs = append(rrs, envelope...)
	}
	if got, want := dnstest.BriefRecords(rrs), "*."+inference+" A 10.50.0.6"; strings.Count(got, want) != 1 || strings.Contains(got, "fraud") {
		t.Errorf("transferred %s; want it to have %s", got, want)
	}
}
