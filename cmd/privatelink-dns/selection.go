package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coredns/caddy"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

// warnOfSelection logs a warning for each server block without privatelink that gets the
// queries for names of private endpoints from CoreDNS, because its zone is longer than
// that of the block with privatelink. The command validate also compares the records.
func warnOfSelection() {
	caddy.RegisterParsingCallback("dns", "bind", func(caddy.Context) error {
		if inst := starting(); inst != nil {
			for _, text := range selections(inst.Caddyfile()) {
				clog.Warning(text)
			}
		}
		return nil
	})
}

func selections(corefile caddy.Input) (all []string) {
	blocks, err := serverblock.Parse(corefile, nil)
	if err != nil {
		return nil
	}
	for i := range blocks {
		for j := range blocks {
			private, other := &blocks[i], &blocks[j]
			if !private.Has("privatelink") || other.Has("privatelink") || other.Has("view") || !shareHosts(private, other) {
				continue
			}
			for _, zone := range taken(private, other) {
				all = append(all, fmt.Sprintf("Queries for names below %s go to the server block %s, which has no privatelink, and do not get the private addresses: "+
					"add privatelink with the same sources to it, or remove it", strings.TrimSuffix(zone, "."), other.Name()))
			}
		}
	}
	return all
}

func shareHosts(a, b *serverblock.Block) bool {
	of := b.Hosts()
	return slices.ContainsFunc(a.Hosts(), func(host string) bool { return host == "" || slices.Contains(of, host) })
}

// taken returns the zones of the other block that have names of private endpoints and are
// within a zone of the block with privatelink.
func taken(private, other *serverblock.Block) (zones []string) {
	names := publicNames(private)
	for _, z := range other.Zones {
		within := func(p serverblock.Zone) bool {
			return p.Transport == z.Transport && p.Port == z.Port && p.Name != z.Name && dns.IsSubDomain(p.Name, z.Name)
		}
		has := func(name string) bool { return dns.IsSubDomain(z.Name, name) || dns.IsSubDomain(name, z.Name) }
		if slices.ContainsFunc(private.Zones, within) && slices.ContainsFunc(names, has) {
			zones = append(zones, z.Name)
		}
	}
	return zones
}

// publicNames returns the public names of the zones that a block with privatelink serves:
// those of Azure Backup in its cloud, and those that it lists.
func publicNames(private *serverblock.Block) (names []string) {
	served := cloud.Public
	for d := private.Dispenser("privatelink"); d.Next(); {
		for _, zone := range d.RemainingArgs() {
			names = append(names, dns.CanonicalName(strings.TrimPrefix(zone, cloud.Prefix)))
		}
		for d.NextBlock() {
			if property, values := d.Val(), d.RemainingArgs(); property == "cloud" && len(values) == 1 {
				served, _ = cloud.Parse(values[0]) // the setup rejects others
			}
		}
	}
	return append(names, string(served.Backup), string(served.Blob), string(served.Queue))
}
