package forwarders

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// name matches a domain name in the form that the templates print it in. They quote
// nothing: no character that matches has a meaning in any of the formats, be it a
// script of PowerShell or sh, YAML, Bicep or Lua.
var name = regexp.MustCompile(`^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$`)

// onlyNames is the limit of every format. The names come from exports and from Azure.
// dnsname.Parse accepts the same characters: this check is for the day when it accepts
// more.
func onlyNames(t target) error {
	all := append(slices.Clone(t.Zones), t.Suffixes...)
	for _, q := range t.Checks {
		all = append(all, q.Name)
	}
	for _, text := range all {
		if !name.MatchString(text) || len(text) > 253 {
			return fmt.Errorf("%q cannot be forwarded: only letters, digits, hyphens and underscores are allowed in a name", text)
		}
	}
	return nil
}

// plainLabels is for servers that accept no label with a hyphen at one of its ends.
func plainLabels(t target) error {
	for _, zone := range t.Zones {
		for label := range strings.SplitSeq(zone, ".") {
			if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
				return fmt.Errorf("%s cannot be forwarded: this kind of server rejects the label %q, because a hyphen is at its end", zone, label)
			}
		}
	}
	return nil
}

func maxLabels(most int) limit {
	return func(t target) error {
		for _, zone := range t.Zones {
			if n := strings.Count(zone, ".") + 1; n > most {
				return fmt.Errorf("%s has %d labels: the domain name of a rule has %d at most", zone, n, most)
			}
		}
		return nil
	}
}

func maxZones(kind string, most int) limit {
	return func(t target) error {
		switch {
		case len(t.Zones) <= most:
			return nil
		case t.Names:
			return fmt.Errorf("%s forwards %d names at most, these are %d: without -names it needs %d", kind, most, len(t.Zones), len(t.Suffixes))
		}
		return fmt.Errorf("%s forwards %d names at most, these are %d", kind, most, len(t.Zones))
	}
}

func maxServers(kind string, most int) limit {
	return func(t target) error {
		if len(t.Servers) > most {
			return fmt.Errorf("%s forwards to %d servers at most", kind, most)
		}
		return nil
	}
}

func onlyPort53(t target) error {
	for _, s := range t.Servers {
		if s.Port() != defaultPort {
			return fmt.Errorf("%s: a Windows DNS server forwards to port 53 only", s.Colon())
		}
	}
	return nil
}

func onlyIPv4(t target) error {
	for _, s := range t.Servers {
		if !s.Addr().Is4() {
			return fmt.Errorf("%s: an Azure DNS forwarding ruleset forwards to IPv4 addresses only", s.Colon())
		}
	}
	return nil
}
