package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// freshClaims makes azidentity ignore its cache of tokens. They
// request no claim that the authority does not grant anyway.
const freshClaims = `{"access_token":{}}`

// tokens is a credential, and the policy that replaces a token once per fetch if
// ARM rejects it. azcore does this by itself only for a response that has claims
// (Continuous Access Evaluation); for any other 401 it asks the credential again,
// which has the rejected token in its cache for up to a day.
type tokens struct {
	credential azcore.TokenCredential

	mu       sync.Mutex
	turn     chan struct{} // has room for the one request at a time
	failed   error         // why there is no token in this fetch
	renewed  bool          // a token was replaced in this fetch
	rejected string        // the token that it replaced
	stale    bool          // the next token must not be from a cache
}

// oneAtATime returns the semaphore of requests. Unlike a mutex, it can be waited for
// until a context ends.
func (t *tokens) oneAtATime() chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.turn == nil {
		t.turn = make(chan struct{}, 1)
	}
	return t.turn
}

// begin starts a fetch.
func (t *tokens) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.renewed, t.rejected, t.stale, t.failed = false, "", false, nil
}

// reportAfter is how long a request for a token may take before it is reported.
const reportAfter = 5 * time.Second

// GetToken implements azcore.TokenCredential. A fetch without a token fails as a
// whole: after a page that had no token, the next pages do not wait for one.
func (t *tokens) GetToken(ctx context.Context, options policy.TokenRequestOptions) (token azcore.AccessToken, err error) {
	turn := t.oneAtATime()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return token, ctx.Err()
	}
	t.mu.Lock()
	stale, failed := t.stale, t.failed
	t.stale = false
	t.mu.Unlock()
	if failed != nil {
		return token, failed
	}
	defer t.reportWait(ctx)()
	token, err = t.bounded(ctx, options, stale)
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.failed = err
	}
	return token, err
}

// reportWait reports a request that takes longer than reportAfter. The returned
// function ends it: nothing is reported after that.
func (t *tokens) reportWait(ctx context.Context) (end func()) {
	reported := make(chan struct{})
	timer := time.AfterFunc(reportAfter, func() {
		defer close(reported)
		source.Progress(ctx, "still waiting for a token "+t.waiting())
	})
	return func() {
		if !timer.Stop() {
			<-reported
		}
	}
}

// waiting returns the reason of the wait for a token.
func (t *tokens) waiting() string {
	if c, ok := t.credential.(interface{ waiting() string }); ok {
		return c.waiting()
	}
	return "from the identity"
}

// bounded requests a token in the time that it has.
func (t *tokens) bounded(outer context.Context, options policy.TokenRequestOptions, stale bool) (azcore.AccessToken, error) {
	ctx, cancel := context.WithTimeout(outer, tokenTimeout)
	defer cancel()
	token, err := t.request(ctx, options, stale)
	if explained := (*tokenError)(nil); err != nil && outer.Err() == nil && ctx.Err() != nil && !errors.As(err, &explained) {
		err = &tokenError{text: fmt.Sprintf("no token: the identity does not answer within %s: %s", tokenTimeout, firewall), cause: err}
	}
	return token, err
}

func (t *tokens) request(ctx context.Context, options policy.TokenRequestOptions, stale bool) (azcore.AccessToken, error) {
	if !stale || options.Claims != "" {
		return t.credential.GetToken(ctx, options)
	}
	fresh := options
	fresh.Claims = freshClaims
	token, err := t.credential.GetToken(ctx, fresh)
	denied := (*azidentity.AuthenticationFailedError)(nil)
	if err == nil || ctx.Err() != nil || errors.As(err, &denied) {
		return token, err
	}
	// The command line tools accept no claims, and azidentity does not cache for them.
	return t.credential.GetToken(ctx, options)
}

// Do implements policy.Policy, outside of azcore's policy that sets the token. It
// retries a request whose token was rejected, once.
func (t *tokens) Do(r *policy.Request) (*http.Response, error) {
	response, err := r.Next()
	if err != nil || response.StatusCode != http.StatusUnauthorized || !t.replaced(r.Raw()) {
		return response, err
	}
	runtime.Drain(response)
	return r.Next()
}

// replaced reports whether the request had the token that is replaced in this
// fetch. Several requests may have had it.
func (t *tokens) replaced(r *http.Request) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.renewed && bearer(r) == t.rejected
}

// A rejections is the policy inside of azcore's. It notes a rejected token before
// azcore requests the next one, for this request or for one at the same time.
type rejections struct{ *tokens }

// Do implements policy.Policy.
func (t rejections) Do(r *policy.Request) (*http.Response, error) {
	response, err := r.Next()
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.renewed {
		t.renewed, t.rejected, t.stale = true, bearer(r.Raw()), true
	}
	return response, nil
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}
