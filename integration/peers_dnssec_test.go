package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// A validator queries DS and DNSKEY. The reply is NODATA, because SERVFAIL would make
// every name bogus.
func TestNoKeys(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	for _, tt := range []struct{ question, want string }{
		{blobZone + " DS", "NOERROR aa ra: / SOA " + blobZone + "."},
		{blobZone + " DNSKEY", "NOERROR aa ra: / SOA " + blobZone + "."},
		{weZone + " DS", "NOERROR aa ra: / SOA " + weZone + "."},
		{weZone + " DNSKEY", "NOERROR aa ra: / SOA " + weZone + "."},
		{privateBlob + " DS", "NOERROR aa ra: / SOA " + blobZone + "."},
		{fc1 + " DS", "NOERROR aa ra: / SOA " + weZone + "."},
		{blob + " DS", "NOERROR ra: CNAME " + privateBlob + ". / SOA " + blobZone + "."},
		{blob + " DNSKEY", "NOERROR ra: CNAME " + privateBlob + ". / SOA " + blobZone + "."},
		{"wepod01prot121x.z17.blob.storage.azure.net DS", "NOERROR ra: CNAME wepod01prot121x." + blobZone + ". / SOA " + blobZone + "."},
		{"blob.core.windows.net DS", "NOERROR ra: / SOA core.windows.net."},
	} {
		for _, options := range []string{"+notcp +dnssec", "+tcp +dnssec", "+notcp +noedns"} {
			if got := dig(t, s.addr(""), append(strings.Fields(tt.question), strings.Fields(options)...)...).String(); got != tt.want {
				t.Errorf("dig %s %s\n got %s\nwant %s", tt.question, options, got, tt.want)
			}
		}
	}
}

// Resolvers that validate accept the unsigned local names in two cases: a domain above
// them is provably unsigned, or the resolver's configuration exempts them from
// validation. Here the unsigned domain is net; on the Internet it is windows.net.
func TestForwardersThatValidate(t *testing.T) {
	t.Parallel()
	root := newSignedRoot(t, fakedns.New(t, public+published))
	s := prepare(t, corefile())
	s.env["UPSTREAM"] = root.addr
	s.write("vault.json", export(vault...))
	s.start()
	unsigned := azure(t)
	for _, peer := range forwarderPeers {
		for _, tt := range []struct {
			kase    string
			zones   []string
			rest    string
			exempt  bool     // the local names are exempt from validation
			failing []string // formats that return SERVFAIL for the local names
		}{
			{"everything", nil, s.addr(""), false, nil},
			{"parents", ways[0].zones, root.addr, false, nil},
			{"parents, root out of reach", ways[0].zones, unsigned.Addr, false, []string{"bind", "unbound", "pdns-recursor"}},
			{"parents, root out of reach, our names excepted", ways[0].zones, unsigned.Addr, true, nil},
		} {
			t.Run(peer.format+"/"+tt.kase, func(t *testing.T) {
				t.Parallel()
				w := forwarding{zones: tt.zones, port: s.env["PORT"], rest: portOf(tt.rest)}
				peer.validate(&w, root.ds, tt.exempt)
				f := peer.start(t, w)
				result := allPrivate
				if slices.Contains(tt.failing, peer.format) {
					result = "SERVFAIL"
				}
				f.validates(t, result == allPrivate, tt.rest != unsigned.Addr)
				note(t, "Forwarders that validate", peer.kind().peer, tt.kase, result)
			})
		}
	}
}

// validates checks the replies for local and foreign names. local reports whether the
// local names validate. Foreign names are bogus if the root is out of reach.
func (f *front) validates(t *testing.T, local, root bool) {
	t.Helper()
	bogus := []string{"SERVFAIL"}
	for _, name := range vaultNames() {
		if !local {
			name.addresses = bogus
		}
		f.resolvesTo(t, name.name, name.addresses)
	}
	if !root {
		f.resolvesTo(t, "www.corp.example", bogus)
		return
	}
	f.resolvesForeign(t)
}

// validate turns validation on with the trust anchor ds. With exempt, the zones are
// exempt from validation.
func (p forwarder) validate(w *forwarding, ds *dns.DS, exempt bool) {
	data := strings.Fields(strings.TrimPrefix(ds.String(), ds.Header().String()))
	each := func(format string) string { return forwarding{zones: w.zones}.lines(format + "%.0[2]s") }
	if !exempt {
		each = func(string) string { return "" }
	}
	switch p.format {
	case "bind":
		w.options = "dnssec-validation yes;\n"
		if exempt {
			w.options += "validate-except {" + each(" %[1]q;") + "};"
		}
		w.more = "trust-anchors { . static-ds " + strings.Join(data[:3], " ") + ` "` + data[3] + "\"; };\n"
	case "unbound":
		w.options = "trust-anchor: \". DS " + strings.Join(data, " ") + "\"\n" + each("    domain-insecure: %[1]q")
	case "dnsmasq":
		w.options = "dnssec\ntrust-anchor=.," + strings.Join(data, ",")
	case "pdns-recursor":
		w.options = "dnssec=validate"
		w.more = "clearTA()\naddTA('.', '" + strings.Join(data, " ") + "')\n" + each("addNTA(%[1]q)")
	case "knot-resolver":
		w.options = "trust_anchors.remove('.')\ntrust_anchors.add('. DS " + strings.Join(data, " ") + "')"
	}
}
