package azure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/export"
)

// maxConfirm bounds the resources of one listing that are asked for one by one.
// If more are missing at the same time, they were deleted.
const maxConfirm = 100

// parallel is the number of requests to ARM at the same time.
const parallel = 4

// A listing is the result of reading all pages below a path. It is not modified.
//
// ARM's pages are not a snapshot: while they are read, a resource may be deleted,
// and one that was the first of page two is then the last of page one, which has
// been read already. So a resource that a listing of several pages lacks is
// carried over once. If the next listing lacks it as well, ARM is asked for the
// resource itself, and the answer decides.
type listing struct {
	pages     []seenPage
	resources []export.Endpoint // each once, with those that are carried over, sorted by ID
	carried   map[string]bool   // IDs in lower case of resources that the pages lack
}

// has reports whether the resource with the ID, in lower case, is in the listing.
func (l *listing) has(id string) bool {
	if l == nil {
		return false
	}
	_, ok := slices.BinarySearchFunc(l.resources, id, func(r export.Endpoint, id string) int {
		return strings.Compare(casefold.Lower(r.Resource), id)
	})
	return ok
}

// read returns the listing of a path, and whether it may differ from the one
// before. Half a listing is an error.
func (c *client) read(ctx context.Context, path string, before *listing) (now *listing, changed bool, err error) {
	first := before == nil
	if first {
		before = new(listing)
	}
	pages, changed, err := c.readPages(ctx, path, before.pages)
	if c.versions.adopt(path, err) {
		pages, changed, err = c.readPages(ctx, path, before.pages)
	}
	if err != nil {
		return nil, false, err
	}
	if !first && !changed && len(before.carried) == 0 {
		return before, false, nil
	}
	now = c.compare(ctx, pages, before)
	if first && len(pages) > 1 {
		// Nothing shows yet what the first listing lacks.
		now, _, err = c.read(ctx, path, now)
	}
	return now, true, err
}

// readPages reads all pages, and reports whether any of them differs from before.
func (c *client) readPages(ctx context.Context, path string, before []seenPage) (now []seenPage, changed bool, err error) {
	links := map[string]bool{}
	for next := c.link(path); next != ""; {
		if links[next] || len(links) == maxPages {
			return nil, false, fmt.Errorf("list %s: page %d: the listing does not end", path, len(links)+1)
		}
		links[next] = true
		known := seenPage{}
		if len(now) < len(before) {
			known = before[len(now)]
		}
		page, err := c.page(ctx, next, known)
		if err != nil {
			return nil, false, fmt.Errorf("list %s: page %d: %w", path, len(links), err)
		}
		changed = changed || page.sum != known.sum
		now, next = append(now, page), page.page.Next
	}
	return now, changed || len(now) != len(before), nil
}

// compare returns the listing that the pages make after the one before.
func (c *client) compare(ctx context.Context, pages []seenPage, before *listing) *listing {
	now := &listing{pages: pages, carried: map[string]bool{}}
	all := map[string]export.Endpoint{}
	for _, p := range pages {
		for _, r := range p.page.Endpoints {
			all[casefold.Lower(r.Resource)] = r // on two pages: the later one is newer
		}
	}
	if len(pages) > 1 { // one page is read as a whole
		for _, r := range c.missing(ctx, all, before) {
			id := casefold.Lower(r.Resource)
			all[id], now.carried[id] = r, true
		}
	}
	ids := make([]string, 0, len(all))
	for id := range all {
		ids = append(ids, id)
	}
	slices.Sort(ids) // not by page, which changes while the resources do not
	for _, id := range ids {
		now.resources = append(now.resources, all[id])
	}
	return now
}

// missing returns the resources of the listing before that the pages lack and
// that may exist nevertheless.
func (c *client) missing(ctx context.Context, all map[string]export.Endpoint, before *listing) (kept []export.Endpoint) {
	var twice []export.Endpoint
	for _, r := range before.resources {
		id := casefold.Lower(r.Resource)
		if _, ok := all[id]; ok {
			continue
		}
		if before.carried[id] {
			twice = append(twice, r)
		} else {
			kept = append(kept, r)
		}
	}
	if len(twice) > maxConfirm {
		return kept
	}
	return append(kept, c.confirmAll(ctx, twice)...)
}

// confirmAll returns the resources that exist, in their present state. All of
// them together have the time of one page.
func (c *client) confirmAll(ctx context.Context, twice []export.Endpoint) (kept []export.Endpoint) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	confirmed := make([]*export.Endpoint, len(twice))
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
func (c *client) confirm(ctx context.Context, r export.Endpoint) *export.Endpoint {
	body, err := c.get(ctx, c.link(r.Resource))
	if refusedForGood(err) {
		return nil
	}
	if err != nil {
		return &r
	}
	page, err := export.Decode(body)
	if err != nil || len(page.Endpoints) != 1 || !casefold.Equal(page.Endpoints[0].Resource, r.Resource) {
		return nil // two listings in a row lack it, and this does not show it either
	}
	return &page.Endpoints[0]
}
