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
type table struct {
	claims map[string]claim
	// shared has a second claim on a suffix, for the names whose labels lack the form of
	// the first one.
	shared map[string]claim
}

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
	oneName                    // NAME.REST, the suffix, is a public name of NAME.ZONE, and x.NAME.REST of x.NAME.ZONE
	staticWebsites             // x.zNN.SUFFIX is a public name of x.ZONE
	dnsZoneEndpoints           // x.zNN.SUFFIX is a public name of x.ZONE, if a source has it
	zonesByForm                // x.LABEL.SUFFIX and x.privatelink.LABEL.SUFFIX are in a zone without records
	zonesByNumber              // the same, and the label is a number
	forwarded                  // the names lead into the zone by a CNAME record, which is not here
)

var kinds = [...]claimKind{
	cloud.PublicNames: publicNames, cloud.OneName: oneName, cloud.StaticWebsites: staticWebsites,
	cloud.DNSZoneEndpoints: dnsZoneEndpoints, cloud.Forwarded: forwarded,
}

// claims yields the suffixes that a zone claims.
func claims(zone dnsname.Name) iter.Seq2[dnsname.Name, claim] {
	return func(yield func(dnsname.Name, claim) bool) {
		if !yield(zone, claim{kind: zoneNames}) {
			return
		}
		for _, r := range cloud.Rules(zone) {
			if !yield(r.Suffix, claim{kind: kinds[r.Kind]}) {
				return
			}
		}
	}
}

// newTable returns the table without zones, in which only the suffixes of forms are
// claimed.
func newTable(forms []cloud.Form) table {
	t := table{claims: map[string]claim{}, shared: map[string]claim{}}
	for _, f := range forms {
		kind := zonesByForm
		if f.Number {
			kind = zonesByNumber
		}
		t.claims[string(f.Suffix)] = claim{zone: &Zone{Name: f.Suffix, Strict: f.Strict}, kind: kind}
	}
	return t
}

// add adds the claims of a zone. A suffix that an earlier zone has claimed stays with
// that zone. Set.Check rejects such zones in a Corefile.
func (t *table) add(z *Zone) {
	for suffix, c := range claims(z.Name) {
		c.zone = z
		first, taken := t.claims[string(suffix)]
		switch {
		case c.kind == forwarded, taken && !t.share(suffix, first, c):
		case taken && c.kind == publicNames:
			t.shared[string(suffix)] = c
		case taken:
			t.shared[string(suffix)] = first
			t.claims[string(suffix)] = c
		default:
			t.claims[string(suffix)] = c
		}
	}
}

// share reports whether both claims may be on one suffix, because the labels decide
// between them: x is in the zone of the plain name and x.LABEL is not. Microsoft's table
// has such zones.
func (t *table) share(suffix dnsname.Name, public, form claim) bool {
	if public.kind != publicNames {
		public, form = form, public
	}
	if _, taken := t.shared[string(suffix)]; taken || public.kind != publicNames {
		return false
	}
	return form.isForm() && cloud.Listed(public.zone.Name) || form.kind == staticWebsites && form.zone == public.zone
}

// find returns the claim on the longest claimed suffix of name, and the labels of the
// name in the zone. It skips claims that do not apply to the number or the form of
// the labels. Every query runs it.
func (t *table) find(name string) (c claim, labels string) {
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		c, ok := t.claims[name[off:]]
		if !ok {
			continue
		}
		labels := name[:max(off-1, 0)]
		if c.kind == publicNames && labels != "" || c.kind == zoneNames {
			return c, labels
		}
		if c, labels = t.byForm(c, name, off); c.kind != unclaimed {
			return c, labels
		}
	}
	return claim{}, ""
}

// byForm returns the claim on the suffix name[off:] that includes the name, and the
// labels of the name in the zone. No claim does if the labels before the suffix lack the
// form that its kind requires.
func (t *table) byForm(c claim, name string, off int) (_ claim, relative string) {
	suffix, labels := name[off:], name[:max(off-1, 0)]
	switch {
	case c.kind == oneName:
		return c, name[:off+strings.IndexByte(suffix, '.')]
	case labels == "" || c.kind == publicNames:
		return claim{}, ""
	case !c.hasForm(labels):
		return t.shared[suffix], labels
	case c.kind == staticWebsites:
		labels, _ = cutLast(labels)
	}
	return c, labels
}

// hasForm reports whether the labels have the form that the kind requires.
func (c claim) hasForm(labels string) bool {
	if c.kind == dnsZoneEndpoints || c.kind == staticWebsites {
		account, dnsZone, _ := strings.Cut(labels, ".")
		return account != "" && isDNSZone(dnsZone)
	}
	rest, label := cutLast(labels)
	return rest != "" && c.form().Has(label)
}

// isForm reports whether the claim is of newTable.
func (c claim) isForm() bool { return c.kind == zonesByForm || c.kind == zonesByNumber }

// form returns the form of a claim of newTable.
func (c claim) form() cloud.Form {
	return cloud.Form{Suffix: c.zone.Name, Number: c.kind == zonesByNumber}
}

// ownerOf returns the owner of a name. The error is ErrOutOfZone, or the error of a
// name that is too long.
func (t *table) ownerOf(fqdn dnsname.Name) (Owner, error) {
	c, labels := t.find(string(fqdn))
	if c.kind == unclaimed {
		return Owner{}, ErrOutOfZone
	}
	o := Owner{Zone: c.zone.Name}
	switch c.kind {
	case dnsZoneEndpoints, staticWebsites:
		o.DNSZoneEndpoint = fqdn
		if labels, _, _ = strings.Cut(labels, "."); labels == "*" { // the accounts of all tenants
			return Owner{}, ErrOutOfZone
		}
	case zonesByForm, zonesByNumber:
		o.Zone, labels = c.zoneByForm(labels)
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

// zoneByForm returns the zone of the labels x.LABEL or x.privatelink.LABEL, and x.
func (c claim) zoneByForm(labels string) (zone dnsname.Name, relative string) {
	rest, label := cutLast(labels)
	if before, last := cutLast(rest); last+"." == cloud.Prefix {
		rest = before
	}
	return c.form().Zone(label), rest
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
