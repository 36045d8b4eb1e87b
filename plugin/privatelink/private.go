package privatelink

import (
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// Private reports whether a name is within the zones or the public zones that belong to
// them. Plugin upstream never sends such a name to a resolver of another network, which
// would return a public address for it.
func (p *Privatelink) Private(name string) bool {
	return p.zones.Snapshot().Suffix(dnsname.Name(casefold.Lower(name))) != ""
}
