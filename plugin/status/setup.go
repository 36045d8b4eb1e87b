package status

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/plugin"

	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/value"
)

func init() { plugin.Register("status", setup) }

// DefaultAddress is the address without an argument. Only this machine reaches it.
const DefaultAddress = "127.0.0.1:8053"

func setup(c *caddy.Controller) error {
	address := ""
	for c.Next() {
		if address != "" {
			return plugin.Error("status", c.Errf("status: specified more than once in a server block"))
		}
		var err error
		if address, err = parse(c.RemainingArgs()); err != nil {
			return plugin.Error("status", c.Errf("status: %v", err))
		}
		if c.NextBlock() {
			return plugin.Error("status", c.Errf("status: unknown property %q, there are none", c.Val()))
		}
	}
	var s *site
	var answers *api
	end := func() { release(s) }
	lifecycle.Attach(c, lifecycle.Hooks{
		Begin: func() error {
			answers = &api{blocks: privatelink.Handlers(c)}
			s = acquire(address)
			return nil
		},
		Commit: func() { s.serve(answers) },
		Abort:  end,
		Close:  end,
	})
	return nil
}

// parse returns the address that is listened on.
func parse(args []string) (string, error) {
	if len(args) == 0 {
		return DefaultAddress, nil
	}
	text, err := value.One(args)
	if err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("%q is not an address with a port, such as %s", text, DefaultAddress)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		return "", fmt.Errorf("%q: %q is not an IP address", text, host)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("%q: port %q is not a number from 0 to 65535", text, port)
	}
	return text, nil
}

// hostOf returns the IP address of an address, and the unspecified one for ":8053".
func hostOf(address string) netip.Addr {
	host, _, _ := net.SplitHostPort(address)
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr
	}
	return netip.IPv6Unspecified()
}

// Addresses returns the addresses of the status directives of a Corefile at which this
// machine reaches its server. Directives that are not valid are passed over.
func Addresses(corefile caddy.Input) (all []string) {
	blocks, err := caddyfile.Parse(corefile.Path(), bytes.NewReader(corefile.Body()), nil)
	if err != nil {
		return nil
	}
	for _, b := range blocks {
		d := caddyfile.NewDispenserTokens(corefile.Path(), b.Tokens["status"])
		for d.Next() {
			if address, err := parse(d.RemainingArgs()); err == nil {
				all = append(all, local(address))
			}
		}
	}
	return all
}

// local returns the loopback address in place of the unspecified one.
func local(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil || !hostOf(address).IsUnspecified() {
		return address
	}
	return net.JoinHostPort("127.0.0.1", port)
}
