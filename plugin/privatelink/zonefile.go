package privatelink

import (
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// Apex returns the records of the zone's own name, with the SOA record first. A
// zone file needs them beside the addresses.
func Apex(z *zone.Zone) []dns.RR { return []dns.RR{soa(z), ns(string(z.Name))} }
