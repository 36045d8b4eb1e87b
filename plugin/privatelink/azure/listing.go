package azure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// parallel is the number of requests to ARM at the same time.
const parallel = 4

// A listing is the result of reading all pages below a path. It is not modified.
//
// ARM's pages are not a snapshot: while they are read, a resource may be deleted,
// and one that was the first of page two is then the last of page one, which has
// been read already. A page may lack the link to the next one. Neither are the
// listings of several resource groups a snapshot: a resource may move to a group that
// was read before, and its ID changes with the group, so that ARM finds no resource
// with the old ID. So a resource that a listing lacks is carried over once, unless
// the listing is of one page, was of one page before, and is the only one. If the
// next listing lacks it as well, settle asks ARM for the resource itself.
type listing struct {
	pages     []seenPage
	resources []privateendpoint.Endpoint // each once, with those that are carried over, sorted by ID
	carried   map[string]bool            // IDs in lower case of resources that the pages lack
	doubtful  []privateendpoint.Endpoint // those of carried that the listing before lacked as well
	reads     int                        // in a row with the same pages, agreeing at most
}

// has reports whether the resource with the ID, in lower case, is in the listing.
func (l *listing) has(id string) bool {
	if l == nil {
		return false
	}
	_, ok := slices.BinarySearchFunc(l.resources, id, func(r privateendpoint.Endpoint, id string) int {
		return strings.Compare(casefold.Lower(r.Resource), id)
	})
	return ok
}

// lacks reports whether resources are carried over.
func (l *listing) lacks() bool { return l != nil && len(l.carried) > 0 }

// list returns the listing of a path, and whether it may differ from the one before.
// Half a listing is an error. several reports whether resources may move between this
// listing and others.
func (c *client) list(ctx context.Context, path string, before *listing, several bool) (now *listing, changed bool, err error) {
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
		before.reads = min(before.reads+1, agreeing)
		return before, false, nil
	}
	now = compare(pages, before, several)
	if first && len(pages) > 1 {
		// There is no earlier listing that shows the gaps of the first one.
		now, _, err = c.list(ctx, path, now, several)
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
func compare(pages []seenPage, before *listing, several bool) *listing {
	now := &listing{pages: pages, carried: map[string]bool{}, reads: 1}
	all := map[string]privateendpoint.Endpoint{}
	for _, p := range pages {
		for _, r := range p.page.Endpoints {
			all[casefold.Lower(r.Resource)] = r // on two pages: the later one is newer
		}
	}
	if several || len(pages) > 1 || len(before.pages) > 1 || len(before.carried) > 0 {
		for _, r := range before.resources {
			now.carry(r, all, before)
		}
	}
	now.resources = sorted(all)
	return now
}

// carry adds a resource of the listing before to all, if the pages lack it.
func (l *listing) carry(r privateendpoint.Endpoint, all map[string]privateendpoint.Endpoint, before *listing) {
	id := casefold.Lower(r.Resource)
	if _, ok := all[id]; ok {
		return
	}
	all[id], l.carried[id] = r, true
	if before.carried[id] {
		l.doubtful = append(l.doubtful, r)
	}
}

// sorted returns the resources by ID, not by page, which changes while the resources
// do not.
func sorted(byID map[string]privateendpoint.Endpoint) (all []privateendpoint.Endpoint) {
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		all = append(all, byID[id])
	}
	return all
}
