package zone

import (
	"strings"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// wildcardLabel begins the labels of a wildcard.
const wildcardLabel = "*."

// addWildcard registers the record of the labels if it is a wildcard.
func (z *Zone) addWildcard(labels string, r *Record) {
	parent, ok := strings.CutPrefix(labels+".", wildcardLabel)
	if !ok {
		return
	}
	if z.wildcards == nil {
		z.wildcards = map[string]*Record{}
	}
	z.wildcards[strings.TrimSuffix(parent, ".")] = r
}

// wildcard returns the record for a name that does not exist, or nil. The answer is
// synthesized from the wildcard below the closest encloser, which is the longest
// existing ancestor of the name (RFC 4592, 3.3.1). No other wildcard applies.
func (z *Zone) wildcard(labels string) *Record {
	if z.wildcards == nil {
		return nil
	}
	for off, end := dns.NextLabel(labels, 0); !end; off, end = dns.NextLabel(labels, off) {
		if z.records.find(labels[off:]) != nil {
			return z.wildcards[labels[off:]]
		}
	}
	return z.wildcards[""] // the name of the zone encloses all names
}

// wildcardAlias returns the answer for a public name whose record a wildcard
// synthesizes. A name that is too long with the label privatelink has no record, here or
// in Azure. It is not in the zone either.
func wildcardAlias(z *Zone, r *Record, labels string) Answer {
	if len(labels)+1+len(z.Name) > dnsname.MaxText {
		return Answer{Result: NameError, Zone: z}
	}
	return Answer{Result: Alias, Zone: z, Record: r, labels: uint8(len(labels))} //nolint:gosec // G115: below MaxText
}

// Target returns the name of the record of an alias. name is the name that was looked
// up. It determines the target if the record is a wildcard.
func (a Answer) Target(name string) string {
	if a.labels == 0 {
		return string(a.Record.Name)
	}
	return strings.ToLower(name[:a.labels]) + "." + string(a.Zone.Name)
}

// Contains reports whether the name, in lower case, is that of the zone or below it.
func (z *Zone) Contains(name string) bool {
	labels, found := strings.CutSuffix(name, string(z.Name))
	return found && (labels == "" || labels[len(labels)-1] == '.')
}
