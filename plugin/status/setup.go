package status

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"

	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
	"github.com/privatelink-dns/privatelink-dns/plugin/value"
)

func init() { plugin.Register("status", setup) }

// DefaultAddress is the address without an argument. Only this machine reaches it.
const DefaultAddress = "127.0.0.1:8053"

// A config is the parsed directive.
type config struct {
	address   string
	cert, key string // paths, or empty
	token     string // path, or empty
	peers     []string
}

func setup(c *caddy.Controller) error {
	cfg, err := parse(c)
	if err != nil {
		return plugin.Error("status", err)
	}
	cfg.below(dnsserver.GetConfig(c).Root)
	if err := cfg.agree(c); err != nil {
		return plugin.Error("status", err)
	}
	var s *site
	var a *api
	end := func() {
		a.close()
		release(s)
	}
	lifecycle.Attach(c, lifecycle.Hooks{
		Begin: func() error {
			a = newAPI(privatelink.Handlers(c), lifecycle.Instance(c), cfg.peers)
			s = acquire(cfg)
			return nil
		},
		Commit: func() {
			a.begin()
			s.serve(a)
		},
		Abort: end,
		Close: end,
	})
	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler { return &refusals{next} })
	return nil
}

type configsKey struct{}

// agree returns an error if another server block has the address with other properties:
// one of them might open what the other one protects.
func (cfg *config) agree(c *caddy.Controller) error {
	all, _ := c.Get(configsKey{}).(map[string]config)
	if all == nil {
		all = map[string]config{}
		c.Set(configsKey{}, all)
	}
	if other, taken := all[cfg.address]; taken && !reflect.DeepEqual(other, *cfg) {
		return c.Errf("status: another server block has %s with other properties: write the same ones, or another address", cfg.address)
	}
	all[cfg.address] = *cfg
	return nil
}

func parse(c *caddy.Controller) (cfg config, err error) {
	for first := true; c.Next(); first = false {
		if !first {
			return cfg, c.Errf("status: specified more than once in a server block")
		}
		if cfg.address, err = parseAddress(c.RemainingArgs()); err != nil {
			return cfg, c.Errf("status: %v", err)
		}
		seen := map[string]bool{}
		for c.NextBlock() {
			name := c.Val()
			if seen[name] && name != "peer" {
				return cfg, c.Errf("%s: specified more than once", name)
			}
			seen[name] = true
			if err := cfg.property(name, c.RemainingArgs()); err != nil {
				return cfg, c.Errf("%s: %v", name, err)
			}
		}
	}
	return cfg, nil
}

func (cfg *config) property(name string, args []string) (err error) {
	switch name {
	case "tls":
		if len(args) != 2 {
			return fmt.Errorf("%d values, the syntax is: tls CERT KEY", len(args))
		}
		cfg.cert, cfg.key = args[0], args[1]
	case "token":
		cfg.token, err = value.One(args)
	case "peer":
		if len(args) == 0 {
			return fmt.Errorf("no value, one address or several are expected")
		}
		for _, arg := range args {
			addr, err := parsePeer(arg)
			if err != nil {
				return err
			}
			cfg.peers = append(cfg.peers, addr)
		}
	default:
		return value.Unknown(name, []string{"peer", "tls", "token"})
	}
	return err
}

// parsePeer returns the address of a DNS server with its port.
func parsePeer(text string) (string, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return net.JoinHostPort(addr.String(), "53"), nil
	}
	if at, err := netip.ParseAddrPort(text); err == nil && at.Port() != 0 {
		return at.String(), nil
	}
	return "", fmt.Errorf("%q is not the address of a DNS server, such as 10.0.0.5 or 10.0.0.5:53", text)
}

// below makes the paths relative to the folder of plugin root, as plugin tls does.
func (cfg *config) below(root string) {
	for _, path := range []*string{&cfg.cert, &cfg.key, &cfg.token} {
		if *path != "" && !filepath.IsAbs(*path) && root != "" {
			*path = filepath.Join(root, *path)
		}
	}
}

// parseAddress returns the address that is listened on.
func parseAddress(args []string) (string, error) {
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

// A Server is a status directive of a Corefile, for a client on this machine.
type Server struct {
	Address string // at which this machine reaches it
	Cert    string // path of its certificate; empty for plain HTTP
	Token   string // path of its token, or empty
}

// Servers returns the status directives of a Corefile. Directives that are not valid are
// passed over.
func Servers(corefile caddy.Input) (all []Server) {
	for _, d := range directives(corefile) {
		all = append(all, Server{local(d.address), d.cert, d.token})
	}
	return all
}

// Warnings returns the warnings that the server would log at its start about the files of
// tls and token, each with the file and line of its directive.
func Warnings(corefile caddy.Input) (all [][2]string) {
	known := map[string]bool{}
	for _, d := range directives(corefile) {
		if _, err := newAccess(d.config); err != nil && !known[d.address] {
			known[d.address] = true
			all = append(all, [2]string{d.position, off(err)})
		}
	}
	return all
}

// A directive is one of a Corefile.
type directive struct {
	config
	position string // file and line
}

func directives(corefile caddy.Input) (all []directive) {
	blocks, err := serverblock.Parse(corefile, nil)
	if err != nil {
		return nil
	}
	for _, b := range blocks {
		if !b.Has("status") {
			continue
		}
		at := b.Dispenser("status")
		at.Next()
		cfg, err := parse(&caddy.Controller{Dispenser: b.Dispenser("status")})
		if err != nil {
			continue
		}
		for _, args := range b.Arguments("root") {
			cfg.below(strings.Join(args, ""))
		}
		all = append(all, directive{cfg, fmt.Sprintf("%s:%d", at.File(), at.Line())})
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
