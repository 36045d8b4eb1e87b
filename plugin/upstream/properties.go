package upstream

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coredns/coredns/plugin"
	pkgtls "github.com/coredns/coredns/plugin/pkg/tls"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/value"
)

// repeatable are the properties whose values add up.
var repeatable = map[string]bool{"except": true, "fallback": true, "private": true, "failover": true}

// setters has a function for each property.
var setters = map[string]func(cfg *config, args []string) error{
	"except":  func(cfg *config, args []string) error { return zones(&cfg.except, args) },
	"private": func(cfg *config, args []string) error { return zones(&cfg.private, args) },
	"fallback": func(cfg *config, args []string) (err error) {
		if len(args) == 0 {
			return errNoValue
		}
		cfg.fallback, err = endpoints(args)
		return err
	},
	"policy":   (*config).setPolicy,
	"failover": (*config).setFailover,
	"max_concurrent": func(cfg *config, args []string) (err error) {
		cfg.maxConcurrent, err = number(args, 1, 10000)
		return err
	},
	"expire": func(cfg *config, args []string) (err error) {
		cfg.expire, err = duration(args, 0, time.Hour)
		return err
	},
	"max_age": func(cfg *config, args []string) (err error) {
		cfg.maxAge, err = duration(args, 0, 24*time.Hour)
		return err
	},
	"force_tcp": func(cfg *config, args []string) error {
		cfg.forceTCP = true
		return value.None(args)
	},
	"tls_servername": func(cfg *config, args []string) (err error) {
		cfg.tlsServerName, err = value.One(args)
		return err
	},
	"source_address": func(cfg *config, args []string) error {
		text, err := value.One(args)
		if err != nil {
			return err
		}
		if cfg.source, err = netip.ParseAddr(text); err != nil {
			return fmt.Errorf("%q is not an IP address", text)
		}
		return nil
	},
	"health_check": (*config).setProbe,
	// These two properties of stock forward are always on.
	"prefer_udp":                       func(_ *config, args []string) error { return value.None(args) },
	"failfast_all_unhealthy_upstreams": func(_ *config, args []string) error { return value.None(args) },
}

// unsupported are the other properties of stock forward, with the reason.
var unsupported = map[string]string{
	"max_fails":            "an upstream is down when it has not responded for 4s; remove the line",
	"max_connect_attempts": "a query makes at most three attempts at one upstream, and N + 2 in all for N upstreams; remove the line",
	"max_idle_conns":       "one connection is shared by all queries of an upstream; remove the line",
	"read_timeout":         "the time to a retry follows the round trip of the upstream; remove the line",
	"resolver":             "upstreams are IP addresses, so nothing is resolved; remove the line",
	"doh_method":           "there is no DNS over HTTPS; use forward for it",
	"next":                 "another RCODE than those of failover is an answer; list upstreams that know the same names",
	"next_on_nodata":       "NODATA is an answer; list upstreams that know the same names",
}

func (cfg *config) property(name string, args []string, root string) error {
	if name == "tls" {
		return cfg.setTLS(args, root)
	}
	if set := setters[name]; set != nil {
		return set(cfg, args)
	}
	if reason, ok := unsupported[name]; ok {
		return fmt.Errorf("not supported: %s", reason)
	}
	return value.Unknown(name, append(slices.Collect(maps.Keys(setters)), "tls"))
}

func (cfg *config) setPolicy(args []string) (err error) {
	cfg.policy, err = value.One(args)
	if err == nil && !slices.Contains([]string{"random", "round_robin", "sequential"}, cfg.policy) {
		return fmt.Errorf("unknown policy %q, the known ones are random, round_robin, sequential", cfg.policy)
	}
	return err
}

// setFailover adds RCODEs to the default ones. Stock forward has no default.
func (cfg *config) setFailover(args []string) error {
	if len(args) == 0 {
		return errNoValue
	}
	for _, text := range args {
		rcode, ok := dns.StringToRcode[strings.ToUpper(text)]
		switch {
		case !ok:
			return fmt.Errorf("%q is not an RCODE, such as SERVFAIL", text)
		case rcode == dns.RcodeSuccess:
			return fmt.Errorf("NOERROR is an answer")
		}
		if !slices.Contains(cfg.failover, rcode) {
			cfg.failover = append(cfg.failover, rcode)
		}
	}
	return nil
}

// setProbe reads health_check DURATION [no_rec] [domain FQDN].
func (cfg *config) setProbe(args []string) (err error) {
	if len(args) == 0 {
		return errNoValue
	}
	if cfg.probe.interval, err = duration(args[:1], 100*time.Millisecond, time.Minute); err != nil {
		return err
	}
	for args = args[1:]; len(args) > 0; args = args[1:] {
		switch args[0] {
		case "no_rec":
			cfg.probe.rd = false
		case "domain":
			if args = args[1:]; len(args) == 0 {
				return fmt.Errorf("domain: no value, a domain name is expected")
			}
			if _, ok := dns.IsDomainName(args[0]); !ok {
				return fmt.Errorf("domain: %q is not a domain name", args[0])
			}
			cfg.probe.name = dns.Fqdn(args[0])
		default:
			return fmt.Errorf("unknown option %q, the known ones are domain, no_rec", args[0])
		}
	}
	return nil
}

// setTLS reads tls [CERT KEY] [CA], as stock forward does.
func (cfg *config) setTLS(args []string, root string) error {
	if len(args) > 3 {
		return fmt.Errorf("%d values, at most 3 are expected: CERT KEY CA", len(args))
	}
	files := slices.Clone(args)
	for i, file := range files {
		if !filepath.IsAbs(file) && root != "" {
			files[i] = filepath.Join(root, file)
		}
	}
	conf, err := pkgtls.NewTLSConfigFromArgs(files...)
	if err != nil {
		return err
	}
	if conf.MinVersion == 0 {
		conf.MinVersion = tls.VersionTLS12
	}
	cfg.tls = conf
	return nil
}

var errNoValue = fmt.Errorf("no value, one or more are expected")

func number(args []string, least, most int) (int, error) {
	text, err := value.One(args)
	if err != nil {
		return 0, err
	}
	return value.Number(text, least, most)
}

func duration(args []string, least, most time.Duration) (time.Duration, error) {
	text, err := value.One(args)
	if err != nil {
		return 0, err
	}
	return value.Duration(text, least, most, "500ms or 10s")
}

// zones appends zones; a network has several.
func zones(to *[]string, args []string) error {
	if len(args) == 0 {
		return errNoValue
	}
	for _, text := range args {
		all := plugin.Host(text).NormalizeExact()
		if len(all) == 0 {
			return fmt.Errorf("%q is not a zone", text)
		}
		*to = append(*to, all...)
	}
	return nil
}
