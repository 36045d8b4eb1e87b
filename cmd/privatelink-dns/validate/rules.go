package validate

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/atomicfile"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/spelling"
	"github.com/privatelink-dns/privatelink-dns/plugin/status"
)

// checkStates warns of state files that cannot do their work. The server starts
// nevertheless.
func (r *report) checkStates(blocks []input.Block) {
	known := map[string]bool{} // several blocks may share a file
	for i := range blocks {
		path, position := blocks[i].State, blocks[i].Position
		if path == "" || known[path] {
			continue
		}
		known[path] = true
		if err := blocks[i].StateErr; err != nil {
			r.found(warning, position, "", fmt.Sprintf("state: %v (the server starts without it)", err))
		}
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			r.found(warning, position, "", fmt.Sprintf(
				"state: %s is not a folder that can be read: a restart without the sources would lose the records", filepath.Dir(path)))
		} else if err := atomicfile.Writable(path); err != nil && blocks[i].StateErr == nil {
			r.found(warning, position, "", fmt.Sprintf("state: %v (a restart without Azure would lose the records)", err))
		}
	}
}

// checkStatus warns of files of plugin status that the server would reject: the page is off
// then.
func (r *report) checkStatus(corefile caddy.Input) {
	if corefile == nil {
		return
	}
	for _, w := range status.Warnings(corefile) {
		r.found(warning, w[0], "", "status: "+w[1])
	}
}

// checkOrigins warns of names that have records and are outside of the origins of the
// server blocks. A query for one does not get to the plugin, and the server that
// answers it may return a public address.
func (r *report) checkOrigins(blocks []input.Block) {
	var origins []dnsname.Name
	for i := range blocks {
		origins = append(origins, blocks[i].Origins...)
	}
	for i := range blocks {
		for _, name := range slices.Sorted(maps.Keys(above(&blocks[i]))) {
			if !name.BelowAny(origins) {
				r.found(lost, blocks[i].Position, "", fmt.Sprintf(
					"a query for a name below %s does not get here: add %s to the server block, which is for %s",
					name, name, dnsname.Join(blocks[i].Origins, ", ")))
			}
		}
		r.checkReverse(&blocks[i])
		r.checkZones(&blocks[i])
	}
}

// checkReverse warns of addresses whose reverse names are outside of the origins of the
// server block that is to answer them.
func (r *report) checkReverse(b *input.Block) {
	var outside []netip.Addr
	for record := range b.Snapshot.Aliases() {
		for _, addr := range record.Addrs {
			if name, err := dns.ReverseAddr(addr.String()); err == nil && !dnsname.Name(name).BelowAny(b.Origins) {
				outside = append(outside, addr)
			}
		}
	}
	if !b.Zones.PTR || len(outside) == 0 {
		return
	}
	r.found(warning, b.Position, "", fmt.Sprintf("ptr: reverse queries for %s do not get here: add the network, such as 10.0.0.0/8, "+
		"to the server block, which is for %s", slices.MinFunc(outside, netip.Addr.Compare), dnsname.Join(b.Origins, ", ")))
}

// checkZones warns of a zone that Microsoft's table lacks, and that is nearly one of its
// zones. It is no error, because Azure gets new zones.
func (r *report) checkZones(b *input.Block) {
	table := b.Zones.Cloud.Zones()
	names := make([]string, len(table))
	for i, zone := range table {
		names[i] = zone.String()
	}
	for _, zone := range b.Zones.Zones {
		if slices.Contains(table, zone) {
			continue
		}
		if best := spelling.Nearest(zone.String(), names); best != "" {
			r.found(warning, b.Position, "", fmt.Sprintf("zone: %s is not in Microsoft's table of zones, do you mean %s?", zone, best))
		}
	}
}

// above returns the suffixes that the names of the block are below: its zones
// with records, and the public names that lead to the records.
func above(b *input.Block) map[dnsname.Name]bool {
	suffixes := map[dnsname.Name]bool{}
	for r, aliases := range b.Snapshot.Aliases() {
		for _, name := range append(aliases, r.Name) {
			suffixes[b.Snapshot.Suffix(name)] = true
		}
	}
	return suffixes
}
