package azure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

const (
	privateEndpoints  = "privateEndpoints"
	networkInterfaces = "networkInterfaces"
)

// graphKinds are the types of resources that Resource Graph is asked for, one listing each.
var graphKinds = []string{privateEndpoints, networkInterfaces}

// A doubt is a resource that Resource Graph lacks and whose end Azure has not confirmed.
type doubt struct {
	asked time.Time
	err   error
}

// readGraph reads the rows of all subscriptions of the scope, and returns the errors
// of the listings that failed.
//
// Resource Graph lags, and it leaves out without an error all that the identity may
// not read. A resource that it lacks is therefore carried over, as with pages that
// shift, until Azure Resource Manager answers that the resource does not exist.
func (s *Source) readGraph(ctx context.Context) (failed []error) {
	if s.listings == nil {
		s.listings, s.failed = make([]*listing, len(graphKinds)), make([]bool, len(graphKinds))
	}
	known, unknown := len(s.subscriptions), s.unknown()
	s.scopeErr = s.readSubscriptions(ctx)
	s.dirty = s.dirty || known != len(s.subscriptions) || unknown != s.unknown()
	if s.scopeErr != nil && len(s.readableSubscriptions()) == 0 {
		return make([]error, len(s.listings)) // all failed; scopeErr is the error
	}
	begin := time.Now()
	errs, found := s.queryGraph(ctx, s.nextDirect(begin, source.Wanted(ctx)))
	for i, err := range errs {
		if err != nil {
			failed = append(failed, err)
		}
		s.dirty = s.dirty || s.failed[i] != (err != nil)
		s.failed[i] = err != nil
	}
	s.verifyErrs = nil
	if len(failed) == 0 {
		s.settleGraph(ctx)
		s.verifyErrs = s.verify(ctx)
	}
	if !slices.Contains(s.listings, nil) {
		s.useDirect(found, begin)
	}
	return failed
}

// queryGraph reads the listings, and at the same time a few resources by their IDs. It
// returns the error of each listing, and the resources by ID in lower case.
func (s *Source) queryGraph(ctx context.Context, ask []privateendpoint.Endpoint) (errs []error, found map[string]*privateendpoint.Endpoint) {
	errs, changed := make([]error, len(graphKinds)), make([]bool, len(graphKinds))
	var g errgroup.Group
	g.Go(func() error {
		found = s.arm.readDirect(ctx, ask)
		return nil
	})
	for i, kind := range graphKinds {
		g.Go(func() error {
			now, fresh, err := s.graphListing(ctx, kind, s.listings[i])
			if errs[i] = err; err == nil {
				s.listings[i], changed[i] = now, fresh
			}
			return nil
		})
	}
	_ = g.Wait()
	s.dirty = s.dirty || slices.Contains(changed, true)
	return errs, found
}

// readableSubscriptions returns the IDs of the subscriptions to ask for.
func (s *Source) readableSubscriptions() (ids []string) {
	for _, id := range slices.Sorted(maps.Keys(s.subscriptions)) {
		if s.subscriptions[id].readable() {
			ids = append(ids, id)
		}
	}
	return ids
}

// graphListing returns the listing of a type of resources, and whether it may differ
// from the one before. A query without subscriptions would be one of all of them.
func (s *Source) graphListing(ctx context.Context, kind string, before *listing) (now *listing, changed bool, err error) {
	first := before == nil
	if first {
		before = new(listing)
	}
	pages, changed, err := s.arm.rows(ctx, s.query(kind), s.readableSubscriptions(), before.pages)
	if err != nil {
		return nil, false, fmt.Errorf("query Resource Graph for %s: %w", kind, err)
	}
	ended := slices.ContainsFunc(before.resources, func(r privateendpoint.Endpoint) bool { return !s.inScope(r) })
	if !first && !changed && !ended && len(before.carried) == 0 {
		return before, false, nil
	}
	now = compare(pages, before, true)
	now.resources = slices.DeleteFunc(now.resources, func(r privateendpoint.Endpoint) bool { return !s.inScope(r) })
	now.doubtful = slices.DeleteFunc(now.doubtful, func(r privateendpoint.Endpoint) bool { return !s.inScope(r) })
	maps.DeleteFunc(now.carried, func(id string, _ bool) bool { return s.subscriptions[subscriptionOf(id)] == nil })
	return now, true, nil
}

