package records

import (
	"io"
	"os"
	"path/filepath"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/atomicfile"
)

// zoneFile prints the zone in the format of a zone file (RFC 1035, 5). Every name in it is
// absolute, so that it loads under any $ORIGIN.
func zoneFile(w io.Writer, s set, _ command.Output) {
	for _, z := range s.zones {
		z.print(w)
	}
}

func (z *zoneRecords) print(w io.Writer) {
	for _, rr := range z.apex {
		command.Fprintf(w, "%s\n", command.Safe(rr.String())) // octets that cannot be printed are escaped
	}
	for _, r := range z.records {
		command.Fprintf(w, "%s.\t%d\tIN\t%s\t%s%s\n", r.Name, r.TTL, r.Type, r.Address, comment(" ;", r.Endpoint))
	}
}

// writeZones writes each zone to a file of its own and prints its name. A DNS server
// that reads one at the same time finds the old file or the new one.
func writeZones(w io.Writer, s set, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, z := range s.zones {
		path := filepath.Join(folder, z.name.String()+".zone")
		// Everybody may read it: DNS servers run as users of their own.
		err := atomicfile.Replace(path, 0o644, func(w io.Writer) error {
			z.print(w) // w keeps its error
			return nil
		})
		if err != nil {
			return err
		}
		command.Fprintf(w, "%s: %s\n", path, command.Count(len(z.records), "record"))
	}
	return nil
}
