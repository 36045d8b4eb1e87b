package source

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// Record returns the records in the Corefile.
type Record struct {
	name string
	list *List
}

// NewRecord returns the source of the entries. The position, "file:line", is that of
// the first record line.
func NewRecord(position string, entries []Entry) *Record {
	return &Record{name: "record " + position, list: &List{Entries: entries, Complete: true}}
}

// Config implements Source.
func (r *Record) Config() Config { return Config{Name: r.name, Static: true} }

// Fetch implements Source. It never fails.
func (r *Record) Fetch(context.Context) (*List, error) { return r.list, nil }

// ParseEntry returns the entry of one record line, or the error in it.
func ParseEntry(position, fqdn string, addresses []string) (Entry, error) {
	if _, err := netip.ParseAddr(fqdn); err == nil {
		return Entry{}, fmt.Errorf("%q is an address in the place of the name: write the name before its addresses", fqdn)
	}
	name, err := dnsname.ParseOwner(fqdn)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{FQDN: name, Endpoint: IDOf(position)}
	for _, text := range addresses {
		addr, err := ParseAddr(text)
		if err != nil && strings.Contains(text, ",") {
			err = fmt.Errorf("%w: separate addresses with a space", err)
		}
		if err != nil {
			return Entry{}, err
		}
		e.Addrs = append(e.Addrs, addr)
	}
	return e, nil
}
