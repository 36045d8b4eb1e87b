package azure

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	armruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm/runtime"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/export"
)

const (
	// apiVersion of Microsoft.Network has all that we read and is in every cloud.
	apiVersion = "2024-05-01"

	maxPages = 1000
)

// A client lists resources of one ARM.
type client struct {
	endpoint     *url.URL
	pipeline     runtime.Pipeline
	subscription string

	mu   sync.Mutex
	seen map[string][]seenPage // by path: the pages of its last listing
}

// A seenPage is a page that need not be decoded again while its text is the same.
type seenPage struct {
	sum  [sha256.Size]byte
	page export.Page
}

func newClient(s *Source) (*client, error) {
	where := endpoints(s.Cloud)
	options := &arm.ClientOptions{ClientOptions: s.Options, DisableRPRegistration: true}
	options.Cloud = where
	credential := s.Credential
	if credential == nil {
		chain, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: options.ClientOptions,
			// Microsoft's list of authorities does not know a cloud of one's own.
			DisableInstanceDiscovery: s.Cloud.ARM != "",
		})
		if err != nil {
			return nil, fmt.Errorf("find a credential: %w", err)
		}
		credential = chain
	}
	pipeline, err := armruntime.NewPipeline("privatelink-dns", "v1", credential, runtime.PipelineOptions{}, options)
	if err != nil {
		return nil, err
	}
	endpoint, err := url.Parse(where.Services[azcloud.ResourceManager].Endpoint)
	if err != nil {
		return nil, err
	}
	return &client{endpoint: endpoint, pipeline: pipeline, subscription: s.Subscription, seen: map[string][]seenPage{}}, nil
}

// endpoints returns ARM, its audience and its authority. A cloud of one's own
// has its authority from the environment, as Azure's tools have it.
func endpoints(c cloud.Cloud) azcloud.Configuration {
	switch {
	case c.ARM != "":
		authority := os.Getenv("AZURE_AUTHORITY_HOST")
		if authority == "" {
			authority = azcloud.AzurePublic.ActiveDirectoryAuthorityHost
		}
		return azcloud.Configuration{
			ActiveDirectoryAuthorityHost: authority,
			Services:                     map[azcloud.ServiceName]azcloud.ServiceConfiguration{azcloud.ResourceManager: {Endpoint: c.ARM, Audience: c.ARM}},
		}
	case c.Name == cloud.USGov.Name:
		return azcloud.AzureGovernment
	case c.Name == cloud.China.Name:
		return azcloud.AzureChina
	}
	return azcloud.AzurePublic
}

// list returns what all pages of a listing tell, and whether any of them is
// another than the last time. Half a listing is an error.
func (c *client) list(ctx context.Context, path string) (all []export.Endpoint, changed bool, err error) {
	first := c.endpoint.JoinPath(path)
	first.RawQuery = "api-version=" + apiVersion
	before := c.lastListing(path)
	var now []seenPage
	links := map[string]bool{}
	for next := first.String(); next != ""; {
		if links[next] || len(links) == maxPages {
			return nil, false, fmt.Errorf("list %s: page %d: the listing does not end", path, len(links)+1)
		}
		links[next] = true
		known := seenPage{}
		if len(now) < len(before) {
			known = before[len(now)]
		}
		page, err := c.page(ctx, next, known)
		if err != nil {
			return nil, false, fmt.Errorf("list %s: page %d: %w", path, len(links), err)
		}
		changed = changed || page.sum != known.sum
		now, all, next = append(now, page), append(all, page.page.Endpoints...), page.page.Next
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[path] = now
	return all, changed || len(now) != len(before), nil
}

func (c *client) lastListing(path string) []seenPage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[path]
}

// check keeps the token from going anywhere but to our ARM.
func (c *client) check(link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return errors.New("its nextLink is no URL")
	}
	if u.Scheme != c.endpoint.Scheme || !strings.EqualFold(u.Host, c.endpoint.Host) {
		return fmt.Errorf("its nextLink leads to %.80q, not to %q", u.Host, c.endpoint.Host)
	}
	return nil
}

// page fetches one page; the link is taken as it is (its escapes are ARM's). A
// page with the text of the known one is not decoded again.
func (c *client) page(ctx context.Context, link string, known seenPage) (seenPage, error) {
	request, err := runtime.NewRequest(ctx, http.MethodGet, link)
	if err != nil {
		return seenPage{}, err
	}
	response, err := c.pipeline.Do(request)
	if err != nil {
		return seenPage{}, c.explain(err)
	}
	if !runtime.HasStatusCode(response, http.StatusOK) {
		return seenPage{}, c.explain(runtime.NewResponseError(response))
	}
	body, err := runtime.Payload(response)
	if err != nil {
		return seenPage{}, fmt.Errorf("read page: %w", err)
	}
	sum := sha256.Sum256(body)
	if sum == known.sum {
		return known, nil
	}
	page, err := export.Decode(body)
	if err == nil && page.Next != "" {
		err = c.check(page.Next)
	}
	return seenPage{sum, page}, err
}
