package azure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// groupsTimeout bounds all zone groups of a fetch together, so that endpoints
// without a response do not hold back the changes of all others.
const groupsTimeout = 2 * time.Minute

// A member is an endpoint whose names are in its zone groups only.
type member struct {
	id      string // of the endpoint, in lower case
	path    string // of its zone groups
	listing *listing
	err     error     // of the last attempt to read them
	asked   time.Time // the last attempt
	mark    uint64    // of the endpoint's text at that time

	had   map[string]absence // names that are not lost
	lacks bool               // the last answer lacks some of them
}

// readGroups reads the zone groups of the endpoints that are approved and have
// no names yet: Azure empties the DNS configuration of an endpoint when it
// attaches a zone group. An endpoint that fails keeps the zone groups that were
// read before. Endpoints that failed the last time are read last.
func (s *Source) readGroups(ctx context.Context, list *source.List) {
	ctx, cancel := context.WithTimeout(ctx, groupsTimeout)
	defer cancel()
	members, all := map[string]*member{}, []*member(nil)
	for _, skip := range list.Skipped {
		if skip.Reason != source.NoDNSConfig && skip.Reason != source.Provisioning {
			continue
		}
		id := casefold.Lower(skip.Endpoint)
		m := s.members[id]
		if m == nil {
			m = &member{id: id, path: skip.Endpoint + "/privateDnsZoneGroups", had: map[string]absence{}}
		}
		m.recall(s.earlier[id])
		members[id] = m
		all = append(all, m)
	}
	order := s.due(all, time.Now())
	slices.SortStableFunc(order, func(a, b *member) int { return failed(a) - failed(b) })
	var g errgroup.Group
	g.SetLimit(parallel)
	changed := make([]bool, len(order))
	for i, m := range order {
		g.Go(func() error {
			m.asked, m.mark = time.Now(), s.mark(m.id)
			if changed[i] = s.arm.readMember(ctx, m, s.unsettled(m.id)); m.err == nil {
				m.note(s.Config().Interval)
			}
			return nil
		})
	}
	_ = g.Wait()
	s.dirty = s.dirty || slices.Contains(changed, true) || len(members) != len(s.members)
	s.members = members
	if !slices.Contains(s.failed, true) {
		s.earlier = nil
	}
}

func failed(m *member) int {
	if m.err != nil {
		return 1
	}
	return 0
}

// readMember reports whether the names of the endpoint may have changed. An unsettled
// endpoint that ARM does not find keeps them.
func (c *client) readMember(ctx context.Context, m *member, unsettled bool) bool {
	now, changed, err := c.list(ctx, m.path, m.listing, false)
	switch {
	case gone(err) && unsettled && m.listing != nil:
		changed, err = m.err != nil, nil
	case gone(err): // the endpoint was deleted since it was listed
		changed, m.listing, err = m.listing != nil || m.err != nil, nil, nil
	case err == nil:
		changed = changed || m.err != nil
		m.listing = c.settle(ctx, []*listing{now})[0]
	default:
		changed = m.err == nil
	}
	m.err = err
	return changed
}

// unread returns the IDs of the endpoints whose zone groups could not be read, and
// their errors, and what the listings that failed leave unread.
func (s *Source) unread() (ids []string, errs []error) {
	for id, m := range s.members {
		if m.err != nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		errs = append(errs, s.members[id].err)
	}
	return append(ids, s.unlisted()...), errs
}

// maxErrors bounds the errors that one text has.
const maxErrors = 3

// joined returns one error for all. Its Retry-After is the longest.
func joined(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	var texts []string
	for _, err := range errs[:min(len(errs), maxErrors)] {
		texts = append(texts, err.Error())
	}
	if more := len(errs) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("%d more", more))
	}
	return later(errors.New(strings.Join(texts, "; ")), errs)
}

// first returns the first error: a source that cannot be read at all has one cause.
// Its Retry-After is the longest of all.
func first(errs []error) error { return later(errs[0], errs) }

// later adds the longest Retry-After of errs to an error.
func later(err error, errs []error) error {
	var after time.Duration
	for _, one := range errs {
		if busy := (*source.RetryAfterError)(nil); errors.As(one, &busy) {
			after = max(after, busy.After)
		}
	}
	if after > 0 {
		return &source.RetryAfterError{Err: err, After: after}
	}
	return err
}
