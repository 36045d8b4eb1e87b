package azure

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const (
	// tokenTimeout bounds the request for a token, retries included. It is below
	// pageTimeout, so that the page's error names the fault of the identity.
	tokenTimeout = 25 * time.Second

	// probeTimeout bounds the search for IMDS on a machine that may not have it.
	probeTimeout = 2 * time.Second

	imds = "http://169.254.169.254/metadata/identity/oauth2/token"
)

// managedRetries are the retries of a managed identity. azidentity's own last
// more than three minutes, in which nothing is logged. The next sync asks again.
func managedRetries(o policy.RetryOptions) policy.RetryOptions {
	o.MaxRetries = cmp.Or(o.MaxRetries, 5)
	o.RetryDelay = cmp.Or(o.RetryDelay, time.Second)
	o.MaxRetryDelay = cmp.Or(o.MaxRetryDelay, 5*time.Second)
	o.TryTimeout = cmp.Or(o.TryTimeout, 6*time.Second)
	return o
}

// A chain is azidentity's default chain: the first identity that returns a token
// is the one to use from then on. Of several errors it returns the one of the
// identity that the environment configures. azidentity joins the errors of all
// identities into one text, in which the cause is lost. GetToken is called by one
// goroutine at a time.
type chain struct {
	options policy.ClientOptions
	private bool // Microsoft's list of authorities does not know a cloud of one's own
	all     func() ([]candidate, error)
	witness *witness

	found  azcore.TokenCredential // nil before the first token
	source candidate              // of found, else the one that is tried
}

func newChain(options policy.ClientOptions, private bool, all func() ([]candidate, error)) *chain {
	w := &witness{next: options.Transport}
	options.Transport = w
	if anySet("IDENTITY_SERVER_THUMBPRINT") { // Service Fabric pins the certificate of an *http.Client
		options.Transport = w.next
	}
	return &chain{options: options, private: private, all: all, witness: w}
}

// GetToken implements azcore.TokenCredential.
func (c *chain) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if c.found != nil {
		return c.request(ctx, c.source, c.found, options)
	}
	all, err := c.all()
	if err != nil {
		return azcore.AccessToken{}, &tokenError{text: "no token: " + err.Error()}
	}
	var report error // of the identity that is configured
	for _, one := range all {
		token, set, err := c.try(ctx, one, options)
		if err == nil {
			return token, nil
		}
		if set && report == nil {
			report = err
		}
		if denied := (*azidentity.AuthenticationFailedError)(nil); errors.As(err, &denied) || ctx.Err() != nil {
			return azcore.AccessToken{}, cmp.Or(report, err)
		}
	}
	if report == nil {
		report = c.nothing()
	}
	return azcore.AccessToken{}, report
}

// try requests a token from a candidate. set reports whether the candidate is
// configured, which IMDS shows by its answer.
func (c *chain) try(ctx context.Context, one candidate, options policy.TokenRequestOptions) (token azcore.AccessToken, set bool, err error) {
	c.witness.begin(one)
	c.source = one
	credential, err := one.open(c.options, c.private)
	if errors.Is(err, errUnset) {
		return token, one.set, &tokenError{text: "no token from " + one.name + ": " + unsetText(), cause: err}
	}
	if err != nil {
		return token, one.set || one.managed, &tokenError{text: one.inWords("no token from " + one.name + ": " + oneLine(err)), cause: err}
	}
	set = one.set
	if one.probe {
		if err := c.probe(ctx); err != nil {
			return token, set, c.explain(ctx, one, err)
		}
		set = true
	}
	token, err = c.request(ctx, one, credential, options)
	if err == nil {
		c.found = credential
	}
	return token, set, err
}

func (c *chain) request(ctx context.Context, one candidate, credential azcore.TokenCredential, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.witness.begin(one)
	token, err := credential.GetToken(ctx, options)
	if err == nil {
		return token, nil
	}
	if one.reopen {
		c.found = nil
	}
	return token, c.explain(ctx, one, err)
}

// probe reports whether IMDS answers at all. A request without the header Metadata
// is an error for it, and needs no identity.
func (c *chain) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, imds, nil)
	if err != nil {
		return err
	}
	response, err := c.witness.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// waiting returns the reason of the wait for a token.
func (c *chain) waiting() string { return "from " + c.witness.waiting() }
