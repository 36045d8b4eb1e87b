package privatelink

import (
	"net/netip"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// Explain returns why the name is served or not. Plugin status calls it.
func (p *Privatelink) Explain(name dnsname.Name) verdict.Verdict { return p.zones.Explain(name) }

// NamesOf returns the names of the records that have the address.
func (p *Privatelink) NamesOf(addr netip.Addr) []dnsname.Name { return p.zones.NamesOf(addr) }
