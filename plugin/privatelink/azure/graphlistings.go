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
//
// The subscriptions are listed while the rows of the known ones are read, so that a
// query that waits for this fetch waits for one round trip less. New ones cost a second
// round.
func (s *Source) readGraph(ctx context.Context) (failed []error) {
	if s.listings == nil {
		s.listings, s.failed = make([]*listing, len(graphKinds)), make([]bool, len(graphKinds))
	}
	begin, count, unknown := time.Now(), len(s.subscriptions), s.unknown()
	ids, ask := s.readableSubscriptions(), s.nextDirect(begin, source.Wanted(ctx))
	var found map[string]*privateendpoint.Endpoint
	var g errgroup.Group
	g.Go(func() error { found = s.arm.readDirect(ctx, ask); return nil })
	g.Go(func() error { s.scopeErr = s.readSubscriptions(ctx); return nil })
	var answers []rows
	if len(ids) > 0 {
		answers = s.queryGraph(ctx, ids)
	}
	_ = g.Wait()
	s.dirty = s.dirty || count != len(s.subscriptions) || unknown != s.unknown()
	all := s.readableSubscriptions()
	if s.scopeErr != nil && len(all) == 0 {
		return make([]error, len(s.listings)) // all failed; scopeErr is the error
	}
	if answers == nil || slices.ContainsFunc(all, func(id string) bool { return !slices.Contains(ids, id) }) {
		answers = s.queryGraph(ctx, all)
	}
	failed = s.useRows(answers)
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

// rows are the pages of a query, or its error.
type rows struct {
	pages   []seenPage
	changed bool
	err     error
}

// queryGraph reads the rows of each type of resources.
func (s *Source) queryGraph(ctx context.Context, ids []string) []rows {
	all := make([]rows, len(graphKinds))
	var g errgroup.Group
	for i, kind := range graphKinds {
		g.Go(func() error {
			var before []seenPage
			if l := s.listings[i]; l != nil {
				before = l.pages
			}
			pages, changed, err := s.arm.rows(ctx, s.query(kind), ids, before)
			all[i] = rows{pages, changed, err}
			return nil
		})
	}
	_ = g.Wait()
	return all
}

// useRows makes listings of the rows, and returns the errors.
func (s *Source) useRows(answers []rows) (failed []error) {
	for i, r := range answers {
		if r.err != nil {
			failed = append(failed, fmt.Errorf("query Resource Graph for %s: %w", graphKinds[i], r.err))
		} else {
			now, changed := s.graphListing(r, s.listings[i])
			s.listings[i], s.dirty = now, s.dirty || changed
		}
		s.dirty = s.dirty || s.failed[i] != (r.err != nil)
		s.failed[i] = r.err != nil
	}
	return failed
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

// graphListing returns the listing that the rows make after the one before, and whether
// it may differ from that one.
func (s *Source) graphListing(r rows, before *listing) (now *listing, changed bool) {
	first := before == nil
	if first {
		before = new(listing)
	}
	ended := func(r privateendpoint.Endpoint) bool { return !s.inScope(r) }
	if !first && !r.changed && len(before.carried) == 0 && !slices.ContainsFunc(before.resources, ended) {
		return before, false
	}
	now = compare(r.pages, before, true)
	now.resources, now.doubtful = slices.DeleteFunc(now.resources, ended), slices.DeleteFunc(now.doubtful, ended)
	maps.DeleteFunc(now.carried, func(id string, _ bool) bool { return s.subscriptions[subscriptionOf(id)] == nil })
	return now, true
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
		id, name := subscriptionOf(e.Endpoint.String()), string(zone.Canonical(e.FQDN))
		if key := id + " " + name; !seen[key] {
			seen[key] = true
			parts[id]++
		}
	}
	return parts
}
