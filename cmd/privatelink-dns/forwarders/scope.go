package forwarders

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/client"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A scope is the flag that selects the Windows DNS servers that get the forwarders:
// some servers, or all domain controllers of a domain or a forest. The zero value is
// the server that the script runs on. That is the default, because a forwarder for all
// domain controllers also reaches one in Azure to which privatelink-dns forwards: each
// of the two then sends a query to the other.
type scope struct {
	Replication string   // "Forest", "Domain", or "" for Computers
	Computers   []string // empty: the server that the script runs on
}

func (s *scope) String() string {
	return strings.TrimSpace(strings.Join(s.Computers, " ") + " " + casefold.Lower(s.Replication))
}

// Repeatable implements command.Repeatable.
func (*scope) Repeatable() {}

// Set adds forest, domain, or servers with commas between.
func (s *scope) Set(text string) error {
	for _, one := range client.Split(text) {
		if err := s.add(casefold.Lower(one)); err != nil {
			return err
		}
	}
	return nil
}

func (s *scope) add(text string) error {
	replication := map[string]string{"forest": "Forest", "domain": "Domain"}[text]
	switch {
	case s.Replication != "" || replication != "" && len(s.Computers) > 0:
		return errors.New("use either forest, or domain, or the names of servers")
	case replication != "":
		s.Replication = replication
		return nil
	}
	computer, err := parseComputer(text)
	if err != nil {
		return err
	}
	if slices.Contains(s.Computers, computer) {
		return errors.New("specified more than once")
	}
	s.Computers = append(s.Computers, computer)
	return nil
}

func parseComputer(text string) (string, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return addr.String(), nil
	}
	parsed, err := dnsname.Parse(text)
	if err != nil || strings.HasPrefix(text, "-") {
		return "", fmt.Errorf("%q is not forest, domain, or the name or address of a DNS server", text)
	}
	return parsed.String(), nil
}
