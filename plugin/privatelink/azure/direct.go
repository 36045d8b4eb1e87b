package azure

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// Azure Backup adds names to the endpoint of a vault long after it was created, and
// the lag of Resource Graph has no upper bound. A few of these endpoints are therefore
// read by their ID in each sync.
const (
	directEvery  = 18 * time.Second // 200 an hour
	directMost   = 60
	directUsual  = 2 // in a sync at its time
	directAtOnce = 10
)

// A direct is a resource that was read by its ID.
type direct struct {
	asked   time.Time
	changed time.Time                 // when an answer last differed from the one before
	mark    uint64                    // of its row at that time; a row that changes is newer
	now     *privateendpoint.Endpoint // nil: the row counts
}

// triggered reports whether a fetch begins long before its time.
func (s *Source) triggered(now time.Time) bool {
	return !s.ended.IsZero() && now.Sub(s.ended) < s.Config().Interval*8/10
}

// nextDirect returns the resources to read: the network interface of a vault's endpoint,
// which has all of its names, or the endpoint itself while Resource Graph lacks the
// interface. A sync at its time reads those that were read the longest time ago. A sync that
// a query for a name of Azure Backup has started reads those that most likely have it. One
// that any other query has started reads none, so that a flood does not use up the budget.
func (s *Source) nextDirect(now time.Time, wanted []string) []privateendpoint.Endpoint {
	if slices.Contains(s.listings, nil) || s.triggered(now) && len(wanted) == 0 {
		return nil
	}
	if s.budget.every == 0 {
		s.budget = budget{directEvery, directMost, now.Add(-directMost * directEvery)}
	}
	all, likely := s.vaults(wanted, now)
	// Half of what is left, so that the names of one vault, which Azure adds one after the
	// other, do not find the budget spent.
	n, half := directUsual, (s.budget.left(now)+1)/2
	switch {
	case slices.ContainsFunc(wanted, isAccount): // any vault may have it
		n = half
	case len(wanted) > 0:
		n = likely
	}
	n = min(len(all), n, half)
	s.budget.spend(n, now)
	return all[:n]
}

// isAccount reports whether a name of Azure Backup is that of a storage account. It does
// not show which vault has it.
func isAccount(name string) bool { return !strings.Contains(name, vaultMark) }

// vaults returns the resources of approved endpoints of vaults: those first that have a
// name of the same vault as a wanted one, or no storage account yet, or that have changed
// last, or that were read the longest time ago. The number is that of those which likely
// have a wanted name.
func (s *Source) vaults(wanted []string, now time.Time) (all []privateendpoint.Endpoint, likely int) {
	vaults := map[string]privateendpoint.Endpoint{}
	for _, r := range s.listings[0].resources {
		if casefold.Index(r.Target, "/microsoft.recoveryservices/vaults/") >= 0 && casefold.Equal(r.Status, "Approved") {
			vaults[casefold.Lower(r.ID)] = r
		}
	}
	for _, r := range s.listings[1].resources {
		if id := casefold.Lower(r.ID); vaults[id].ID != "" {
			vaults[id] = r
		}
	}
	for id, r := range vaults {
		if one := s.directs[casefold.Lower(r.Resource)]; one.now != nil {
			vaults[id] = *one.now
		}
	}
	ranks := map[string]int{}
	for id, r := range vaults {
		ranks[id] = likelihood(r, wanted)
		if ranks[id] > 0 || now.Sub(s.directs[casefold.Lower(r.Resource)].changed) < 24*time.Hour {
			likely++
		}
	}
	return slices.SortedFunc(maps.Values(vaults), func(a, b privateendpoint.Endpoint) int {
		first, second := s.directs[casefold.Lower(a.Resource)], s.directs[casefold.Lower(b.Resource)]
		if len(wanted) == 0 {
			return first.asked.Compare(second.asked)
		}
		return cmp.Or(ranks[casefold.Lower(b.ID)]-ranks[casefold.Lower(a.ID)], second.changed.Compare(first.changed), first.asked.Compare(second.asked))
	}), likely
}

// likelihood returns how likely it is that an endpoint has a wanted name: 2 if it has
// another name of that vault, and 1 if it has no storage account, as before the first
// backup.
func likelihood(r privateendpoint.Endpoint, wanted []string) int {
	storage := false
	for _, one := range r.DNS {
		fqdn := casefold.Lower(one.FQDN)
		vault, _, isVault := strings.Cut(fqdn, vaultMark)
		if isVault && slices.ContainsFunc(wanted, func(name string) bool { return strings.HasPrefix(name, vault+vaultMark) }) {
			return 2
		}
		storage = storage || !isVault
	}
	if storage {
		return 0
	}
	return 1
}

// vaultMark is between the ID of a vault and the service in a name of Azure Backup.
const vaultMark = "-ab-"

// readDirect reads resources by their IDs. It returns the answers by ID in lower case. A
// resource without an answer is left to Resource Graph.
func (c *client) readDirect(ctx context.Context, resources []privateendpoint.Endpoint) map[string]*privateendpoint.Endpoint {
	var mu sync.Mutex
	found := map[string]*privateendpoint.Endpoint{}
	var g errgroup.Group
	g.SetLimit(directAtOnce)
	for _, r := range resources {
		g.Go(func() error {
			now, err := c.lookup(ctx, r)
			mu.Lock()
			defer mu.Unlock()
			if found[casefold.Lower(r.Resource)] = now; err != nil {
				found[casefold.Lower(r.Resource)] = nil
			}
			return nil
		})
	}
	_ = g.Wait()
	return found
}

// useDirect notes the answers, and forgets those whose rows have changed since.
func (s *Source) useDirect(found map[string]*privateendpoint.Endpoint, asked time.Time) {
	before := s.directs
	s.directs = map[string]direct{}
	for _, l := range s.listings {
		for _, r := range l.resources {
			id := casefold.Lower(r.Resource)
			one, known := before[id]
			if now, read := found[id]; read {
				one = direct{asked: asked, changed: one.changed, mark: l.mark(id), now: differs(now, r)}
				if !reflect.DeepEqual(one.now, before[id].now) {
					one.changed = asked
				}
			} else if known && one.mark != l.mark(id) {
				one.now = nil
			}
			if one.asked.IsZero() {
				continue
			}
			s.directs[id] = one
			s.dirty = s.dirty || !reflect.DeepEqual(one.now, before[id].now)
		}
	}
}

// differs returns an answer unless it has the content of the row.
func differs(now *privateendpoint.Endpoint, row privateendpoint.Endpoint) *privateendpoint.Endpoint {
	if now == nil {
		return nil
	}
	now.Line = row.Line
	if reflect.DeepEqual(*now, row) {
		return nil
	}
	return now
}

// withDirect returns the resources of a listing, with those that were read by their IDs
// in place of their rows.
func (s *Source) withDirect(resources []privateendpoint.Endpoint) []privateendpoint.Endpoint {
	if len(s.directs) == 0 {
		return resources
	}
	all := slices.Clone(resources)
	for i, r := range all {
		if one := s.directs[casefold.Lower(r.Resource)]; one.now != nil {
			all[i] = *one.now
		}
	}
	return all
}

// mark returns the mark of a resource's text, or 0 if no page has it.
func (l *listing) mark(id string) uint64 {
	if l == nil {
		return 0
	}
	for _, page := range l.pages {
		if mark := page.marks[id]; mark != 0 {
			return mark
		}
	}
	return 0
}
