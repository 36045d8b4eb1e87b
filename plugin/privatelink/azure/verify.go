package azure

import (
	"context"
	"maps"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// maxVerified bounds the subscriptions of one fetch that are listed through Resource
// Manager.
const maxVerified = 10

// verify compares the first rows of this process with the names of an earlier one. A
// subscription with fewer names is listed through Resource Manager once: after a
// restart there is no earlier listing that shows what Resource Graph lacks. Until all
// are compared, the list is not complete.
func (s *Source) verify(ctx context.Context) (errs []error) {
	if len(s.names) == 0 {
		return nil
	}
	s.dirty = true
	now, verified := s.parts(source.UniteListed(s.pages(), s.VNets)), 0
	for _, id := range slices.Sorted(maps.Keys(s.names)) {
		one := s.subscriptions[id]
		switch {
		case one == nil || now[id] >= s.names[id]:
			delete(s.names, id)
		case one.remembered || verified == maxVerified: // it is not listed, or its turn comes
		default:
			verified++
			if err := s.listDirectly(ctx, id); err != nil {
				errs = append(errs, err)
			} else {
				delete(s.names, id)
			}
		}
	}
	return errs
}

// listDirectly adds the resources of a subscription that Resource Graph lacks.
func (s *Source) listDirectly(ctx context.Context, id string) error {
	for i, kind := range graphKinds {
		path := "/subscriptions/" + id + "/providers/Microsoft.Network/" + kind
		all, _, err := s.arm.list(ctx, path, nil, false)
		if err != nil {
			return err
		}
		more := slices.DeleteFunc(slices.Clone(all.resources), func(r privateendpoint.Endpoint) bool { return !s.inGroups(r) })
		s.listings[i] = s.listings[i].with(more)
	}
	return nil
}

// with returns the listing with more resources, which are carried over.
func (l *listing) with(more []privateendpoint.Endpoint) *listing {
	next := &listing{pages: l.pages, carried: maps.Clone(l.carried), doubtful: l.doubtful}
	if next.carried == nil {
		next.carried = map[string]bool{}
	}
	all := byID(l.resources)
	for _, r := range more {
		if id := casefold.Lower(r.Resource); !l.has(id) {
			all[id], next.carried[id] = r, true
		}
	}
	next.resources = sorted(all)
	return next
}

// inGroups reports whether a resource is in one of the resource groups of the scope.
func (s Scope) inGroups(r privateendpoint.Endpoint) bool {
	if len(s.Groups) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Groups, func(group string) bool {
		return casefold.Index(r.Resource, casefold.Lower("/resourceGroups/"+group+"/")) >= 0
	})
}
