package zone

import (
	"iter"
	"strings"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A table decides which zone a name belongs to. It maps each suffix that a zone
// claims to the claim. The names of sources and the names of queries are both
// looked up in it, by find, so that a query for each name of a record finds it.
//
// The longest suffix decides, and there is no second rule. The alternative, a list of
// zones that each examine the name, needs one for names that two zones accept.
type table map[string]claim

// A claim is the right of a zone to the names below a suffix.
type claim struct {
	zone *Zone
	kind claimKind
}

type claimKind uint8

const (
	unclaimed        claimKind = iota
	zoneNames                  // the suffix is the zone's own name
	publicNames                // x.SUFFIX is a public name of x.ZONE
	dnsZoneEndpoints           // x.zNN.SUFFIX is a public name of x.ZONE
	backupZones                // x.GEO.SUFFIX and x.privatelink.GEO.SUFFIX are in a Backup zone without records
)

// claims yields the suffixes that a zone claims.
func claims(zone dnsname.Name) iter.Seq2[dnsname.Name, claimKind] {
	return func(yield func(dnsname.Name, claimKind) bool) {
		if !yield(zone, zoneNames) {
			return
		}
		for _, public := range cloud.PublicZones(zone) {
			if !yield(public, publicNames) {
				return
			}
		}
		if suffix, ok := cloud.DNSZoneEndpoints(zone); ok {
			yield(suffix, dnsZoneEndpoints)
		}
	}
}

// newTable returns the table of a cloud without zones, in which only the Backup suffix
// is claimed.
func newTable(c cloud.Cloud) table {
	if c.Backup == "" {
		return table{}
	}
	return table{string(c.Backup): {&Zone{Name: c.Backup, Strict: true}, backupZones}}
}

// add adds the claims of a zone. A suffix that an earlier zone has claimed stays with
// that zone. Set.Check rejects such zones in a Corefile.
func (t table) add(z *Zone) {
	for suffix, kind := range claims(z.Name) {
		if _, taken := t[string(suffix)]; !taken {
			t[string(suffix)] = claim{z, kind}
		}
	}
}

// find returns the claim on the longest claimed suffix of name, and the labels before
// that suffix. It skips claims that do not apply to the number or the form of the
// labels.
func (t table) find(name string) (c claim, labels string) {
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		c, ok := t[name[off:]]
		if !ok {
			continue
		}
		if labels := name[:max(off-1, 0)]; c.applies(labels) {
			return c, labels
		}
	}
	return claim{}, ""
}

// applies reports whether the claim includes the name that has the labels before
// the suffix. Like find, every query runs it: the compiler must be able to inline it.
func (c claim) applies(labels string) bool {
	return c.kind == zoneNames || labels != "" && (c.kind == publicNames || c.hasForm(labels))
}

// hasForm reports whether the labels have the form that the kind requires.
func (c claim) hasForm(labels string) bool {
	if c.kind == dnsZoneEndpoints {
		account, dnsZone, _ := strings.Cut(labels, ".")
		return account != "" && isDNSZone(dnsZone)
	}
	rest, geo := cutLast(labels)
	return rest != "" && geo+"." != cloud.Prefix
}

// ownerOf returns the owner of a name. The error is ErrOutOfZone, or the error of a
// name that is too long.
func (t table) ownerOf(fqdn dnsname.Name) (Owner, error) {
	c, labels := t.find(string(fqdn))
	if c.kind == unclaimed {
		return Owner{}, ErrOutOfZone
	}
	o := Owner{Zone: c.zone.Name}
	switch c.kind {
	case dnsZoneEndpoints:
		o.DNSZoneEndpoint = fqdn
		if labels, _, _ = strings.Cut(labels, "."); labels == "*" { // the accounts of all tenants
			return Owner{}, ErrOutOfZone
		}
	case backupZones:
		o.Zone, labels = c.backupZone(labels)
	}
	if labels == "" { // the zone's own name
		return Owner{}, ErrOutOfZone
	}
	if c.kind == zoneNames {
		o.Name = fqdn
		return o, nil
	}
	name, err := o.Zone.Child(labels)
	o.Name = name
	return o, err
}

// backupZone returns the Backup zone of the labels x.GEO or x.privatelink.GEO,
// and x.
func (c claim) backupZone(labels string) (zone dnsname.Name, relative string) {
	rest, geo := cutLast(labels)
	zone = dnsname.Name(cloud.Prefix + geo + "." + string(c.zone.Name))
	if before, last := cutLast(rest); last+"." == cloud.Prefix {
		rest = before
	}
	return zone, rest
}

// cutLast splits labels before the last label.
func cutLast(labels string) (rest, last string) {
	dot := strings.LastIndexByte(labels, '.')
	return labels[:max(dot, 0)], labels[dot+1:]
}

// isDNSZone reports whether label is a z and a number.
func isDNSZone(label string) bool {
	number, ok := strings.CutPrefix(label, "z")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}
