package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// Records returns the entries of the record sets.
func Records(sets []privateendpoint.RecordSet) List {
	var r recordsReader
	for i := range sets {
		r.add(&sets[i])
	}
	return r.finish()
}

// A recordsReader turns record sets into a list. Each zone has one ID, and the entries
// share the memory of their texts and of their addresses, because a zone may have very
// many records.
type recordsReader struct {
	List
	last   string // resource ID of the zone of the last record
	id     ID     // the same
	others otherRecords
	room   room
}

func (r *recordsReader) add(set *privateendpoint.RecordSet) {
	if set.Zone != r.last {
		r.last = strings.Clone(set.Zone)
		r.id = IDOf(r.last)
	}
	if len(set.Addresses) == 0 {
		r.others.add(r.last, set.Type, set.FQDN)
		return
	}
	entry, skips, ok := check(r.id, ID{}, set.FQDN, set.Addresses)
	r.Skipped = append(r.Skipped, skips...)
	if ok {
		r.Entries = append(r.Entries, r.room.keep(entry))
	}
}

func (r *recordsReader) finish() List {
	r.Skipped = append(r.Skipped, r.others.skips()...)
	r.Entries = fitting(r.Entries)
	return r.List
}

// otherRecords has the records of zones that have no address. Each zone and type is one
// skip, because a zone may have very many of them.
type otherRecords struct {
	all []otherRecord
	at  map[[2]string]int // by zone and type
}

type otherRecord struct {
	zone, recordType string
	first            string // owner name
	number           int
}

// silent are the types that every zone has, or that a signed zone has.
var silent = []string{"SOA", "NS", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "DS", "CDS", "CDNSKEY", "ZONEMD"}

func (o *otherRecords) add(zone, recordType, owner string) {
	if slices.ContainsFunc(silent, func(s string) bool { return casefold.Equal(s, recordType) }) {
		return
	}
	key := [2]string{zone, casefold.Lower(recordType)}
	i, known := o.at[key]
	if known {
		o.all[i].number++
		return
	}
	if o.at == nil {
		o.at = map[[2]string]int{}
	}
	o.at[key] = len(o.all)
	o.all = append(o.all, otherRecord{zone, recordType, strings.Clone(owner), 1})
}

func (o *otherRecords) skips() (all []Skip) {
	for _, r := range o.all {
		detail := fmt.Sprintf("its %.20s record of %.80s has no address", r.recordType, strings.TrimSuffix(r.first, "."))
		if r.number > 1 {
			detail = fmt.Sprintf("its %d %.20s records, such as that of %.80s, have no address", r.number, r.recordType, strings.TrimSuffix(r.first, "."))
		}
		if !casefold.Equal(r.recordType, "A") && !casefold.Equal(r.recordType, "AAAA") {
			detail += ", only A and AAAA records are served"
		}
		all = append(all, Skip{r.zone, "", NoAddress, detail})
	}
	return all
}
