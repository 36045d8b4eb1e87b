package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// ZoneFiles reads zone files (master files in RFC 1035, 5), as Azure CLI, BIND and Windows DNS write
// them, and the output of dig axfr. Only the A and AAAA records count.
type ZoneFiles struct {
	set    *fileSet[List]
	config Config
}

// NewZoneFiles returns the source of the zone files that the patterns match, in the
// syntax of filepath.Match. An interval of 0 is LocalInterval.
func NewZoneFiles(patterns []string, interval time.Duration) *ZoneFiles {
	return &ZoneFiles{set: newFileSet(patterns, zoneFileFormat), config: local("zonefile "+strings.Join(patterns, " "), interval)}
}

// Config implements Source.
func (z *ZoneFiles) Config() Config { return z.config }

// Fetch implements Source. Each error names file, line and reason.
func (z *ZoneFiles) Fetch(context.Context) (*List, error) { return z.set.fetch() }

// Remember adds the files that an earlier process read. Parts are those of its
// last list. Call it before the first Fetch.
func (z *ZoneFiles) Remember(parts map[string]int) { z.set.remember(parts) }

var zoneFileFormat = linesFormat{parse: decodeZoneFile, marker: noRecords}

// noRecords is the line of a zone file that has no addresses on purpose.
const noRecords = "; no endpoints"

// maxRecords bounds the records of a file, because one line $GENERATE makes many.
const maxRecords = 500_000

var (
	errNoRecord  = fmt.Errorf("no A or AAAA record in it: if there are none, write the line %q", noRecords)
	errEmptyZone = emptyZoneError{errNoRecord}
	errTransfer  = errors.New("a transfer that is not whole: the SOA record is not repeated at its end, transfer the zone again")
)

// A zoneReader turns the records of a zone file into a list.
type zoneReader struct {
	List
	label  string // of the current zone
	id     ID     // the same, one for all of its records
	others otherRecords
	room   room

	records int
	soas    int
	current string // owner of the SOA record that is not repeated yet, as it is at the end of a transfer
	open    bool   // an earlier zone of the file has its SOA record once
}

func decodeZoneFile(path string, data []byte) (List, bool, error) {
	if first := bytes.TrimLeft(data, " \t\r\n"); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		return List{}, false, errors.New("line 1: this is JSON, which belongs to the property files")
	}
	origin := originOf(path, data)
	r := &zoneReader{List: List{path: path, Entries: make([]Entry, 0, min(bytes.Count(data, []byte("\n"))+1, maxRoom))}}
	r.enter(origin)
	// The parser ignores a cut record at the end of a file unless a newline follows it.
	text := io.MultiReader(bytes.NewReader(withoutAge(data)), strings.NewReader("\n"))
	parser := dns.NewZoneParser(text, origin, "")
	parser.SetDefaultTTL(uint32(time.Hour.Seconds())) // Windows DNS writes no TTL; none is used
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		if r.records++; r.records > maxRecords {
			return List{}, false, fmt.Errorf("more than %d records", maxRecords)
		}
		if soa, ok := rr.(*dns.SOA); ok && soa.Expire == 0 && soa.Minttl == 0 { // neither for the parser
			return List{}, false, errors.New("the SOA record is not whole")
		}
		r.add(rr)
	}
	if err := parser.Err(); err != nil {
		return List{}, false, zoneError(err, origin)
	}
	return r.finish(data)
}

// finish returns the list of the file. A transfer ends with the SOA record with which
// it begins, so its end is known.
func (r *zoneReader) finish(data []byte) (List, bool, error) {
	r.Skipped = append(r.Skipped, r.others.skips()...)
	ended := r.soas == 2 && r.current == "" && !r.open
	switch {
	case isTransfer(data) && (r.soas == 0 || r.current != "" || r.open):
		return List{}, false, errTransfer
	case len(r.Entries) > 0 || len(r.Skipped) > 0 || ended || hasLine(data, noRecords):
		return r.List, ended, nil
	case r.soas > 0:
		return r.List, false, errEmptyZone
	}
	return List{}, false, noneError{errNoRecord}
}

