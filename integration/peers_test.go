package integration

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// ways are those to forward to us.
var ways = []struct {
	name  string
	zones []string // to us; all others elsewhere, if there are any
	split bool     // a public name goes elsewhere, the private one that it leads to comes to us
}{
	{"parents", []string{"blob.core.windows.net", "queue.core.windows.net", "we.backup.windowsazure.com", "blob.storage.azure.net", "queue.storage.azure.net"}, false},
	{"`privatelink.*` only", []string{blobZone, queueZone, weZone}, true},
	{"everything", nil, false},
}

// asksAgain are the resolvers that take a CNAME from one server and ask the one
// that they have for its target.
var asksAgain = []string{"bind", "pdns-recursor", "unbound"}

const (
	forwardersTable = "Forwarders"
	allPrivate      = "private"
	splitPublic     = "vaults private, accounts public: it does not ask for the CNAME's target again"
	splitPrivate    = "private, where Azure has a CNAME"
)

// More of what Azure has: a CNAME for each account that has an endpoint.
const published = `
wepod01dual1x.blob.core.windows.net.     60 CNAME wepod01dual1x.privatelink.blob.core.windows.net.
wepod01dual1x.privatelink.blob.core.windows.net. 60 CNAME blob.am01prdstr01a.store.core.windows.net.
deep.below.blob.core.windows.net.        60 CNAME deep.below.privatelink.blob.core.windows.net.
deep.below.privatelink.blob.core.windows.net. 60 CNAME blob.am01prdstr01a.store.core.windows.net.
large.queue.core.windows.net.            60 CNAME large.privatelink.queue.core.windows.net.
large.privatelink.queue.core.windows.net. 60 CNAME queue.am01prdstr01a.store.core.windows.net.
`

func TestForwarders(t *testing.T) {
	t.Parallel()
	ours, _ := serve(t, corefile())
	rest := fakedns.New(t, public+published)
	for _, peer := range forwarderPeers {
		kind := peer.kind()
		for _, way := range ways {
			t.Run(peer.format+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				w := forwarding{zones: way.zones, ours: ours.env["PORT"], rest: portOf(rest.Addr), options: peer.noValidation}
				if way.zones == nil {
					w.rest = w.ours
				}
				f := peer.start(t, w)
				note(t, forwardersTable, kind.peer, way.name, f.seen(t, way.split, slices.Contains(asksAgain, peer.format)))
				if way.zones == nil {
					f.gives(t, "backup.corp.example", []string{"10.20.0.12"})
				}
			})
		}
	}
}

func forwarderOf(format string) forwarder {
	return forwarderPeers[slices.IndexFunc(forwarderPeers, func(p forwarder) bool { return p.format == format })]
}

// kind is that of the front.
func (p forwarder) kind() frontKind {
	return frontKinds[slices.IndexFunc(frontKinds, func(k frontKind) bool { return k.format == p.format })]
}

