package azure

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// Whatever goes wrong with one listing, the list is the same as before; and the text
// is the same each time, so that it is logged once.
func TestFaults(t *testing.T) {
	const (
		all         = "acct0.blob.core.windows.net 1; acct1.blob.core.windows.net 1; acct2.blob.core.windows.net 1"
		everything  = "Microsoft.Network/" // without any listing there is no list
		pe          = "privateEndpoints"
		network     = "/subscriptions/" + subscription + "/providers/Microsoft.Network/"
		listPE      = "list " + network + pe
		page1       = listPE + ": page 1: "
		page2       = listPE + ": page 2: "
		interfaces  = "list " + network + "networkInterfaces: page 1: "
		redirects   = "ARM answers 307 and redirects to "
		notFollowed = ", which is not followed: check the proxy between this server and Azure"
		notAccepted = "the token is not accepted, check the identity's tenant and the cloud"
		rewritten   = ": check whether a proxy rewrites Azure's responses; the token was not sent there"
	)
	elsewhere := []byte(`"http://user:secret@login.example:81/a?token=secret#secret"`)
	for _, tc := range []struct {
		name  string
		fault fakearm.Fault
		want  string // the error; empty: azcore gets over it
	}{
		{"429 for a moment", fakearm.Fault{Kind: fakearm.Throttled, Path: pe, Count: 2}, ""},
		{"429 without Retry-After", fakearm.Fault{Kind: fakearm.Throttled, Path: pe}, page1 + "ARM answers 429 RetryableError: " + tooMany},
		{"429 with Retry-After", fakearm.Fault{Kind: fakearm.Throttled, Path: pe, RetryAfter: 300}, page1 + "ARM answers 429 RetryableError: " + tooMany},
		{"500 on page two", fakearm.Fault{Kind: fakearm.Broken, Path: pe, Page: 2}, page2 + "ARM answers 500 InternalServerError"},
		{"503 for a moment", fakearm.Fault{Kind: fakearm.Unavailable, Path: "networkInterfaces", Count: 1}, ""},
		{"connection reset for a moment", fakearm.Fault{Kind: fakearm.Reset, Path: pe, Page: 2, Count: 1}, ""},
		{"truncated body", fakearm.Fault{Kind: fakearm.Truncated, Path: pe, Page: 1}, page1 + "unexpected EOF"},
		{"HTML with status 200", fakearm.Fault{Kind: fakearm.HTML, Path: pe, Page: 1}, page1 + "an HTML page in place of a listing: " + ofProxy + "127.0.0.1:PORT without it"},
		{"HTML of a gateway", fakearm.Fault{Kind: fakearm.HTML502, Path: pe, Page: 1}, page1 + "ARM answers 502 with an HTML page: " + ofGateway},
		{"garbage", fakearm.Fault{Kind: fakearm.Garbage, Path: pe, Page: 1}, page1 + `line 1: invalid character '\x00' looking for beginning of value`},
		{"nextLink to another host", fakearm.Fault{Kind: fakearm.OtherHost, Path: pe, Page: 1}, page1 + `its nextLink leads to "https://localhost:PORT", not to "https://127.0.0.1:PORT"` + rewritten},
		{"nextLink to itself", fakearm.Fault{Kind: fakearm.Loop, Path: pe}, page2 + "the listing does not end"},
		{"permission lost", fakearm.Fault{Kind: fakearm.Forbidden, Path: pe}, listPE + denied},
		{"subscription gone", fakearm.Fault{Kind: fakearm.NotFound, Path: pe}, page1 + "ARM answers 404 SubscriptionNotFound: " + ofID},
		{"each token expired", fakearm.Fault{Kind: fakearm.Expired, Path: everything}, page1 + "ARM answers 401 ExpiredAuthenticationToken: " + notAccepted},
		{"token expired once", fakearm.Fault{Kind: fakearm.Expired, Path: pe, Count: 1}, ""},
		{"redirect", fakearm.Fault{Kind: fakearm.Redirect, Path: pe, Page: 2}, page2 + redirects + `"https://localhost:PORT` + network + `privateEndpoints"` + notFollowed},
		{"redirect to http", fakearm.Fault{Kind: fakearm.Redirect, Path: "networkInterfaces", Value: elsewhere}, interfaces + redirects + `"http://login.example:81/a"` + notFollowed},
		{"page too large", fakearm.Fault{Kind: fakearm.Bomb, Path: pe}, page1 + "a response of more than 32 MiB"},
		{"error too large", fakearm.Fault{Kind: fakearm.ErrBomb, Path: pe}, page1 + "ARM answers 500"},
		{"connection reset", fakearm.Fault{Kind: fakearm.Reset, Path: pe}, page1 + "read: connection reset by peer"},
		{"token revoked", fakearm.Fault{Kind: fakearm.Revoked, Path: pe, Count: 1}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			arm, src := start(t, fakearm.Config{PageSize: 2}, many(3)...)
			before := readOften(t, src)
			if show(before) != all {
				t.Fatalf("Fetch = %s", show(before))
			}
			arm.SetFaults(tc.fault)
			list, err := src.Fetch(t.Context())
			text := ""
			if err != nil {
				text = strings.ReplaceAll(err.Error(), arm.URL[strings.LastIndexByte(arm.URL, ':')+1:], "PORT")
			}
			if text != tc.want || tc.fault.Path == everything && list != nil || tc.fault.Path != everything && list != before {
				t.Errorf("Fetch = %s,\n     %s;\nwant %s", show(list), text, tc.want)
			}
			if strings.Contains(text, fakearm.TokenPrefix) || strings.Contains(text, fakearm.ClientSecret) {
				t.Errorf("a secret in %q", text)
			}
			arm.SetFaults()
			resume(src)
			if list, err := src.Fetch(t.Context()); err != nil || list != before {
				t.Errorf("Fetch after the fault = %s, %v; want the list of before", show(list), err)
			}
		})
	}
}

