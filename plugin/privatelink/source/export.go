package source

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// An export is the content of one file of [Files].
type export struct {
	endpoints packed
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
	d := newExportDecoder(path)
	for i := range page.Endpoints {
		d.endpoint(&page.Endpoints[i])
	}
	for i := range page.Records {
		d.record(&page.Records[i])
	}
	x, open = d.finish(page.Documents, past)
	return x, open, nil
}

// stream is decode without the text in memory. It reports false for content of other
// forms, and for content with an error.
func (exportFormat) stream(path string, r io.Reader, past past[export]) (x export, open, ok bool) {
	d := newExportDecoder(path)
	documents, ok := privateendpoint.Stream(r, d.endpoint, d.record)
	if !ok {
		return export{}, false, false
	}
	x, open = d.finish(documents, past)
	return x, open, true
}

// An exportDecoder collects the resources of a file.
type exportDecoder struct {
	path      string
	endpoints packer
	records   recordsReader
}

func newExportDecoder(path string) *exportDecoder {
	return &exportDecoder{path: path, records: recordsReader{List: List{path: path}}}
}

func (d *exportDecoder) endpoint(e *privateendpoint.Endpoint) {
	e.File = d.path
	d.endpoints.add(e)
}

func (d *exportDecoder) record(set *privateendpoint.RecordSet) { d.records.add(set) }

// finish returns the content of the file, with what it may lack of an earlier one.
func (d *exportDecoder) finish(documents int, past past[export]) (x export, open bool) {
	x = export{d.endpoints.finish(), d.records.finish(), documents}
	if past.quiet || max(x.documents, past.value.documents) < 2 && !x.shrank(past) {
		return x, false
	}
	open = x.keep(&past.value) || past.remembered && !past.good
	if open {
		x.documents = max(x.documents, past.value.documents) // more may follow the first one
	}
	return x, open
}

// shrank reports whether an earlier process read more names from the file. It may have had
// several documents, so that more may follow.
func (x *export) shrank(past past[export]) bool {
	if !past.remembered || past.good {
		return false
	}
	names := namesOf(x.records.Entries)
	for e := range x.endpoints.all() {
		for name := range ownersOf(&e) {
			names[name] = true
		}
	}
	return len(names) < past.names
}

// keep adds the resources of an earlier content that x lacks, and reports whether there
// are any.
func (x *export) keep(before *export) bool {
	key := func(e *privateendpoint.Endpoint) string {
		return fmt.Sprint(casefold.Lower(e.ID), " ", casefold.Lower(e.Resource), " ", e.Connected)
	}
	have, all := map[string]bool{}, packer{}
	for e := range x.endpoints.all() {
		have[key(&e)] = true
		all.add(&e)
	}
	for e := range before.endpoints.all() {
		if !have[key(&e)] {
			all.add(&e)
		}
	}
	more := all.number > x.endpoints.number
	x.endpoints = all.finish()
	return x.records.keep(&before.records) || more
}

func (e exportFormat) unite(exports []export) *List {
	var zones []List
	for i := range exports {
		zones = append(zones, exports[i].records)
	}
	all := unite(pagesOf(exports), e.vnets, unserved)
	records := uniteLists(zones)
	if len(all.Entries) == 0 { // the entries of a large zone are not copied
		all.Entries = records.Entries
	} else {
		all.Entries = append(all.Entries, records.Entries...)
	}
	all.Skipped, all.Conflicts = append(all.Skipped, records.Skipped...), append(all.Conflicts, records.Conflicts...)
	return all
}

// pagesOf returns the endpoints of each file.
func pagesOf(exports []export) (pages []iter.Seq[privateendpoint.Endpoint]) {
	for i := range exports {
		pages = append(pages, exports[i].endpoints.all())
	}
	return pages
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
