// Package azure reads private endpoints live from Azure Resource Manager (ARM).
package azure

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// timeout bounds one fetch, retries and all.
const timeout = 5 * time.Minute

// A Source is the private endpoints of a scope.
type Source struct {
	Scope
	Cloud    cloud.Cloud
	VNets    []string      // names or IDs of virtual networks; none: all
	Interval time.Duration // between two syncs; 0 is a minute

	// Tenant and Client are those of the identity. Empty ones are those of the
	// environment.
	Tenant, Client string
	// Credential is the one to use; nil means that of Tenant and Client.
	Credential azcore.TokenCredential
	// Options are for tests: another transport, shorter delays between retries.
	// A transport other than *http.Client must not follow redirects.
	Options policy.ClientOptions

	privateDNS bool // it is that of a PrivateDNS

	arm      *client
	busy     *source.RetryAfterError // of the last fetch
	until    time.Time               // the end of its pause
	ended    time.Time               // when the last fetch ended
	listings []*listing              // the last good ones, in the order of paths; nil if never read
	failed   []bool                  // listings that failed in the last fetch
	named    *source.List            // of listings, before zone groups are read
	members  map[string]*member      // endpoints whose zone groups are read, by ID in lower case
	earlier  map[string][]string     // names of an earlier process, by ID in lower case, until the listings have been read
	reread   rereads
	list     *source.List // of the last fetch
	dirty    bool         // something has changed since list was made

	// These are of a scope with several subscriptions.
	subscriptions map[string]*knownSubscription // by ID in lower case; their resources are served
	scopeErr      error                         // of the last listing of subscriptions
	doubts        map[string]*doubt             // by resource ID in lower case
	names         map[string]int                // of each subscription in an earlier process, until they are compared
	verifyErrs    []error
	directs       map[string]direct // by resource ID in lower case
	budget        budget            // of directs
}

// Config implements source.Source.
func (s *Source) Config() source.Config {
	return source.Config{Name: s.name(), Interval: cmp.Or(s.Interval, time.Minute), Remote: true}
}

// Fetch implements source.Source. The private endpoints and the network
// interfaces are listed page by page. A listing that fails, such as that of a resource
// group that the identity must not read, keeps its last good content and costs the
// others nothing. Before it was read once, the list is not complete. The listings
// have the names of all endpoints but those whose network interface is not
// visible: the zone groups of these are read one by one, and an endpoint that
// fails there is unread, at its own cost only.
//
// A query may trigger a fetch at any moment. While Azure asks for a pause, a fetch
// sends no request.
func (s *Source) Fetch(ctx context.Context) (*source.List, error) {
	return s.paused(s.list, func() (*source.List, error) { return s.fetch(ctx) })
}

// paused returns the result of a fetch. While Azure asks for a pause, it returns the
// last list and the error of before.
func (s *Source) paused(last *source.List, fetch func() (*source.List, error)) (*source.List, error) {
	if left := time.Until(s.until); s.busy != nil && left > 0 {
		return last, &source.RetryAfterError{Err: s.busy.Err, After: left}
	}
	list, err := fetch()
	s.ended = time.Now()
	if s.busy = nil; errors.As(err, &s.busy) {
		s.until = time.Now().Add(s.busy.After)
	}
	return list, err
}

// connect makes the client before the first fetch, and starts a fetch.
func (s *Source) connect() error {
	if s.arm == nil {
		arm, err := newClient(s)
		if err != nil {
			return err
		}
		s.arm = arm
	}
	s.arm.tokens.begin()
	return nil
}

func (s *Source) fetch(ctx context.Context) (*source.List, error) {
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.connect(); err != nil {
		return nil, err
	}
	failed := s.readListings(bounded)
	if len(failed) == len(s.listings) {
		return nil, first(s.withScope(failed))
	}
	if s.named == nil || s.dirty {
		s.named = source.UniteListed(s.pages(), s.VNets)
	}
	s.readGroups(bounded, s.named)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	unread, errs := s.unread()
	if s.list == nil || s.dirty {
		s.publish(source.UniteListed(append(s.pages(), s.groupPages()...), s.VNets), unread)
	}
	return s.list, joined(slices.Concat(s.withScope(failed), s.lost(), s.verifyErrs, s.doubtErrs(), errs))
}

// withScope adds the error of the listing of subscriptions before those of the others.
func (s *Source) withScope(failed []error) []error {
	if s.scopeErr == nil {
		return failed
	}
	return append([]error{s.scopeErr}, failed...)
}

// publish replaces the list, unless it has the same content as before.
func (s *Source) publish(list *source.List, unread []string) {
	list.Complete, list.Unread = !slices.Contains(s.listings, nil) && !s.unknown() && len(s.names) == 0, unread
	if s.several() {
		list.Parts = s.parts(list)
	}
	// The list has no finding about an endpoint that was not read.
	list.Skipped = slices.DeleteFunc(list.Skipped, func(skip source.Skip) bool {
		return slices.Contains(unread, casefold.Lower(skip.Endpoint)) || s.unfounded(skip)
	})
	if s.list == nil || !reflect.DeepEqual(list, s.list) {
		s.list = list
	}
	s.dirty = false
}

// groupPages returns the zone groups that were read, in the order of their
// endpoints' IDs.
func (s *Source) groupPages() (all [][]privateendpoint.Endpoint) {
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
