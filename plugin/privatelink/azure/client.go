package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

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
	return &client{endpoint, pipeline, s.Subscription}, nil
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

// list returns what all pages of a listing tell. Half a listing is an error.
func (c *client) list(ctx context.Context, path string) (all []export.Endpoint, err error) {
	first := c.endpoint.JoinPath(path)
	first.RawQuery = "api-version=" + apiVersion
	seen := map[string]bool{}
	for next := first.String(); next != ""; {
		if seen[next] || len(seen) == maxPages {
			return nil, fmt.Errorf("list %s: page %d: the listing does not end", path, len(seen)+1)
		}
		seen[next] = true
		page, err := c.page(ctx, next)
		if err != nil {
			return nil, fmt.Errorf("list %s: page %d: %w", path, len(seen), err)
		}
		all = append(all, page.Endpoints...)
		if next = page.Next; next != "" {
			err = c.check(next)
		}
		if err != nil {
			return nil, fmt.Errorf("list %s: page %d: %w", path, len(seen), err)
		}
	}
	return all, nil
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

// page fetches one page; the link is taken as it is (its escapes are ARM's).
func (c *client) page(ctx context.Context, link string) (export.Page, error) {
	request, err := runtime.NewRequest(ctx, http.MethodGet, link)
	if err != nil {
		return export.Page{}, err
	}
	response, err := c.pipeline.Do(request)
	if err != nil {
		return export.Page{}, c.explain(err)
	}
	if !runtime.HasStatusCode(response, http.StatusOK) {
		return export.Page{}, c.explain(runtime.NewResponseError(response))
	}
	body, err := runtime.Payload(response)
	if err != nil {
		return export.Page{}, fmt.Errorf("read page: %w", err)
	}
	return export.Decode(body)
}
