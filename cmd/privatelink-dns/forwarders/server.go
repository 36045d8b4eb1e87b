package forwarders

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/client"
)

// A server is where to forward to.
type server struct{ netip.AddrPort }

// Colon is ADDRESS:PORT, with brackets around an IPv6 address.
func (s server) Colon() string { return s.String() }

// Short is ADDRESS, with brackets around an IPv6 address, and :PORT if that is not 53.
func (s server) Short() string { return strings.TrimSuffix(s.Colon(), ":53") }

// With is the address, mark and the port: 10.0.0.4@53.
func (s server) With(mark string) string { return fmt.Sprintf("%s%s%d", s.Addr(), mark, s.Port()) }

const defaultPort = 53

// azureDNS is the virtual address of Azure's own DNS.
var azureDNS = netip.MustParseAddr("168.63.129.16")

// servers is a repeatable flag.
type servers []server

func (s *servers) String() string {
	var texts []string
	for _, one := range *s {
		texts = append(texts, one.Colon())
	}
	return strings.Join(texts, " ")
}

// Repeatable implements command.Repeatable.
func (*servers) Repeatable() {}

// Set adds ADDRESS[:PORT], or several with commas between.
func (s *servers) Set(text string) error {
	for _, one := range client.Split(text) {
		at, err := parseServer(one)
		if err != nil {
			return err
		}
		if slices.Contains(*s, at) {
			return errors.New("specified more than once")
		}
		*s = append(*s, at)
	}
	return nil
}

func parseServer(text string) (server, error) {
	at, err := netip.ParseAddrPort(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return server{}, errors.New("an IP address is expected, with :PORT if that is not 53: 10.0.0.4, 10.0.0.4:5353, fd00::4, [fd00::4]:5353")
		}
		at = netip.AddrPortFrom(addr, defaultPort)
	}
	addr := at.Addr().Unmap()
	switch {
	case at.Port() == 0:
		return server{}, errors.New("invalid port 0")
	case addr == azureDNS:
		return server{}, errors.New("this is Azure's own DNS, not privatelink-dns")
	case addr.IsUnspecified() || addr.IsMulticast():
		return server{}, errors.New("not the address of one machine")
	case addr.IsLinkLocalUnicast():
		return server{}, errors.New("a link-local address is reached from its own link only, and by another name on each machine")
	case addr.Zone() != "":
		return server{}, errors.New("a zone is not allowed in an address, because it is the name of a link on one machine")
	}
	return server{netip.AddrPortFrom(addr, at.Port())}, nil
}
