package zone

import (
	"strings"
	"sync"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// allZones is the table of all zones of all clouds.
var allZones = sync.OnceValue(func() *table {
	var forms []cloud.Form
	for _, c := range cloud.All() {
		forms = append(forms, c.Forms()...)
	}
	t := newTable(forms)
	for _, c := range cloud.All() {
		for _, name := range c.Zones() {
			t.add(&Zone{Name: name})
		}
	}
	return &t
})

// Canonical returns one name for all forms in which Azure lists the name of a record:
// with the label privatelink, without it, and as a DNS zone endpoint. It is the first
// public name.
func Canonical(fqdn dnsname.Name) dnsname.Name {
	if i := strings.Index(string(fqdn), "."+cloud.Prefix); i >= 0 {
		fqdn = fqdn[:i+1] + fqdn[i+1+len(cloud.Prefix):]
	}
	c, labels := allZones().find(string(fqdn))
	if c.kind == dnsZoneEndpoints {
		labels, _ = cutLast(labels)
	}
	if c.kind == unclaimed || labels == "" || c.isForm() {
		return fqdn
	}
	first := cloud.Rules(c.zone.Name)[0]
	if public := first.Suffix[first.Kept:]; fqdn[len(labels)+1:] != public {
		return dnsname.Name(labels) + "." + public
	}
	return fqdn // most names, without a copy
}

// zoneIn returns the zone of Microsoft's table that has the name, or "".
func zoneIn(fqdn dnsname.Name) dnsname.Name {
	owner, err := allZones().ownerOf(fqdn)
	if err != nil {
		return ""
	}
	return owner.Zone
}
