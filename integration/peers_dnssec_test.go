package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// A validator asks for DS and DNSKEY. That there are none is an answer; SERVFAIL
// would make every name bogus.
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

// Resolvers that validate accept our unsigned names where they learn that a domain
// above is not signed, as net is not here and windows.net is not in the Internet, or
// where they are told so.
func TestForwardersThatValidate(t *testing.T) {
	t.Parallel()
	root := newSignedRoot(t, fakedns.New(t, public+published))
	ours := prepare(t, corefile())
	ours.env["UPSTREAM"] = root.addr
	ours.write("vault.json", export(vault...))
	ours.start()
	unproven := azure(t)
	for _, peer := range forwarderPeers {
		for _, tt := range []struct {
			kase    string
			zones   []string
			rest    string
			told    bool
			lacking []string // formats that have no address for our names
		}{
			{"everything", nil, ours.addr(""), false, nil},
			{"parents", ways[0].zones, root.addr, false, nil},
			{"parents, root out of reach", ways[0].zones, unproven.Addr, false, []string{"bind", "unbound", "pdns-recursor"}},
			{"parents, root out of reach, our names excepted", ways[0].zones, unproven.Addr, true, nil},
		} {
			t.Run(peer.format+"/"+tt.kase, func(t *testing.T) {
				t.Parallel()
				w := forwarding{zones: tt.zones, ours: ours.env["PORT"], rest: portOf(tt.rest)}
				peer.validate(&w, root.ds, tt.told)
				f := peer.start(t, w)
				result := allPrivate
				if slices.Contains(tt.lacking, peer.format) {
					result = "SERVFAIL"
				}
				f.validates(t, result == allPrivate, tt.rest != unproven.Addr)
				note(t, "Forwarders that validate", peer.kind().peer, tt.kase, result)
			})
		}
	}
}

// validates asks for our names, and for others, which are bogus without the root.
func (f *front) validates(t *testing.T, ours, root bool) {
	t.Helper()
	bogus := []string{"SERVFAIL"}
	for _, name := range vaultNames() {
		if !ours {
			name.addresses = bogus
		}
		f.gives(t, name.name, name.addresses)
	}
	if !root {
		f.gives(t, "www.corp.example", bogus)
		return
	}
	f.givesOthers(t)
}

// validate turns validation on, from the trust anchor; told has it that nothing below
// the zones is signed.
func (p forwarder) validate(w *forwarding, ds *dns.DS, told bool) {
	data := strings.Fields(strings.TrimPrefix(ds.String(), ds.Header().String()))
	each := func(format string) string { return forwarding{zones: w.zones}.lines(format + "%.0[2]s") }
	if !told {
		each = func(string) string { return "" }
	}
	switch p.format {
	case "bind":
		w.options = "dnssec-validation yes;\n"
		if told {
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
