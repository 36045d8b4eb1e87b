package privatelink

import (
	"net/netip"
	"slices"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// Explain returns why the name is served or not. Plugin status calls it.
func (p *Privatelink) Explain(name dnsname.Name) verdict.Verdict { return p.zones.Explain(name) }

// NamesOf returns the names of the records that have the address.
func (p *Privatelink) NamesOf(addr netip.Addr) []dnsname.Name { return p.zones.NamesOf(addr) }

// Lacking implements verdict.Ledger.
func (p *Privatelink) Lacking(name dnsname.Name) (all []ledger.Entry) {
	owner, _ := p.zones.Snapshot().OwnerOf(name)
	forms := []dnsname.Name{name, owner.Name, zone.Canonical(name)}
	slices.Sort(forms)
	for _, form := range slices.Compact(forms) {
		if e, ok := lacking.Entry(string(form)); ok {
			all = append(all, e)
		}
	}
	return all
}

// Events returns the last events of all server blocks, and the number of all events.
func Events() ([]journal.Event, uint64) { return process.Events().Events() }

type blocksKey struct{}

// Handlers returns the handlers of the instance that c sets up, in the order of their
// blocks. Call it when every plugin has been set up, such as in Begin.
func Handlers(c *caddy.Controller) []verdict.Block {
	all, _ := c.Get(blocksKey{}).([]verdict.Block)
	return all
}

// register adds the handler to those of its instance.
func (p *Privatelink) register(c *caddy.Controller, b Block) {
	one := verdict.Block{Position: b.Position, Origins: b.Origins, Listen: b.Listen, Protect: p.protect, Explainer: p}
	c.Set(blocksKey{}, append(slices.Clip(Handlers(c)), one))
}
