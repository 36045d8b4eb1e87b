package source

import (
	"context"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// Record gives the records that stand in the Corefile.
type Record struct {
	name string
	list *List
}

// NewRecord returns the source of the records that are added to it, which all
// must be before its first Fetch. Its position is where the first one stands.
func NewRecord(position string) *Record {
	return &Record{name: "record " + position, list: &List{Complete: true}}
}

// Add appends an entry.
func (r *Record) Add(e Entry) { r.list.Entries = append(r.list.Entries, e) }

// Name implements Source.
func (r *Record) Name() string { return r.name }

// Fetch implements Source. It never fails.
func (r *Record) Fetch(context.Context) (*List, error) { return r.list, nil }

// ParseEntry returns the entry of one record line, or what is wrong with it.
func ParseEntry(position, fqdn string, addresses []string) (Entry, error) {
	name, err := dnsname.Parse(fqdn)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{FQDN: name, Endpoint: position}
	for _, text := range addresses {
		addr, err := ParseAddr(text)
		if err != nil {
			return Entry{}, err
		}
		e.Addrs = append(e.Addrs, addr)
	}
	return e, nil
}
