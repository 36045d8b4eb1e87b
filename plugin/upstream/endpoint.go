package upstream

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const (
	dnsPort = 53
	tlsPort = 853
	// maxServers is the limit of stock forward.
	maxServers = 15
)

// An endpoint is the address of one upstream and how to reach it.
type endpoint struct {
	addr       netip.AddrPort
	tls        bool
	serverName string // of the address, as in tls://9.9.9.9%dns.quad9.net
}

// String returns the address for metrics and log lines.
func (e endpoint) String() string {
	if e.tls {
		return "tls://" + e.addr.String()
	}
	return e.addr.String()
}

// azureDNS is the resolver of each virtual network. Other networks have no route to it.
var azureDNS = netip.MustParseAddr("168.63.129.16")

// hint returns the likely cause of an outage that the address has, for the log line.
func (e endpoint) hint() string {
	if e.addr.Addr().Unmap() == azureDNS {
		return " (it answers inside Azure only)"
	}
	return ""
}

// endpoints returns the upstreams of TO, each once, in the order of the Corefile.
func endpoints(to []string) (all []endpoint, err error) {
	for _, text := range to {
		some, err := expand(text)
		if err != nil {
			return nil, err
		}
		for _, e := range some {
			if !slices.Contains(all, e) {
				all = append(all, e)
			}
		}
	}
	if len(all) > maxServers {
		return nil, fmt.Errorf("%d upstreams are above the maximum of %d", len(all), maxServers)
	}
	return all, nil
}

// expand returns the endpoint of an address, or those of a file such as
// /etc/resolv.conf.
func expand(text string) ([]endpoint, error) {
	e, err := parseEndpoint(text)
	if err == nil {
		return []endpoint{e}, nil
	}
	if _, statErr := os.Stat(text); statErr != nil {
		return nil, err
	}
	conf, err := dns.ClientConfigFromFile(text)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", text, err)
	}
	if len(conf.Servers) == 0 {
		return nil, fmt.Errorf("%q has no line with nameserver", text)
	}
	var all []endpoint
	for _, server := range conf.Servers {
		e, err := parseEndpoint(server)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// parseEndpoint reads [dns://|tls://]IP[%SERVERNAME][:PORT], with an IPv6 address
// in brackets if a port follows.
func parseEndpoint(text string) (endpoint, error) {
	scheme, host, found := strings.Cut(text, "://")
	if !found {
		scheme, host = "dns", text
	}
	e := endpoint{tls: scheme == "tls"}
	switch scheme {
	case "dns", "tls":
	case "https", "quic", "grpc":
		return e, fmt.Errorf("%q: %s is not supported, only UDP, TCP and DNS over TLS (tls://) are; use forward for it", text, scheme)
	default:
		return e, fmt.Errorf("%q: unknown scheme %q, the known ones are dns, tls", text, scheme)
	}
	if e.tls {
		host, e.serverName = cutServerName(host)
	}
	port := uint16(dnsPort)
	if e.tls {
		port = tlsPort
	}
	if withPort, err := netip.ParseAddrPort(host); err == nil {
		e.addr = netip.AddrPortFrom(withPort.Addr().Unmap(), withPort.Port())
	} else {
		ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
		if err != nil {
			return e, fmt.Errorf("%q is not an IP address, nor a file such as /etc/resolv.conf; host names are not resolved", text)
		}
		e.addr = netip.AddrPortFrom(ip.Unmap(), port)
	}
	switch {
	case e.addr.Port() == 0:
		return e, fmt.Errorf("%q: invalid port 0", text)
	case e.addr.Addr().IsUnspecified(), e.addr.Addr().IsMulticast():
		return e, fmt.Errorf("%q is not the address of a server", text)
	}
	return e, nil
}

// cutServerName splits IP%NAME[:PORT]. The zone of a link-local address has no dot
// in it, the name of a server has one.
func cutServerName(host string) (rest, name string) {
	at := strings.LastIndexByte(host, '%')
	if at < 0 || !strings.Contains(host[at:], ".") {
		return host, ""
	}
	rest, name = host[:at], host[at+1:]
	name, port, found := strings.Cut(name, ":")
	bracketed := strings.HasSuffix(name, "]")
	name = strings.TrimSuffix(name, "]")
	if bracketed {
		rest += "]"
	}
	if found {
		rest += ":" + port
	}
	return rest, name
}
