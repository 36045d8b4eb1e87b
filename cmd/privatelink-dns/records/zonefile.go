package records

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// zoneFile prints the zone as a master file (RFC 1035, 5). Every name in it is
// absolute, so that it loads under any $ORIGIN.
func zoneFile(w io.Writer, s set, _ command.Output) {
	for _, z := range s.zones {
		z.print(w)
	}
}

func (z *zoneRecords) print(w io.Writer) {
	for _, rr := range z.apex {
		fmt.Fprintln(w, rr)
	}
	for _, r := range z.records {
		fmt.Fprintf(w, "%s.\t%d\tIN\t%s\t%s%s\n", r.Name, r.TTL, r.Type, r.Address, comment(" ;", r.Endpoint))
	}
}

// writeZones writes each zone to a file of its own and says so. A DNS server
// that reads one meanwhile finds the old file or the new one.
func writeZones(w io.Writer, s set, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, z := range s.zones {
		path := filepath.Join(folder, z.name.String()+".zone")
		if err := replace(path, z.print); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %s\n", path, count(len(z.records), "record"))
	}
	return nil
}

// replace puts a file in the place of one, as a whole.
func replace(path string, print func(io.Writer)) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	text := bufio.NewWriter(temporary)
	print(text)
	// Everybody may read it: DNS servers run as users of their own.
	err = errors.Join(text.Flush(), temporary.Chmod(0o644), temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