// inScope reports whether the subscription of a resource is one of the scope.
func (s *Source) inScope(r privateendpoint.Endpoint) bool {
	return s.subscriptions[subscriptionOf(r.Resource)] != nil
}

// settleGraph removes the doubtful resources whose end Azure Resource Manager
// confirms. Those that exist are in their present state.
func (s *Source) settleGraph(ctx context.Context) {
	var ask []privateendpoint.Endpoint
	doubts := map[string]*doubt{}
	for _, l := range s.listings {
		for _, r := range l.doubtful {
			id := casefold.Lower(r.Resource)
			one := s.doubts[id]
			if one == nil {
				one = new(doubt)
			}
			doubts[id] = one
			sub := s.subscriptions[subscriptionOf(id)]
			if sub.absent == 0 && time.Since(one.asked) >= askAgain && len(ask) < maxConfirm {
				ask = append(ask, r)
			}
		}
	}
	s.dirty = s.dirty || len(doubts) != len(s.doubts)
	s.doubts = doubts
	if len(doubts) == 0 {
		return
	}
	present := s.ask(ctx, ask)
	for i, l := range s.listings {
		exist := map[string]privateendpoint.Endpoint{}
		for _, r := range l.doubtful {
			id := casefold.Lower(r.Resource)
			if now, ok := present[id]; ok {
				exist[id] = now
			} else if doubts[id] != nil {
				exist[id] = r
			}
		}
		s.listings[i] = l.settled(exist)
	}
}

// ask asks for resources by their IDs. It returns those that exist, by ID in lower
// case, and deletes the doubts about those that are gone.
func (s *Source) ask(ctx context.Context, resources []privateendpoint.Endpoint) map[string]privateendpoint.Endpoint {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	found, errs := make([]*privateendpoint.Endpoint, len(resources)), make([]error, len(resources))
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, r := range resources {
		g.Go(func() error {
			found[i], errs[i] = s.arm.lookup(ctx, r)
			return nil
		})
	}
	_ = g.Wait()
	present := map[string]privateendpoint.Endpoint{}
	for i, r := range resources {
		id := casefold.Lower(r.Resource)
		one := s.doubts[id]
		switch err := errs[i]; {
		case err == nil:
			one.asked, one.err, present[id] = time.Now(), nil, *found[i]
		case deleted(err):
			delete(s.doubts, id)
		default:
			one.err = err
			if refusedForGood(err) {
				one.asked = time.Now()
			}
		}
		s.dirty = true
	}
	return present
}

// lookup asks for one resource.
func (c *client) lookup(ctx context.Context, r privateendpoint.Endpoint) (*privateendpoint.Endpoint, error) {
	body, err := c.get(ctx, c.link(r.Resource))
	if err != nil {
		return nil, err
	}
	page, err := privateendpoint.Decode(body)
	if err != nil {
		return nil, err
	}
	if len(page.Endpoints) != 1 || !casefold.Equal(page.Endpoints[0].Resource, r.Resource) {
		return nil, errors.New("ARM answers with another resource")
	}
	return &page.Endpoints[0], nil
}

// doubtErrs returns the errors of resources whose end is not confirmed, one for each
// subscription and cause.
func (s *Source) doubtErrs() (errs []error) {
	seen := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(s.doubts)) {
		err := s.doubts[id].err
		if err == nil {
			continue
		}
		err = fmt.Errorf("resources of subscription %s are not in Resource Graph any more, their names stay: %w", subscriptionOf(id), err)
		if !seen[err.Error()] {
			seen[err.Error()] = true
			errs = append(errs, err)
		}
	}
	return errs
}

// parts returns how many names the list has of each subscription. One without
// a name is among them, so that it is known after a restart.
func (s *Source) parts(list *source.List) map[string]int {
	parts, seen := map[string]int{}, map[string]bool{}
	for id := range s.subscriptions {
		parts[id] = 0
	}
	for _, e := range list.Entries {
		id, name := subscriptionOf(e.Endpoint), string(zone.Canonical(e.FQDN))
		if key := id + " " + name; !seen[key] {
			seen[key] = true
			parts[id]++
		}
	}
	return parts
}
