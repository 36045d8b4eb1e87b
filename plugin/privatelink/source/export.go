package source

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// An export is the content of one file of [Files].
type export struct {
	endpoints []privateendpoint.Endpoint
	records   List // of private DNS zones
	documents int
}

// exportFormat is the format of exports. JSON has an end mark, so a file of one document
// is invalid until it is written completely. A file of several documents may end after
// each of them: its resources are removed only after it has not changed for quietAfter.
type exportFormat struct {
	vnets []string
}

func (exportFormat) decode(path string, data []byte, past past[export]) (x export, open bool, err error) {
	page, err := privateendpoint.Decode(data)
	if err == nil && page.Next != "" {
		err = errors.New("one page of a longer listing (it links to a next page): half a listing is no listing, export all pages")
	}
	if err != nil {
		return export{}, false, err
	}
	for i := range page.Endpoints {
		page.Endpoints[i].File = path
	}
	x = export{page.Endpoints, Records(page.Records), page.Documents}
	x.records.path = path
	if past.quiet || max(x.documents, past.value.documents) < 2 {
		return x, false, nil
	}
	open = x.keep(&past.value) || past.remembered && !past.good
	if open {
		x.documents = max(x.documents, past.value.documents) // more may follow the first one
	}
	return x, open, nil
}

// keep adds the resources of an earlier content that x lacks, and reports whether there
// are any.
func (x *export) keep(before *export) bool {
	key := func(e *privateendpoint.Endpoint) string {
		return fmt.Sprint(casefold.Lower(e.ID), " ", casefold.Lower(e.Resource), " ", e.Connected)
	}
	have, size := map[string]bool{}, len(x.endpoints)
	for i := range x.endpoints {
		have[key(&x.endpoints[i])] = true
	}
	for i := range before.endpoints {
		if !have[key(&before.endpoints[i])] {
			x.endpoints = append(x.endpoints, before.endpoints[i])
		}
	}
	return x.records.keep(&before.records) || len(x.endpoints) > size
}

func (e exportFormat) unite(exports []export) *List {
	var pages [][]privateendpoint.Endpoint
	var zones []List
	for _, x := range exports {
		pages, zones = append(pages, x.endpoints), append(zones, x.records)
	}
	all := Unite(pages, e.vnets)
	records := uniteLists(zones)
	if len(all.Entries) == 0 { // the entries of a large zone are not copied
		all.Entries = records.Entries
	} else {
		all.Entries = append(all.Entries, records.Entries...)
	}
	all.Skipped, all.Conflicts = append(all.Skipped, records.Skipped...), append(all.Conflicts, records.Conflicts...)
	return all
}

func (exportFormat) none() string { return "an empty array ([])" }

// zoneProvider is the part of a resource ID before the name of a private DNS zone.
const zoneProvider = "/providers/microsoft.network/privatednszones/"

// ZoneIn returns the name of the private DNS zone that a resource ID is of, or "".
func ZoneIn(endpoint string) string {
	at := casefold.Index(endpoint, zoneProvider)
	if at < 0 || strings.Contains(endpoint[at+len(zoneProvider):], "/") {
		return ""
	}
	return endpoint[at+len(zoneProvider):]
}

// ZoneRepeats reports whether one of two entries for a name is of a private DNS zone and
// has the addresses of the other, because the zone has the name of an endpoint.
func ZoneRepeats(a, b *Entry) bool {
	return slices.Equal(a.Addrs, b.Addrs) && (ZoneIn(a.Endpoint.String()) != "" || ZoneIn(b.Endpoint.String()) != "")
}

// Records returns the entries of the record sets. Each zone has one string, because a
// zone may have very many records.
func Records(sets []privateendpoint.RecordSet) (l List) {
	if len(sets) > 0 {
		l.Entries = make([]Entry, 0, len(sets))
	}
	zones, others := map[string]string{}, otherRecords{}
	for _, set := range sets {
		zone, known := zones[set.Zone]
		if !known {
			zone = strings.Clone(set.Zone)
			zones[zone] = zone
		}
		if len(set.Addresses) == 0 {
			others.add(zone, set.Type, set.FQDN)
			continue
		}
		entry, skips, ok := check(IDOf(zone), ID{}, set.FQDN, set.Addresses)
		l.Skipped = append(l.Skipped, skips...)
		if ok {
			l.Entries = append(l.Entries, entry)
		}
	}
	l.Skipped = append(l.Skipped, others.skips()...)
	return l
}
