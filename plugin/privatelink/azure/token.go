package azure

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// freshClaims makes azidentity ignore its cache of tokens. They ask the
// authority for nothing beyond what it grants anyway.
const freshClaims = `{"access_token":{}}`

// tokens is a credential, and the policy that replaces a token once per fetch if
// ARM rejects it. azcore does this by itself only for a response that has claims
// (Continuous Access Evaluation); for any other 401 it asks the credential again,
// which has the rejected token in its cache for up to a day.
type tokens struct {
	credential azcore.TokenCredential

	mu       sync.Mutex
	renewed  bool   // a token was replaced in this fetch
	rejected string // the token that it replaced
	stale    bool   // the next token must not be from a cache
}

// begin starts a fetch.
func (t *tokens) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.renewed, t.rejected, t.stale = false, "", false
}

// GetToken implements azcore.TokenCredential.
func (t *tokens) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t.mu.Lock()
	stale := t.stale
	t.stale = false
	t.mu.Unlock()
	return t.request(ctx, options, stale)
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
