// Package azure reads private endpoints live from Azure Resource Manager (ARM).
package azure

import (
	"cmp"
	"context"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/sync/errgroup"

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

	// Credential is the one to use; nil means azidentity's default chain.
	Credential azcore.TokenCredential
	// Options are for tests: another transport, shorter delays between retries.
	Options policy.ClientOptions

	arm   *client
	named *source.List // of the last two listings, before zone groups are asked for
	list  *source.List // of the last sync
	dirty bool         // a page has changed since list was made
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

// Fetch implements source.Source. It is all or nothing: with an error there is
// no list. Two listings with their pages tell all but the names of endpoints
// whose network interface cannot be seen; the zone groups of those are asked
// for one by one.
func (s *Source) Fetch(ctx context.Context) (*source.List, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if s.arm == nil {
		arm, err := newClient(s)
		if err != nil {
			return nil, err
		}
		s.arm = arm
	}
	pages, err := s.listings(ctx)
	if err != nil {
		return nil, err
	}
	if s.named == nil || s.dirty {
		s.named = source.Unite(pages, s.VNets)
	}
	groups, err := s.zoneGroups(ctx, s.named)
	if err != nil {
		return nil, err
	}
	if s.list != nil && !s.dirty {
		return s.list, nil
	}
	list := s.named
	if len(groups) > 0 {
		list = source.Unite(append(pages, groups...), s.VNets)
	}
	list.Complete, s.dirty = true, false
	// The same list as before is the same pointer: nothing is built anew then.
	if s.list == nil || !reflect.DeepEqual(list, s.list) {
		s.list = list
	}
	return s.list, nil
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

// listings returns the pages of the private endpoints, then of the network
// interfaces, which are listed at the same time.
func (s *Source) listings(ctx context.Context) ([][]export.Endpoint, error) {
	const network = "/providers/Microsoft.Network/"
	var paths []string
	for _, resources := range []string{"privateEndpoints", "networkInterfaces"} {
		for _, scope := range s.scopes() {
			paths = append(paths, scope+network+resources)
		}
	}
	return s.all(ctx, paths)
}

// zoneGroups returns the zone groups of the endpoints that are approved and
// have no name yet: Azure empties their DNS configuration when it attaches one.
func (s *Source) zoneGroups(ctx context.Context, list *source.List) ([][]export.Endpoint, error) {
	var paths []string
	for _, skip := range list.Skipped {
		if skip.Reason == source.NoDNSConfig || skip.Reason == source.Provisioning {
			paths = append(paths, skip.Endpoint+"/privateDnsZoneGroups")
		}
	}
	return s.all(ctx, paths)
}

// all lists several paths, a few at a time, in their order. Of several errors
// the first path's is returned, whichever came first: the same outage has the
// same text each time.
func (s *Source) all(ctx context.Context, paths []string) ([][]export.Endpoint, error) {
	pages, errs := make([][]export.Endpoint, len(paths)), make([]error, len(paths))
	var failed, changed atomic.Bool
	var g errgroup.Group
	g.SetLimit(4)
	for i, path := range paths {
		if failed.Load() {
			break
		}
		g.Go(func() error {
			fresh := false
			if pages[i], fresh, errs[i] = s.arm.list(ctx, path); errs[i] != nil {
				failed.Store(true)
			}
			if fresh {
				changed.Store(true)
			}
			return nil
		})
	}
	_ = g.Wait()
	// A sync that fails leaves it to the next one to see what this one saw.
	s.dirty = s.dirty || changed.Load()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return pages, nil
}