// readOften fetches until the listings are confirmed.
func readOften(t *testing.T, src *Source) (list *source.List) {
	t.Helper()
	for range agreeing {
		var err error
		if list, err = src.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	arm, src := start(t, fakearm.Config{}, many(1)...)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Throttled, Path: "privateEndpoints", RetryAfter: 300})
	_, err := src.Fetch(t.Context())
	if busy := (*source.RetryAfterError)(nil); !errors.As(err, &busy) || busy.After != 5*time.Minute {
		t.Errorf("Fetch error = %v; want one that says 5 minutes", err)
	}
}

// The token must go nowhere else.
func TestNoTokenForAnotherHost(t *testing.T) {
	arm, src := start(t, fakearm.Config{PageSize: 1}, many(2)...)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.OtherHost, Path: "privateEndpoints"})
	_, _ = src.Fetch(t.Context())
	for _, r := range arm.Requests() {
		if strings.HasPrefix(r.Host, "localhost") {
			t.Errorf("%s %s%s is asked", r.Method, r.Host, r.Path)
		}
	}
}

// A canceled fetch ends, and says so.
func TestCanceled(t *testing.T) {
	arm, src := start(t, fakearm.Config{}, many(1)...)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Slow, DelayMS: 60_000})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if list, err := src.Fetch(ctx); err == nil || list != nil {
		t.Errorf("Fetch = %s, %v; want an error", show(list), err)
	}
}

// refused is a credential that has no token to give.
type refused struct{ err error }

func (r refused) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, r.err
}

func TestNoCredential(t *testing.T) {
	_, src := start(t, fakearm.Config{}, many(1)...)
	src.Credential = refused{errors.New("DefaultAzureCredential: failed to acquire a token.\nAttempted credentials:\n\tManagedIdentityCredential: no endpoint")}
	_, err := src.Fetch(t.Context())
	const want = "page 1: DefaultAzureCredential: failed to acquire a token. Attempted credentials: ManagedIdentityCredential: no endpoint"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("Fetch error = %v", err)
	}
}

func TestServicePrincipal(t *testing.T) {
	for _, tc := range []struct{ name, secret, want string }{
		{"right secret", fakearm.ClientSecret, ""},
		{"wrong secret", "wrong-secret-12345", "no token from the service principal: the client secret is wrong (AADSTS7000215): AZURE_CLIENT_SECRET has to be the value of the secret, not its ID"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			arm, src := start(t, fakearm.Config{}, many(1)...)
			src.Credential = nil
			for _, variable := range arm.Env(filepath.Join(t.TempDir(), "ca")) {
				name, value, _ := strings.Cut(variable, "=")
				t.Setenv(name, value)
			}
			t.Setenv("AZURE_CLIENT_SECRET", tc.secret)
			_, err := src.Fetch(t.Context())
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasSuffix(err.Error(), tc.want)) {
				t.Errorf("Fetch error = %v; want %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), tc.secret) {
				t.Error("the secret is in the error")
			}
		})
	}
}

func TestRetryAfterHeader(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 0, "10": 10 * time.Second, "x": 0} {
		r := &http.Response{Header: http.Header{"Retry-After": {value}}}
		if got := retryAfter(r); got != want {
			t.Errorf("retryAfter(%q) = %s; want %s", value, got, want)
		}
	}
	if got := retryAfter(nil); got != 0 {
		t.Errorf("retryAfter(nil) = %s; want 0", got)
	}
}