func (r *zoneReader) add(rr dns.RR) {
	owner, recordType := rr.Header().Name, dns.Type(rr.Header().Rrtype).String()
	if class := dns.Class(rr.Header().Class); class != dns.ClassINET {
		r.others.add(r.label, class.String()+" "+recordType, owner)
		return
	}
	var addr netip.Addr
	switch rr := rr.(type) {
	case *dns.SOA:
		r.addSOA(owner)
		return
	case *dns.A:
		addr, _ = netip.AddrFromSlice(rr.A)
	case *dns.AAAA:
		addr, _ = netip.AddrFromSlice(rr.AAAA)
	default:
		r.others.add(r.label, recordType, owner)
		return
	}
	entry, skips, ok := check(r.id, ID{}, owner, []string{addr.Unmap().String()})
	r.Skipped = append(r.Skipped, skips...)
	last := len(r.Entries) - 1
	switch {
	case ok && last >= 0 && r.Entries[last].FQDN == entry.FQDN && r.Entries[last].Endpoint == r.id:
		r.Entries[last].Addrs = append(r.Entries[last].Addrs, entry.Addrs...)
	case ok:
		r.Entries = append(r.Entries, r.room.keep(entry))
	}
}

func (r *zoneReader) addSOA(owner string) {
	r.soas++
	if r.current != "" && casefold.Equal(r.current, owner) {
		r.current = ""
		return
	}
	r.open = r.open || r.current != ""
	r.current = owner
	r.enter(owner)
}

// enter sets the endpoint of the records that follow.
func (r *zoneReader) enter(zone string) {
	r.label = labelOf(r.path, zone)
	r.id = IDOf(r.label)
}

// labelOf is the endpoint of the records of a zone: one string for all of them.
func labelOf(path, zone string) string {
	if zone == "" {
		return path
	}
	return path + ", zone " + strings.TrimSuffix(casefold.Lower(zone), ".")
}

// hasLine reports whether the text has the line, in any case.
func hasLine(data []byte, line string) bool {
	for one := range bytes.Lines(data) {
		if casefold.Equal(strings.TrimSpace(string(one)), line) {
			return true
		}
	}
	return false
}

var (
	transfer = regexp.MustCompile(`(?mi)^;+ *<<>> DiG .*\baxfr\b|^;; AXFR for `)

	// windowsZone is in the head of a file of Windows DNS, which has no $ORIGIN.
	windowsZone = regexp.MustCompile(`(?m)^;\s+Database file .* for (\S+) zone\.`)

	// age is when Windows DNS last refreshed a dynamic record.
	age = regexp.MustCompile(`\[AGE:\d+\]`)
)

// isTransfer reports whether dig or kdig wrote the text, with its comments.
func isTransfer(data []byte) bool { return transfer.Match(data[:min(len(data), 4096)]) }

func withoutAge(data []byte) []byte {
	if !bytes.Contains(data, []byte("[AGE:")) {
		return data
	}
	return age.ReplaceAll(data, nil)
}

// originOf returns the zone of relative names before the first $ORIGIN, or "". BIND
// has the zone in its configuration, so the name of the file is used: db.ZONE, or ZONE
// and one of the usual endings.
func originOf(path string, data []byte) string {
	if found := windowsZone.FindSubmatch(data[:min(len(data), 4096)]); found != nil {
		return dns.Fqdn(string(found[1]))
	}
	base := strings.TrimPrefix(filepath.Base(path), "db.")
	for _, ending := range []string{".signed", ".zone", ".dns", ".db", ".txt"} {
		base = strings.TrimSuffix(base, ending)
	}
	name, err := dnsname.Parse(base)
	if last := base[strings.LastIndexByte(base, '.')+1:]; err != nil || strings.Count(base, ".") < 2 || strings.Trim(last, "0123456789") == "" {
		return "" // of another form, a date for example
	}
	return string(name)
}

// located is an error of the parser.
var located = regexp.MustCompile(`(?s)^dns: (.*) at line: (\d+):\d+$`)

// zoneError returns an error of the parser in the form of the other sources.
func zoneError(err error, origin string) error {
	found := located.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	reason, hint := found[1], ""
	switch {
	case strings.Contains(reason, "$INCLUDE"):
		hint = ": write all records into one file, for example with named-compilezone"
	case origin == "" && strings.Contains(reason, "bad owner name"):
		hint = `: a relative name needs the line "$ORIGIN ZONE." above it, or the zone as the name of the file, ZONE.zone`
	}
	return fmt.Errorf("line %s: %.200s%s", found[2], reason, hint)
}
