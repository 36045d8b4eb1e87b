package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

const (
	groupsPath = "/providers/Microsoft.Management/managementGroups/"

	// maxAsked bounds the subscriptions of one fetch that are asked for one by one.
	maxAsked = 10

	// askAgain is when Azure is asked again for a subscription or a resource that is
	// not listed, and whose end it has not confirmed.
	askAgain = 15 * time.Minute
)

// A knownSubscription is one that the scope has, or had. Its resources are served.
type knownSubscription struct {
	id     string // in lower case
	absent int    // listings in a row that lack it
	// remembered reports that an earlier process has had its names, and this one has
	// not had it in a listing.
	remembered bool
	asked      time.Time // when Azure was last asked for it by its ID
	err        error     // why its end is not confirmed
}

// readable reports whether Resource Graph can be asked for the subscription.
func (s *knownSubscription) readable() bool { return s.err == nil }

// subscriptionsPath returns the path of the listing of the scope's subscriptions. That of
// all has those that other tenants delegate by Azure Lighthouse.
func (s Scope) subscriptionsPath() string {
	if s.ManagementGroup != "" {
		return groupsPath + s.ManagementGroup + "/descendants"
	}
	return "/subscriptions"
}

// readSubscriptions updates the known subscriptions. A subscription goes when two
// listings in a row lack it and, unless it was moved out of the management group, Azure
// confirms its end. One that the identity may not read any more stays, with an error.
func (s *Source) readSubscriptions(ctx context.Context) error {
	listed, err := s.arm.subscriptions(ctx, s.subscriptionsPath())
	if err != nil {
		return err
	}
	if len(listed) == 0 {
		return fmt.Errorf("list %s: %w", s.subscriptionsPath(), errNoSubscription)
	}
	if s.subscriptions == nil {
		s.subscriptions = map[string]*knownSubscription{}
	}
	for _, id := range listed {
		if !s.excluded(id) {
			s.subscriptions[id] = &knownSubscription{id: id}
		}
	}
	asked := 0
	for _, id := range slices.Sorted(maps.Keys(s.subscriptions)) {
		one := s.subscriptions[id]
		if slices.Contains(listed, id) {
			continue
		}
		one.absent++
		switch {
		case s.ManagementGroup != "" && one.absent >= 2: // its listing does not depend on roles
			delete(s.subscriptions, id)
		case s.ManagementGroup != "" || one.absent < 2 && !one.remembered || time.Since(one.asked) < askAgain || asked == maxAsked:
		default:
			asked++
			if s.hasEnded(ctx, one) {
				delete(s.subscriptions, id)
			}
		}
	}
	return nil
}

var errNoSubscription = errors.New("there is no subscription that the identity can read: grant Reader on the subscriptions, " +
	"or on a management group above them, to the identity")

// hasEnded reports whether a subscription that the listings lack is gone.
func (s *Source) hasEnded(ctx context.Context, one *knownSubscription) bool {
	body, err := s.arm.get(ctx, s.arm.link("/subscriptions/"+one.id))
	one.asked, one.err = time.Now(), nil
	var found struct{ State string }
	switch {
	case deleted(err):
		return true
	case err != nil:
		one.err = fmt.Errorf("subscription %s is not listed any more, its names stay: %w, or add it to except", one.id, err)
		return false
	case json.Unmarshal(body, &found) == nil && casefold.Equal(found.State, "Deleted"):
		return true
	}
	one.remembered = false // it can be read
	return false
}

// lost returns the errors of subscriptions that are not listed and may exist.
func (s *Source) lost() (errs []error) {
	for _, id := range slices.Sorted(maps.Keys(s.subscriptions)) {
		if err := s.subscriptions[id].err; err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// unknown reports whether this process has never read a subscription that an earlier
// one has read, and whose end is not confirmed.
func (s *Source) unknown() bool {
	for _, one := range s.subscriptions {
		if one.remembered {
			return true
		}
	}
	return false
}

// subscriptions returns the IDs in a listing of subscriptions or of the descendants of
// a management group, in lower case. Management groups and subscriptions that are
// deleted are passed over.
func (c *client) subscriptions(ctx context.Context, path string) (ids []string, err error) {
	err = c.walk(ctx, path, func(body []byte) error {
		var page struct{ Value []struct{ ID, State string } }
		if err := json.Unmarshal(body, &page); err != nil {
			return fmt.Errorf("not a page of a listing: %w", err)
		}
		for _, one := range page.Value {
			id := subscriptionOf(one.ID)
			if id != "" && strings.Count(one.ID, "/") == 2 && !casefold.Equal(one.State, "Deleted") {
				ids = append(ids, id)
			}
		}
		return nil
	})
	return ids, err
}

// Remember adds the subscriptions that an earlier process has read. Parts are those of
// its last list. Call it before the first Fetch.
func (s *Source) Remember(parts map[string]int) {
	for id, names := range parts {
		if id = casefold.Lower(id); s.several() && s.subscriptions[id] == nil && !s.excluded(id) {
			s.remember(id, names)
		}
	}
}

func (s *Source) remember(id string, names int) {
	if s.subscriptions == nil {
		s.subscriptions = map[string]*knownSubscription{}
	}
	s.subscriptions[id] = &knownSubscription{id: id, remembered: true}
	if s.names == nil {
		s.names = map[string]int{}
	}
	s.names[id] = names
}
