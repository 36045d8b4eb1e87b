package azure

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	armruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm/runtime"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

const (
	maxPages = 1000

	// pageTimeout bounds one page: its token, all retries and the waits between.
	pageTimeout = 30 * time.Second

	// maxRetryDelay is the longest Retry-After that is waited for within a page.
	// A longer one is left to the syncer, which asks nothing for that time.
	maxRetryDelay = 5 * time.Second
)

// A client reads resources of one ARM.
type client struct {
	endpoint     *url.URL
	origin       origin
	pipeline     runtime.Pipeline
	tokens       *tokens
	subscription string // empty: several
	versions     versions
	quota        quota
}

// A seenPage is a page that need not be decoded again while its text is the same.
type seenPage struct {
	sum   [sha256.Size]byte // of its resources
	page  privateendpoint.Page
	marks map[string]uint64 // of the text of each resource, by ID in lower case; of endpoints and rows only

	whole [sha256.Size]byte // of a page of rows; other pages have sum
	total int               // rows of the whole query
}

func newClient(s *Source) (*client, error) {
	where := endpoints(s.Cloud)
	endpoint, err := url.Parse(where.Services[azcloud.ResourceManager].Endpoint)
	if err != nil {
		return nil, err
	}
	options := s.Options
	options.Cloud, options.Transport = where, withoutRedirects(s.Options.Transport)
	c := &client{endpoint: endpoint, origin: originOf(endpoint), tokens: &tokens{credential: s.credential(options)}, subscription: s.Subscription}
	options.Transport = transport{c.origin, options.Transport, s.count}
	options.PerRetryPolicies = append(slices.Clone(options.PerRetryPolicies), rejections{c.tokens})
	if options.Retry.MaxRetryDelay == 0 {
		options.Retry.MaxRetryDelay = maxRetryDelay
	}
	c.pipeline, err = armruntime.NewPipeline("privatelink-dns", "v1", c.tokens,
		runtime.PipelineOptions{PerRetry: []policy.Policy{c.tokens}},
		&arm.ClientOptions{ClientOptions: options, DisableRPRegistration: true})
	return c, err
}

// credential returns the source's own one, or that of the environment.
func (s *Source) credential(options policy.ClientOptions) azcore.TokenCredential {
	if s.Credential != nil {
		return s.Credential
	}
	return newChain(options, s.Cloud.ARM != "", s.identities())
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

// link returns the URL of a resource, or of the first page of a listing.
func (c *client) link(path string) string {
	u := c.endpoint.JoinPath(path)
	u.RawQuery = "api-version=" + c.versions.of(path)
	return u.String()
}

// page reads one page of a listing. A page with the text of the known one is not
// decoded again.
func (c *client) page(ctx context.Context, link string, known seenPage) (seenPage, error) {
	body, err := c.get(ctx, link)
	if err != nil {
		return seenPage{}, err
	}
	sum := sha256.Sum256(body)
	if sum == known.sum {
		return known, nil
	}
	if (outcome{body: body}).isHTML() {
		return seenPage{}, errors.New("an HTML page in place of a listing: " + c.pageAdvice(http.StatusOK))
	}
	page, err := privateendpoint.DecodePage(body)
	if err == nil && page.Next != "" {
		err = c.checkNext(page.Next)
	}
	return seenPage{sum: sum, page: page, marks: marksOfPage(link, body)}, err
}

// checkNext applies the check that every request passes before the request is
// made, for an error about the link.
func (c *client) checkNext(link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return errors.New("its nextLink is not a URL")
	}
	if err := c.origin.check(u); err != nil {
		return fmt.Errorf("its nextLink %w", err)
	}
	return nil
}

// get returns the body of a response. The link is used as it is, because its
// escapes are ARM's.
func (c *client) get(ctx context.Context, link string) ([]byte, error) {
	body, _, err := c.send(ctx, http.MethodGet, link, nil)
	return body, err
}

// send sends a request and returns the body and the header of its response.
func (c *client) send(outer context.Context, method, link string, body []byte) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(outer, pageTimeout)
	defer cancel()
	request, err := runtime.NewRequest(ctx, method, link)
	if err != nil {
		return nil, nil, errors.New("the link is not a URL")
	}
	if body != nil {
		if err := request.SetBody(streaming.NopCloser(bytes.NewReader(body)), "application/json"); err != nil {
			return nil, nil, err
		}
	}
	response, err := c.pipeline.Do(request)
	explained := (*tokenError)(nil)
	switch {
	case outer.Err() == nil && errors.As(err, &explained):
		return nil, nil, explained
	case err != nil && errors.Is(outer.Err(), context.DeadlineExceeded):
		return nil, nil, errors.New("no time is left in this sync")
	case err != nil && outer.Err() == nil && ctx.Err() != nil:
		return nil, nil, fmt.Errorf("no response within %s, retries included: check the network and the proxy between this server and Azure", pageTimeout)
	case err != nil:
		return nil, nil, c.explain(err)
	case response.StatusCode != http.StatusOK:
		return nil, nil, c.refused(response)
	}
	text, err := runtime.Payload(response)
	return text, response.Header, err
}
