package records

import (
	"io"
	"net/netip"
	"path"
	"strconv"
	"text/tabwriter"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// printers are the formats. The writer keeps its first error.
var printers = map[string]func(w io.Writer, s set, out command.Output){
	"table": table,
	"hosts": hosts,
	"zone":  zoneFile,
	"json":  func(w io.Writer, s set, _ command.Output) { printJSON(w, s.all()) },
	"csv":   printCSV,
}

const formats = "table, hosts, zone, json, csv"

func (s *set) all() (records []record) {
	for _, z := range s.zones {
		records = append(records, z.records...)
	}
	return records
}

// maxEmpty is how many zones without records a table has. A Corefile may have all zones
// of Azure.
const maxEmpty = 5

// table is for people: a zone without records is shown as well, and so is the age of
// each source.
func table(w io.Writer, s set, out command.Output) {
	empty := 0
	for i, z := range s.zones {
		if len(z.records) == 0 {
			if empty++; empty > maxEmpty {
				continue
			}
		}
		if i > 0 {
			command.Fprintf(w, "\n")
		}
		command.Fprintf(w, "%s: %s\n", out.Paint(command.Bold, z.name.String()), command.Count(len(z.records), "record"))
		if len(z.records) == 0 {
			continue
		}
		rows := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		command.Fprintf(rows, "NAME\tTYPE\tADDRESS\tTTL\tENDPOINT\tALIASES\n")
		for _, r := range z.records {
			command.Fprintf(rows, "%s\t%s\t%s\t%d\t%s\t%s\n", r.Name, r.Type, r.Address, r.TTL, r.endpoint(), dnsname.Join(r.Aliases, " "))
		}
		rows.Flush()
	}
	if more := empty - maxEmpty; more > 0 {
		command.Fprintf(w, "\n%d more zones: no records\n", more)
	}
	for i, src := range s.sources {
		if i == 0 && len(s.zones) > 0 {
			command.Fprintf(w, "\n")
		}
		command.Fprintf(w, "source %s: %s\n", src.Name, src)
	}
}

// endpoint is the endpoint's name, and its target: "pe-vault (vault rsv-we)". A record
// of a private DNS zone has the zone.
func (r *record) endpoint() string {
	if r.Endpoint == "" {
		return "-"
	}
	if zone := source.ZoneIn(r.Endpoint); zone != "" {
		return "private DNS zone " + zone
	}
	return source.Title(path.Base(r.Endpoint), r.Target)
}

// hosts prints lines that a hosts file may have. The comment is the
// endpoint for the hosts source, as in the portal's "Download host file".
func hosts(w io.Writer, s set, _ command.Output) {
	for _, r := range s.all() {
		command.Fprintf(w, "%s %s%s\n", r.Address, dnsname.Join(append([]dnsname.Name{r.Name}, r.Aliases...), " "), comment(" #", r.Endpoint))
	}
}

func comment(mark, text string) string {
	if text == "" {
		return ""
	}
	return mark + " " + text
}

// printJSON prints an array with an element a line.
func printJSON[T any](w io.Writer, elements []T) {
	separator := "["
	for _, e := range elements {
		line, _ := command.JSON(e) // names, numbers and texts: it cannot fail
		command.Fprintf(w, "%s\n%s", separator, command.Safe(line))
		separator = ","
	}
	if len(elements) == 0 {
		command.Fprintf(w, "%s", separator)
	}
	command.Fprintf(w, "\n]\n")
}

func printCSV(w io.Writer, s set, _ command.Output) {
	rows := [][]string{{"zone", "name", "type", "address", "ttl", "aliases", "endpoint", "target", "from"}}
	for _, r := range s.all() {
		rows = append(rows, []string{
			r.Zone.String(), r.Name.String(), r.Type, r.Address.String(), strconv.FormatUint(uint64(r.TTL), 10),
			dnsname.Join(r.Aliases, " "), r.Endpoint, r.Target, r.From,
		})
	}
	_ = command.PrintCSV(w, rows) // w keeps its error
}

func rrtype(addr netip.Addr) string {
	if addr.Is4() {
		return "A"
	}
	return "AAAA"
}