// start returns when the resolver answers.
func (p forwarder) start(t *testing.T, w forwarding) *front {
	t.Helper()
	f, kind := &front{server: &server{t: t, dir: t.TempDir()}}, p.kind()
	kind.configure = func(f *front) string { return p.configure(f, w) }
	f.start(kind)
	return f
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// seen asks for every name and returns what came of it.
func (f *front) seen(t *testing.T, split, again bool) string {
	t.Helper()
	for _, name := range vaultNames() {
		switch {
		case split && name.public && !name.published:
			f.gives(t, name.name, []string{"NXDOMAIN"})
		case split && name.public && !again:
			f.givesPublic(t, name.name)
		default:
			f.gives(t, name.name, name.addresses)
		}
	}
	f.givesOthers(t)
	switch {
	case !split:
		return allPrivate
	case again:
		return splitPrivate
	}
	return splitPublic
}

// givesOthers asks for another tenant's account, and for a name that has nothing to
// do with it.
func (f *front) givesOthers(t *testing.T) {
	t.Helper()
	f.gives(t, "someoneelse.blob.core.windows.net", []string{"2001:db8::7", "203.0.113.7"})
	f.gives(t, "www.corp.example", []string{"198.51.100.80", "198.51.100.81", "2001:db8::80"})
}

// A vaultName is a name of the vault in one of its forms.
type vaultName struct {
	name      string
	addresses []string
	public    bool // without privatelink
	published bool // public, and Azure has a CNAME
}

func vaultNames() (all []vaultName) {
	for _, line := range vault {
		fields := strings.Fields(line)
		for form, addresses := range forms(fields[0], fields[1:]) {
			public := !strings.Contains(form, ".privatelink.")
			all = append(all, vaultName{form, addresses, public, public && !strings.Contains(form, ".backup.")})
		}
	}
	slices.SortFunc(all, func(a, b vaultName) int {
		private := func(v vaultName) int { return strings.Count(v.name, ".privatelink.") }
		return cmp.Or(private(a)-private(b), strings.Compare(a.name, b.name)) // public first: the resolver has not cached the private one
	})
	return all
}

// forms returns both forms of a name, with privatelink and without, and the
// partitioned one if it is that.
func forms(name string, addresses []string) map[string][]string {
	all := map[string][]string{name: addresses}
	for _, parent := range []string{"blob.core.windows.net", "queue.core.windows.net", "we.backup.windowsazure.com"} {
		if private, ok := strings.CutSuffix(name, ".privatelink."+parent); ok {
			all[private+"."+parent] = addresses
		} else if public, ok := strings.CutSuffix(name, "."+parent); ok {
			all[public+".privatelink."+parent] = addresses
		}
	}
	if account, ok := strings.CutSuffix(name, ".z17.blob.storage.azure.net"); ok {
		all[account+".privatelink.blob.core.windows.net"] = addresses
	}
	return all
}

// gives asks for AAAA, then A, over UDP and TCP, with EDNS and without. want has
// all addresses, or an RCODE.
func (f *front) gives(t *testing.T, name string, want []string) {
	t.Helper()
	for _, qtype := range []uint16{dns.TypeAAAA, dns.TypeA} {
		for _, network := range []string{"udp", "tcp"} {
			for _, edns := range []bool{true, false} {
				got, wanted := f.addresses(t, network, name, qtype, edns), ofType(want, qtype)
				if !slices.Equal(got, wanted) {
					t.Errorf("%s %s over %s, EDNS %v: %q; want %q", name, dns.TypeToString[qtype], network, edns, got, wanted)
				}
			}
		}
	}
}

// givesPublic wants what Azure has for an account: that nothing private is there
// is why this way is not enough.
func (f *front) givesPublic(t *testing.T, name string) {
	t.Helper()
	for _, network := range []string{"udp", "tcp"} {
		for _, edns := range []bool{true, false} {
			got := f.addresses(t, network, name, dns.TypeA, edns)
			if len(got) == 0 || slices.ContainsFunc(got, func(a string) bool { return !strings.HasPrefix(a, "203.0.113.") }) {
				t.Errorf("%s over %s, EDNS %v: %q; want public addresses", name, network, edns, got)
			}
		}
	}
}

// addresses returns those of the answer, sorted, or the RCODE. What is truncated is
// asked for again over TCP.
func (f *front) addresses(t *testing.T, network, name string, qtype uint16, edns bool) (all []string) {
	t.Helper()
	q := question(name, qtype)
	if edns {
		q.SetEdns0(1232, false)
	}
	m := exchange(t, network, "127.0.0.1:"+f.port, q)
	if m.Truncated && network == "udp" {
		m = exchange(t, "tcp", "127.0.0.1:"+f.port, q)
	}
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			all = append(all, rr.A.String())
		case *dns.AAAA:
			all = append(all, rr.AAAA.String())
		}
	}
	if m.Rcode != dns.RcodeSuccess {
		all = append(all, dns.RcodeToString[m.Rcode])
	}
	slices.Sort(all)
	return all
}

// ofType returns the addresses that an answer of this type has, sorted, and what is none.
func ofType(addresses []string, qtype uint16) (all []string) {
	for _, address := range addresses {
		if a, err := netip.ParseAddr(address); err != nil || a.Is4() == (qtype == dns.TypeA) {
			all = append(all, address)
		}
	}
	slices.Sort(all)
	return all
}
