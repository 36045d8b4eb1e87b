package azure

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// paths returns the paths of the listings: private endpoints of each scope, then
// network interfaces of each.
func (s *Source) paths() (all []string) {
	const network = "/providers/Microsoft.Network/"
	for _, resources := range []string{"privateEndpoints", "networkInterfaces"} {
		for _, scope := range s.scopes() {
			all = append(all, scope+network+resources)
		}
	}
	return all
}

// scopes returns the paths below which the resources are listed.
func (s *Source) scopes() []string {
	subscription := "/subscriptions/" + s.Subscription
	if len(s.Groups) == 0 {
		return []string{subscription}
	}
	var all []string
	for _, group := range s.Groups {
		all = append(all, subscription+"/resourceGroups/"+group)
	}
	return all
}

// readListings reads the listings, a few at a time, and returns the errors of those
// that failed in the order of their paths, whichever came first, so that the same
// outage has the same text each time.
func (s *Source) readListings(ctx context.Context) (failed []error) {
	if s.several() {
		return s.readGraph(ctx)
	}
	paths, several := s.paths(), len(s.scopes()) > 1
	if s.listings == nil {
		s.listings, s.failed = make([]*listing, len(paths)), make([]bool, len(paths))
	}
	errs, changed := make([]error, len(paths)), make([]bool, len(paths))
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, i := range s.order() {
		g.Go(func() error {
			now, fresh, err := s.arm.list(ctx, paths[i], s.listings[i], several)
			if errs[i] = err; err == nil {
				s.listings[i], changed[i] = now, fresh
			}
			return nil
		})
	}
	_ = g.Wait()
	for i, err := range errs {
		if err != nil {
			failed = append(failed, err)
		}
		// A fetch that fails leaves its changes to the next one.
		s.dirty = s.dirty || changed[i] || s.failed[i] != (err != nil)
		s.failed[i] = err != nil
	}
	if len(failed) == 0 {
		s.listings = s.arm.settle(ctx, s.listings)
	}
	return failed
}

// order returns the indices of the paths. Listings that failed the last time are read
// last, so that those which are never answered do not hold back the others.
func (s *Source) order() []int {
	var good, bad []int
	for i, failed := range s.failed {
		if failed {
			bad = append(bad, i)
		} else {
			good = append(good, i)
		}
	}
	return append(good, bad...)
}

// pages returns the resources of all listings.
func (s *Source) pages() (all [][]privateendpoint.Endpoint) {
	for _, l := range s.listings {
		if l != nil {
			all = append(all, s.withDirect(l.resources))
		}
	}
	return all
}

// endpointListings returns the listings of private endpoints.
func (s *Source) endpointListings() []*listing { return s.listings[:len(s.listings)/2] }

// unfounded reports whether a finding may only follow from a gap in the listings: an
// endpoint is missing whose network interface is known, or the other way round.
func (s *Source) unfounded(skip source.Skip) bool {
	id, has := casefold.Lower(skip.Endpoint), func(l *listing) bool { return l.has(casefold.Lower(skip.Endpoint)) }
	switch skip.Reason {
	case source.NotApproved:
		if s.several() && len(s.listings[0].resources) > 0 && !slices.ContainsFunc(s.endpointListings(), has) {
			return true // Resource Graph has the interface of a new endpoint first
		}
		return !slices.ContainsFunc(s.endpointListings(), has) && (s.failedAt(0, id) || slices.ContainsFunc(s.endpointListings(), (*listing).lacks))
	case source.NoDNSConfig:
		return s.failedAt(len(s.endpointListings()), id)
	}
	return false
}

// failedAt reports whether the listing of the scope of an endpoint failed. The scopes
// of a type of resources begin at an index of paths.
func (s *Source) failedAt(begin int, id string) bool {
	if s.several() {
		return s.failed[begin]
	}
	for i, scope := range s.scopes() {
		if s.failed[begin+i] && strings.HasPrefix(id, casefold.Lower(scope)+"/") {
			return true
		}
	}
	return false
}

// unsettled reports whether an endpoint that ARM does not find may have moved to a
// resource group whose listing does not show it yet.
func (s *Source) unsettled(id string) bool {
	return slices.Contains(s.failed, true) || slices.ContainsFunc(s.endpointListings(), func(l *listing) bool { return l.carried[id] })
}
