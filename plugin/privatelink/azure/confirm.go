package azure

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

const (
	// maxConfirm bounds the resources of one fetch that are asked for one by one.
	maxConfirm = 100

	// sample is the number that is asked for if more are missing. They decide for
	// all: the resources were deleted, or the listings are not complete.
	sample = 10
)

// settle returns the listings without the doubtful resources that are gone. Those that
// exist are in their present state. Call it only when all listings have been read in
// one fetch: a resource that has moved is then in another one, with another ID.
func (c *client) settle(ctx context.Context, all []*listing) (settled []*listing) {
	var doubtful []privateendpoint.Endpoint
	for _, l := range all {
		doubtful = append(doubtful, l.doubtful...)
	}
	if len(doubtful) == 0 {
		return all
	}
	exist := c.existing(ctx, doubtful)
	for _, l := range all {
		settled = append(settled, l.settled(exist))
	}
	return settled
}

// settled returns the listing with those of its doubtful resources that exist.
func (l *listing) settled(exist map[string]privateendpoint.Endpoint) *listing {
	if len(l.doubtful) == 0 {
		return l
	}
	now, all := &listing{pages: l.pages, carried: map[string]bool{}}, map[string]privateendpoint.Endpoint{}
	for _, r := range l.resources {
		all[casefold.Lower(r.Resource)] = r
	}
	for _, r := range l.doubtful {
		id := casefold.Lower(r.Resource)
		if found, ok := exist[id]; ok {
			all[id] = found
		} else {
			delete(all, id)
		}
	}
	for id := range l.carried {
		if _, ok := all[id]; ok {
			now.carried[id] = true
		}
	}
	now.resources = sorted(all)
	return now
}

// existing returns the resources that exist, by ID in lower case.
func (c *client) existing(ctx context.Context, doubtful []privateendpoint.Endpoint) map[string]privateendpoint.Endpoint {
	if len(doubtful) <= maxConfirm {
		return byID(c.confirmAll(ctx, doubtful))
	}
	var some []privateendpoint.Endpoint
	for i := range sample {
		some = append(some, doubtful[i*(len(doubtful)-1)/(sample-1)])
	}
	if len(c.confirmAll(ctx, some)) == 0 {
		return nil
	}
	return byID(doubtful)
}

func byID(resources []privateendpoint.Endpoint) map[string]privateendpoint.Endpoint {
	all := map[string]privateendpoint.Endpoint{}
	for _, r := range resources {
		all[casefold.Lower(r.Resource)] = r
	}
	return all
}

// confirmAll returns the resources that exist, in their present state. All of
// them together have the time of one page.
func (c *client) confirmAll(ctx context.Context, twice []privateendpoint.Endpoint) (kept []privateendpoint.Endpoint) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	confirmed := make([]*privateendpoint.Endpoint, len(twice))
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, r := range twice {
		g.Go(func() error {
			confirmed[i] = c.confirm(ctx, r)
			return nil
		})
	}
	_ = g.Wait()
	for _, r := range confirmed {
		if r != nil {
			kept = append(kept, *r)
		}
	}
	return kept
}

// confirm asks for one resource. It returns nil if the resource is gone.
func (c *client) confirm(ctx context.Context, r privateendpoint.Endpoint) *privateendpoint.Endpoint {
	body, err := c.get(ctx, c.link(r.Resource))
	if refusedForGood(err) {
		return nil
	}
	if err != nil {
		return &r
	}
	page, err := privateendpoint.Decode(body)
	if err != nil || len(page.Endpoints) != 1 || !casefold.Equal(page.Endpoints[0].Resource, r.Resource) {
		return nil // two listings in a row lack it, and this does not show it either
	}
	return &page.Endpoints[0]
}
