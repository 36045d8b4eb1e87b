package syncer

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// findings is what a merge has to say of one source.
type findings struct {
	records   int
	conflicts int
	skipped   map[source.Reason]int
	lines     map[string]bool // for the log, each once
}

// merge adds a source's entries to the snapshot that is built, and tells served
// of each. A name that an earlier source gave is not touched; inside one source
// addresses are united.
func merge(b *zone.Builder, list *source.List, served func(owner dnsname.Name, e source.Entry)) findings {
	found := findings{skipped: map[source.Reason]int{}, lines: map[string]bool{}}
	for _, skip := range list.Skipped {
		found.skip(skip)
	}
	mine := map[dnsname.Name]string{} // record → the endpoint that gave it first
	for _, e := range list.Entries {
		place, err := b.Locate(e.FQDN)
		if err != nil {
			found.skip(unplaced(e, err))
			continue
		}
		first, seen := mine[place.Owner]
		if !seen && len(b.Addrs(place)) > 0 {
			found.shadowed(b, place, e)
			continue
		}
		if !seen {
			mine[place.Owner] = e.Endpoint
		} else if first != e.Endpoint {
			found.conflict("%s is given by two endpoints, the addresses of both are served: %s and %s", place.Owner, first, e.Endpoint)
		}
		b.Add(place, e.Addrs)
		served(place.Owner, e)
		found.warnPublic(place.Owner, e)
	}
	found.records = len(mine)
	return found
}

// untold is for those who do not want to know.
func untold(dnsname.Name, source.Entry) {}

func unplaced(e source.Entry, err error) source.Skip {
	if errors.Is(err, zone.ErrOutside) {
		return source.Skip{Endpoint: e.Endpoint, Target: e.Target, Reason: source.OutsideZones, Detail: fmt.Sprintf("%s %v", e.FQDN, err)}
	}
	return source.Skip{Endpoint: e.Endpoint, Target: e.Target, Reason: source.BadName, Detail: "with privatelink, " + err.Error()}
}

func (f *findings) skip(s source.Skip) {
	f.skipped[s.Reason]++
	f.lines[s.String()] = true
}

func (f *findings) conflict(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if !f.lines[line] {
		f.conflicts++
	}
	f.lines[line] = true
}

// shadowed handles a name that an earlier source has: that one's addresses stay.
func (f *findings) shadowed(b *zone.Builder, place zone.Place, e source.Entry) {
	b.Add(place, nil) // the alias is new perhaps
	if addrs := b.Addrs(place); slices.ContainsFunc(e.Addrs, func(a netip.Addr) bool { return !slices.Contains(addrs, a) }) {
		f.conflict("%s has other addresses in an earlier source, those are served: not %v of %s", place.Owner, e.Addrs, e.Endpoint)
	}
}

// carrierGrade is shared address space (RFC 6598), which some use as private.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

func (f *findings) warnPublic(name dnsname.Name, e source.Entry) {
	for _, addr := range e.Addrs {
		if !addr.IsPrivate() && !carrierGrade.Contains(addr) {
			f.lines[fmt.Sprintf("%s has the address %s, which is in no private range, it is served: check the private endpoint %s", name, addr, source.Title(e.Endpoint, e.Target))] = true
		}
	}
	if len(e.Addrs) > transferable {
		f.lines[fmt.Sprintf("%s has %d addresses: BIND, as a secondary or a forwarder, refuses more than %d for one name", name, len(e.Addrs), transferable)] = true
	}
}

// transferable is BIND's max-records-per-type.
const transferable = 100

// maxLines bounds what one change may write to the log.
const maxLines = 20

// report publishes what the syncer found: all of it as metrics, as log lines what
// no syncer has found before. A reload has two of them for a moment, and two
// server blocks may share a source.
func (f *feed) report(s *Syncer, found findings) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := f.source.Config().Name
	metrics.Records.WithLabelValues(name).Set(float64(found.records))
	metrics.Conflicts.WithLabelValues(name).Set(float64(found.conflicts))
	metrics.Skipped.DeletePartialMatch(map[string]string{"source": name})
	for reason, n := range found.skipped {
		metrics.Skipped.WithLabelValues(name, string(reason)).Set(float64(n))
	}
	fresh := 0
	for _, line := range slices.Sorted(maps.Keys(found.lines)) {
		if f.told(line) {
			continue
		}
		if fresh++; fresh <= maxLines {
			log.Warningf("%s: %s", name, printable(line))
		}
	}
	if fresh > maxLines {
		log.Warningf("%s: %d more findings like these", name, fresh-maxLines)
	}
	f.found[s] = found.lines
}

func (f *feed) told(line string) bool {
	for _, lines := range f.found {
		if lines[line] {
			return true
		}
	}
	return false
}

// printable keeps what comes from outside from making log lines of its own.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, line)
}
