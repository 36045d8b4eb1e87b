package source

import (
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// A Withheld connects an endpoint that is not served with its names, so that the
// reason can be found by name. An endpoint in another virtual network has its names. The
// names of one that is not approved are derived from its target and its groups.
type Withheld struct {
	Skip
	Names  []dnsname.Name // of its DNS configuration
	Groups string         // as in privateendpoint.Endpoint
}

// withhold skips an endpoint.
func (l *List) withhold(skip Skip, e *privateendpoint.Endpoint) {
	w := Withheld{Skip: skip, Groups: e.Groups}
	for _, c := range e.DNS {
		if name, err := dnsname.ParseOwner(c.FQDN); err == nil {
			w.Names = append(w.Names, name)
		}
	}
	l.Skipped, l.Withheld = append(l.Skipped, skip), append(l.Withheld, w)
}
