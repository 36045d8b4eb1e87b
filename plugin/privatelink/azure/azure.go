// Package azure reads private endpoints live from Azure Resource Manager (ARM).
package azure

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/export"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// timeout bounds one fetch, retries and all.
const timeout = 5 * time.Minute

// A Source is the private endpoints of one subscription, or of some resource
// groups in it.
type Source struct {
	Subscription string
	Groups       []string // none: the whole subscription
	Cloud        cloud.Cloud
	VNets        []string      // names or IDs of virtual networks; none: all
	Interval     time.Duration // between two syncs; 0 is a minute

	// Credential is the one to use; nil means that of the environment.
	Credential azcore.TokenCredential
	// Options are for tests: another transport, shorter delays between retries.
	// A transport other than *http.Client must not follow redirects.
	Options policy.ClientOptions

	arm      *client
	listings []*listing         // of the last fetch, in the order of paths
	named    *source.List       // of listings, before zone groups are read
	members  map[string]*member // endpoints whose zone groups are read, by ID in lower case
	list     *source.List       // of the last fetch
	dirty    bool               // something has changed since list was made
}

// Config implements source.Source.
func (s *Source) Config() source.Config {
	return source.Config{Name: s.name(), Interval: cmp.Or(s.Interval, time.Minute), Remote: true}
}

// name includes the cloud, so that a reload that changes the cloud does not keep
// the records of the old one.
func (s *Source) name() string {
	name := strings.Join(append([]string{"azure", s.Subscription}, s.Groups...), " ")
	if in := cmp.Or(s.Cloud.ARM, s.Cloud.Name, cloud.Public.Name); in != cloud.Public.Name {
		name += " cloud " + in
	}
	return source.NameIn(name, s.VNets)
}

// Fetch implements source.Source. The private endpoints and the network
// interfaces are listed page by page; without all pages there is no list. They
// have the names of all endpoints but those whose network interface is not
// visible: the zone groups of these are read one by one, and an endpoint that
// fails there is unread, at its own cost only.
func (s *Source) Fetch(ctx context.Context) (*source.List, error) {
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if s.arm == nil {
		arm, err := newClient(s)
		if err != nil {
			return nil, err
		}
		s.arm = arm
	}
	s.arm.tokens.begin()
	if err := s.readListings(bounded); err != nil {
		return nil, err
	}
	if s.named == nil || s.dirty {
		s.named = source.UniteListed(s.pages(), s.VNets)
	}
	s.readGroups(bounded, s.named)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	unread, err := s.unread()
	if s.list == nil || s.dirty {
		s.publish(source.UniteListed(append(s.pages(), s.groupPages()...), s.VNets), unread)
	}
	return s.list, err
}

// publish replaces the list, unless it has the same content as before.
func (s *Source) publish(list *source.List, unread []string) {
	list.Complete, list.Unread = true, unread
	// The list has no finding about names that were not read.
	list.Skipped = slices.DeleteFunc(list.Skipped, func(skip source.Skip) bool {
		return slices.Contains(unread, casefold.Lower(skip.Endpoint))
	})
	if s.list == nil || !reflect.DeepEqual(list, s.list) {
		s.list = list
	}
	s.dirty = false
}

// paths returns the paths of the listings: private endpoints, then network
// interfaces.
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

// readListings reads the listings, a few at a time. Of several errors the first
// path's is returned, whichever came first, so that the same outage has the same
// text each time.
func (s *Source) readListings(ctx context.Context) error {
	paths := s.paths()
	if s.listings == nil {
		s.listings = make([]*listing, len(paths))
	}
	errs := make([]error, len(paths))
	var failed, changed atomic.Bool
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, path := range paths {
		if failed.Load() {
			break
		}
		g.Go(func() error {
			now, fresh, err := s.arm.read(ctx, path, s.listings[i])
			if err != nil {
				errs[i] = err
				failed.Store(true)
				return nil
			}
			s.listings[i] = now
			if fresh {
				changed.Store(true)
			}
			return nil
		})
	}
	_ = g.Wait()
	// A fetch that fails leaves its changes to the next one.
	s.dirty = s.dirty || changed.Load()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// pages returns the resources of all listings.
func (s *Source) pages() (all [][]export.Endpoint) {
	for _, l := range s.listings {
		all = append(all, l.resources)
	}
	return all
}

// groupPages returns the zone groups that were read, in the order of their
// endpoints' IDs.
func (s *Source) groupPages() (all [][]export.Endpoint) {
	ids := make([]string, 0, len(s.members))
	for id := range s.members {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if l := s.members[id].listing; l != nil {
			all = append(all, l.resources)
		}
	}
	return all
}
