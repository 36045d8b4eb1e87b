package azure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// privateDNSInterval is the default interval of private DNS zones. Each zone costs a
// request, and Azure allows 500 in 5 minutes.
const privateDNSInterval = 5 * time.Minute

// A PrivateDNS is the records in the private DNS zones of a subscription, or of some
// resource groups in it, whose names begin with privatelink. It is for a migration: the
// server answers as the zones do, whoever wrote the records.
type PrivateDNS struct {
	of     *Source
	listed map[string]bool     // scopes whose zones have been listed once
	zones  map[string]*dnsZone // by ID in lower case
	list   *source.List
}

// A dnsZone is a private DNS zone with its last good records.
type dnsZone struct {
	id      string
	read    bool
	entries []source.Entry
	skipped []source.Skip
	err     error // of the last attempt
}

// NewPrivateDNS returns the source of the zones of a source's scope, which has one
// subscription. The endpoints of the scope are not read.
func NewPrivateDNS(of *Source) *PrivateDNS {
	own := *of
	own.VNets, own.privateDNS = nil, true
	return &PrivateDNS{of: &own}
}

// Config implements source.Source.
func (p *PrivateDNS) Config() source.Config {
	return source.Config{Name: p.of.name(), Interval: cmp.Or(p.of.Interval, privateDNSInterval), Remote: true}
}

// Fetch implements source.Source. A zone that fails keeps its last good records and
// costs the others nothing. Before it was read once, the list is not complete.
func (p *PrivateDNS) Fetch(ctx context.Context) (*source.List, error) {
	return p.of.paused(p.list, func() (*source.List, error) { return p.fetch(ctx) })
}

func (p *PrivateDNS) fetch(ctx context.Context) (*source.List, error) {
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := p.of.connect(); err != nil {
		return nil, err
	}
	zones, failed := p.listZones(bounded)
	if len(failed) > 0 && len(zones) == 0 {
		return nil, first(failed)
	}
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, z := range zones {
		g.Go(func() error {
			p.of.arm.readZone(bounded, z)
			return nil
		})
	}
	_ = g.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	list := &source.List{Complete: len(p.listed) == len(p.of.scopes())}
	p.zones = map[string]*dnsZone{}
	for _, z := range zones {
		p.zones[casefold.Lower(z.id)] = z
		list.Entries, list.Skipped = append(list.Entries, z.entries...), append(list.Skipped, z.skipped...)
		list.Complete = list.Complete && z.read
		if z.err != nil {
			failed = append(failed, z.err)
		}
	}
	if p.list == nil || !reflect.DeepEqual(list, p.list) {
		p.list = list
	}
	return p.list, joined(failed)
}

// listZones returns the zones in the order of their IDs. A known zone that is not listed
// stays until Azure answers that it does not exist.
func (p *PrivateDNS) listZones(ctx context.Context) (zones []*dnsZone, errs []error) {
	if p.listed == nil {
		p.listed = map[string]bool{}
	}
	all := map[string]*dnsZone{}
	for _, scope := range p.of.scopes() {
		ids, err := p.of.arm.zoneIDs(ctx, scope+"/providers/Microsoft.Network/privateDnsZones")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p.listed[scope] = true
		for _, id := range ids {
			all[casefold.Lower(id)] = &dnsZone{id: id}
		}
	}
	for id, known := range p.zones {
		if all[id] != nil || len(errs) > 0 || !p.gone(ctx, known.id) {
			all[id] = known
		}
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		zones = append(zones, all[id])
	}
	return zones, errs
}

// gone reports whether Azure answers that a zone does not exist.
func (p *PrivateDNS) gone(ctx context.Context, id string) bool {
	_, err := p.of.arm.get(ctx, p.of.arm.link(id))
	return deleted(err)
}

// zoneIDs returns the IDs of the zones in a listing whose names begin with privatelink.
func (c *client) zoneIDs(ctx context.Context, path string) (ids []string, err error) {
	err = c.walk(ctx, path, func(body []byte) error {
		var page struct{ Value []struct{ ID, Name string } }
		if err := json.Unmarshal(body, &page); err != nil {
			return fmt.Errorf("not a page of a listing: %w", err)
		}
		for _, z := range page.Value {
			if z.ID == "" {
				return errors.New("a zone without an id")
			}
			if strings.HasPrefix(casefold.Lower(z.Name), cloud.Prefix) || strings.Contains(casefold.Lower(z.Name), "."+cloud.Prefix) {
				ids = append(ids, z.ID)
			}
		}
		return nil
	})
	return ids, err
}

// readZone reads the records of a zone, which keeps the last good ones if this fails.
func (c *client) readZone(ctx context.Context, z *dnsZone) {
	var sets []privateendpoint.RecordSet
	z.err = c.walk(ctx, z.id+"/ALL", func(body []byte) error {
		page, err := privateendpoint.DecodePage(body)
		sets = append(sets, page.Records...)
		return err
	})
	if z.err == nil {
		list := source.Records(sets)
		slices.SortFunc(list.Entries, func(a, b source.Entry) int { return strings.Compare(string(a.FQDN), string(b.FQDN)) })
		z.entries, z.skipped, z.read = list.Entries, list.Skipped, true
	}
}

// walk calls use with each page of a listing.
func (c *client) walk(ctx context.Context, path string, use func(body []byte) error) error {
	links := map[string]bool{}
	for next := c.link(path); next != ""; {
		if links[next] || len(links) == maxPages {
			return fmt.Errorf("list %s: page %d: the listing does not end", path, len(links)+1)
		}
		links[next] = true
		body, err := c.get(ctx, next)
		if err == nil {
			next, err = c.decodeList(body, use)
		}
		if err != nil {
			return fmt.Errorf("list %s: page %d: %w", path, len(links), err)
		}
	}
	return nil
}

// decodeList calls use with a page, and returns the link to the next one.
func (c *client) decodeList(body []byte, use func(body []byte) error) (next string, err error) {
	var page struct {
		Value    json.RawMessage
		NextLink string
	}
	switch err := json.Unmarshal(body, &page); {
	case (outcome{body: body}).isHTML():
		return "", errors.New("an HTML page in place of a listing: " + c.pageAdvice(200))
	case err != nil:
		return "", fmt.Errorf("not a page of a listing: %w", err)
	case len(page.Value) == 0 || page.Value[0] != '[':
		return "", errors.New(`not a page of a listing: it has no array under "value"`)
	case page.NextLink != "":
		if err := c.checkNext(page.NextLink); err != nil {
			return "", err
		}
	}
	return page.NextLink, use(body)
}
