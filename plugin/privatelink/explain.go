package privatelink

import (
	"net/netip"
	"slices"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// Explain returns why the name is served or not. Plugin status calls it.
func (p *Privatelink) Explain(name dnsname.Name) verdict.Verdict { return p.zones.Explain(name) }

// NamesOf returns the names of the records that have the address.
func (p *Privatelink) NamesOf(addr netip.Addr) []dnsname.Name { return p.zones.NamesOf(addr) }

type blocksKey struct{}

// Handlers returns the handlers of the instance that c sets up, in the order of their
// blocks. Call it when every plugin has been set up, such as in Begin.
func Handlers(c *caddy.Controller) []verdict.Block {
	all, _ := c.Get(blocksKey{}).([]verdict.Block)
	return all
}

// register adds the handler to those of its instance.
func (p *Privatelink) register(c *caddy.Controller, b Block) {
	one := verdict.Block{Position: b.Position, Origins: b.Origins, Listen: b.Listen, Explainer: p}
	c.Set(blocksKey{}, append(slices.Clip(Handlers(c)), one))
}
