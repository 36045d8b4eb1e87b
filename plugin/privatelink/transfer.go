package privatelink

import (
	"errors"
	"slices"
	"strings"

	"github.com/coredns/coredns/plugin/transfer"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

var errNotReady = errors.New("not every source is loaded yet, a transfer would lack records")

// Transfer implements transfer.Transferer for the zones of the snapshot. An IXFR
// request returns the whole zone, or the SOA alone if the serial is current.
func (p *Privatelink) Transfer(name string, serial uint32) (<-chan []dns.RR, error) {
	zones := p.zones.Snapshot()
	z, ok := zones.Zones[dnsname.Name(strings.ToLower(name))]
	switch {
	case !ok:
		return nil, transfer.ErrNotAuthoritative
	case !zones.Complete:
		return nil, errNotReady
	}
	ch := make(chan []dns.RR)
	go func() {
		defer close(ch)
		ch <- []dns.RR{soa(z)}
		if serial != 0 && int32(serial-z.Serial) >= 0 { //nolint:gosec // G115: serial number arithmetic (RFC 1982)
			return
		}
		ch <- []dns.RR{ns(string(z.Name))}
		for _, r := range sorted(z) {
			ch <- appendAddrs(nil, z.TTL, r, string(r.Name), dns.TypeANY)
		}
		ch <- []dns.RR{soa(z)}
	}()
	return ch, nil
}

// sorted returns the zone's records by name, so that two transfers can be compared.
func sorted(z *zone.Zone) []*zone.Record {
	return slices.SortedFunc(z.Records(), func(a, b *zone.Record) int { return strings.Compare(string(a.Name), string(b.Name)) })
}
