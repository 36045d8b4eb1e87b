package azure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// credentials are azidentity's own, each with its cache of tokens.
var credentials = map[string]func(*testing.T, *fakearm.Server) (azcore.TokenCredential, error){
	"client secret": func(_ *testing.T, arm *fakearm.Server) (azcore.TokenCredential, error) {
		return azidentity.NewClientSecretCredential(fakearm.Tenant, fakearm.ClientID, fakearm.ClientSecret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: clientOptions(arm), DisableInstanceDiscovery: true})
	},
	"assertion": func(_ *testing.T, arm *fakearm.Server) (azcore.TokenCredential, error) {
		return azidentity.NewClientAssertionCredential(fakearm.Tenant, fakearm.ClientID, func(context.Context) (string, error) { return "x.y.z", nil },
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: clientOptions(arm), DisableInstanceDiscovery: true})
	},
	"managed identity": func(t *testing.T, arm *fakearm.Server) (azcore.TokenCredential, error) {
		for _, variable := range arm.IdentityEnv("ca") {
			name, value, _ := strings.Cut(variable, "=")
			if name != "SSL_CERT_FILE" {
				t.Setenv(name, value)
			}
		}
		return azidentity.NewManagedIdentityCredential(nil)
	},
	"default chain": func(t *testing.T, arm *fakearm.Server) (azcore.TokenCredential, error) {
		for _, variable := range arm.Env("ca") {
			name, value, _ := strings.Cut(variable, "=")
			if name != "SSL_CERT_FILE" {
				t.Setenv(name, value)
			}
		}
		return nil, nil
	},
}

func clientOptions(arm *fakearm.Server) policy.ClientOptions {
	return policy.ClientOptions{Transport: arm.Client(), Cloud: azcloud.Configuration{ActiveDirectoryAuthorityHost: arm.URL + "/"}}
}

// tokenRequests counts the tokens that the authority or the identity issued.
func tokenRequests(arm *fakearm.Server) (n int) {
	for _, r := range arm.Requests() {
		if r.Scope != "" && r.Status == 200 {
			n++
		}
	}
	return n
}

// ARM rejects a token that is still valid here: one fresh token from the authority
// completes the same fetch, in spite of azidentity's caches.
func TestFreshToken(t *testing.T) {
	for name, credential := range credentials {
		t.Run(name, func(t *testing.T) {
			arm, src := start(t, fakearm.Config{PageSize: 2}, many(5)...)
			own, err := credential(t, arm)
			if err != nil {
				t.Fatal(err)
			}
			src.Credential = own
			before, err := src.Fetch(t.Context())
			if n := tokenRequests(arm); err != nil || n != 1 {
				t.Fatalf("Fetch = %s, %v with %d tokens; want one", show(before), err, n)
			}
			for i, path := range []string{"privateEndpoints", "networkInterfaces"} {
				arm.SetFaults(fakearm.Fault{Kind: fakearm.Expired, Path: path, Page: 2, Count: 1})
				list, err := src.Fetch(t.Context())
				if n := tokenRequests(arm); err != nil || list != before || n != i+2 {
					t.Errorf("Fetch with a rejected token = %s, %v with %d tokens; want the list of before, one more token", show(list), err, n)
				}
			}
			// The fresh token is the one in the caches from now on.
			if _, err := src.Fetch(t.Context()); err != nil || tokenRequests(arm) != 3 {
				t.Errorf("Fetch = %v with %d tokens; want no other token", err, tokenRequests(arm))
			}
		})
	}
}

// If ARM rejects each token, a fetch requests one, and fails.
func TestOneFreshTokenPerFetch(t *testing.T) {
	arm, src := start(t, fakearm.Config{PageSize: 1}, many(4)...)
	own, err := credentials["client secret"](t, arm)
	if err != nil {
		t.Fatal(err)
	}
	src.Credential = own
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Expired, Path: "/subscriptions/"})
	for i := range 3 {
		_, err := src.Fetch(t.Context())
		if n := tokenRequests(arm); err == nil || !strings.Contains(err.Error(), "ARM answers 401 ") || n != i+2 {
			t.Errorf("Fetch = %v with %d tokens; want 401, and one token more than before", err, n)
		}
	}
	arm.SetFaults()
	if list, err := src.Fetch(t.Context()); err != nil || strings.Count(show(list), "acct") != 4 {
		t.Errorf("Fetch after the fault = %s, %v", show(list), err)
	}
}

// scripted is a credential that notes the claims, and fails with them.
type scripted struct {
	claims []string
	err    error
	tokens int
}

func (s *scripted) GetToken(_ context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	s.claims = append(s.claims, options.Claims)
	if options.Claims != "" && s.err != nil {
		return azcore.AccessToken{}, s.err
	}
	s.tokens++
	return azcore.AccessToken{Token: fmt.Sprint(s.tokens)}, nil
}

func TestTokenClaims(t *testing.T) {
	for _, tc := range []struct {
		name   string
		stale  bool
		claims string
		err    error
		want   string
	}{
		{"token", false, "", nil, `[""] <nil>`},
		{"fresh token", true, "", nil, `["{\"access_token\":{}}"] <nil>`},
		{"claims of a challenge", true, "c", nil, `["c"] <nil>`},
		{"a tool without claims", true, "", errors.New("no claims"), `["{\"access_token\":{}}" ""] <nil>`},
		{"denied", true, "", &azidentity.AuthenticationFailedError{}, `["{\"access_token\":{}}"] denied`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			own := &scripted{err: tc.err}
			tokens := &tokens{credential: own, stale: tc.stale}
			_, err := tokens.GetToken(t.Context(), policy.TokenRequestOptions{Claims: tc.claims})
			text := fmt.Sprint(err)
			if err != nil {
				text = "denied"
			}
			if got := fmt.Sprintf("%q %s", own.claims, text); got != tc.want {
				t.Errorf("GetToken = %s; want %s", got, tc.want)
			}
		})
	}
}
