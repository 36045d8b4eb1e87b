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

// ways holds the ways to forward to privatelink-dns.
var ways = []struct {
	name  string
	zones []string // forwarded to privatelink-dns; nil: everything
	split bool     // only the private names are forwarded to privatelink-dns, not the public ones
}{
	{"parents", []string{
		"blob.core.windows.net", "queue.core.windows.net", "we.backup.windowsazure.com", "blob.storage.azure.net", "queue.storage.azure.net",
	}, false},
	{"`privatelink.*` only", []string{blobZone, queueZone, weZone}, true},
	{"everything", nil, false},
}

// requeriesTarget holds the resolvers that drop the records after a CNAME and query the
// server for the target's zone.
var requeriesTarget = []string{"bind", "pdns-recursor", "unbound"}

const (
	forwardersTable = "Forwarders"
	allPrivate      = "private"
	splitPublic     = "vaults private, accounts public: it does not ask for the CNAME's target again"
	splitPrivate    = "private, where Azure has a CNAME"
)

// published adds records to public, so that Azure has a CNAME for each account with an
// endpoint.
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
	s, _ := serve(t, corefile())
	rest := fakedns.New(t, public+published)
	for _, peer := range forwarderPeers {
		kind := peer.kind()
		for _, way := range ways {
			t.Run(peer.format+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				w := forwarding{zones: way.zones, port: s.env["PORT"], rest: portOf(rest.Addr), options: peer.noValidation}
				if way.zones == nil {
					w.rest = w.port
				}
				f := peer.start(t, w)
				note(t, forwardersTable, kind.peer, way.name, f.checkNames(t, way.split, slices.Contains(requeriesTarget, peer.format)))
				if way.zones == nil {
					f.resolvesTo(t, "backup.corp.example", []string{"10.20.0.12"})
				}
			})
		}
	}
}

func forwarderOf(format string) forwarder {
	return forwarderPeers[slices.IndexFunc(forwarderPeers, func(p forwarder) bool { return p.format == format })]
}

// kind returns the frontKind that starts the resolver.
func (p forwarder) kind() frontKind {
	return frontKinds[slices.IndexFunc(frontKinds, func(k frontKind) bool { return k.format == p.format })]
}

// start starts the resolver and returns once it answers.
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

// checkNames queries every name of the vault and returns the result for the matrix.
func (f *front) checkNames(t *testing.T, split, requeries bool) string {
	t.Helper()
	for _, name := range vaultNames() {
		switch {
		case split && name.public && !name.published:
			f.resolvesTo(t, name.name, []string{"NXDOMAIN"})
		case split && name.public && !requeries:
			f.resolvesPublicly(t, name.name)
		default:
			f.resolvesTo(t, name.name, name.addresses)
		}
	}
	f.resolvesForeign(t)
	switch {
	case !split:
		return allPrivate
	case requeries:
		return splitPrivate
	}
	return splitPublic
}

// resolvesForeign checks another tenant's account and a name outside of Azure.
func (f *front) resolvesForeign(t *testing.T) {
	t.Helper()
	f.resolvesTo(t, "someoneelse.blob.core.windows.net", []string{"2001:db8::7", "203.0.113.7"})
	f.resolvesTo(t, "www.corp.example", []string{"198.51.100.80", "198.51.100.81", "2001:db8::80"})
}

// A vaultName is one form of a vault's name and the addresses of the name.
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
		return cmp.Or(private(a)-private(b), strings.Compare(a.name, b.name)) // public names first, before the resolver caches the private ones
	})
	return all
}

// forms maps a name, its counterpart with or without privatelink and, for a DNS zone
// endpoint, the private name of its account to the addresses.
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

// resolvesTo queries AAAA, then A, over UDP and TCP, with EDNS and without. want holds
// all addresses, or an RCODE.
func (f *front) resolvesTo(t *testing.T, name string, want []string) {
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

// resolvesPublicly checks that the resolver returns only Azure's public addresses. It
// documents why forwarding privatelink zones alone is insufficient.
func (f *front) resolvesPublicly(t *testing.T, name string) {
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

// addresses returns the sorted addresses of the answer and the RCODE if it is not
// NOERROR. It retries a truncated answer over TCP.
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

// ofType returns the sorted values for an answer of this type: the addresses of the
// type, and every value that is not an address.
func ofType(addresses []string, qtype uint16) (all []string) {
	for _, address := range addresses {
		if a, err := netip.ParseAddr(address); err != nil || a.Is4() == (qtype == dns.TypeA) {
			all = append(all, address)
		}
	}
	slices.Sort(all)
	return all
}
