package fakearm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A grant has the keys of all answers of the authority and of the identities.
type grant struct {
	Token    string `json:"access_token"`
	Type     string `json:"token_type"`
	Life     int    `json:"expires_in"`
	Expires  string `json:"expires_on"`
	Error    string `json:"error"`
	Detail   string `json:"error_description"`
	Endpoint string `json:"token_endpoint"`
	Issuer   string `json:"issuer"`
}

func (r reply) grant(t *testing.T) (g grant) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), &g); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
	return g
}

// askToken posts a form; it returns status and error, and keeps the token.
func (a *azure) askToken(t *testing.T, link string, form url.Values) string {
	t.Helper()
	r, _ := http.NewRequest(http.MethodPost, link, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := a.do(r)
	if err != nil {
		t.Fatal(err)
	}
	g := got.grant(t)
	a.token = g.Token
	code, _, _ := strings.Cut(g.Detail, ":")
	return strings.Join(strings.Fields(fmt.Sprint(got.status, " ", g.Error, " ", code)), " ")
}

func TestClientCredentials(t *testing.T) {
	a := start(t, Config{Estate: estate(), TokenLife: 90 * time.Second})
	for _, path := range []string{"/" + Tenant + "/v2.0", "/" + Tenant} {
		r, err := a.get(path + "/.well-known/openid-configuration")
		if err != nil || r.grant(t).Endpoint != a.URL+"/"+Tenant+"/oauth2/v2.0/token" || !strings.HasPrefix(r.grant(t).Issuer, a.URL+"/") {
			t.Errorf("%s = %s, %v", path, r.body, err)
		}
	}
	endpoint := a.URL + "/" + Tenant + "/oauth2/v2.0/token"
	for _, tt := range []struct {
		name, link string
		change     url.Values
		want       string
	}{
		{"secret", endpoint, nil, "200"},
		{"assertion", endpoint, url.Values{"client_secret": {""}, "client_assertion": {"x.y.z"}}, "200"},
		{"wrong secret", endpoint, url.Values{"client_secret": {"x"}}, "401 invalid_client AADSTS7000215"},
		{"wrong client", endpoint, url.Values{"client_id": {"x"}}, "400 unauthorized_client AADSTS700016"},
		{"wrong tenant", strings.Replace(endpoint, Tenant, "other", 1), nil, "400 invalid_request AADSTS90002"},
		{"wrong grant", endpoint, url.Values{"grant_type": {"password"}}, "400 unsupported_grant_type AADSTS70003"},
	} {
		form := secretForm()
		for key, value := range tt.change {
			form[key] = value
		}
		got := a.askToken(t, tt.link, form)
		if got != tt.want || (a.token != "") != (got == "200") {
			t.Errorf("%s = %s; want %s", tt.name, got, tt.want)
		}
		listing, err := a.get(network + "/privateEndpoints" + version)
		if err != nil || (listing.status == http.StatusOK) != (got == "200") {
			t.Errorf("%s: listing = %v, %v", tt.name, listing, err)
		}
	}
	requests := a.Requests()
	if got := requests[2].Scope; got != "https://arm.example/.default" {
		t.Errorf("scope = %q", got)
	}
}

func TestIdentities(t *testing.T) {
	a := start(t, Config{Estate: estate()})
	const appService, machine = identityPath + "?api-version=2019-08-01", imdsPath + "?api-version=2018-02-01"
	const resource = "&resource=https%3A%2F%2Farm.example"
	for _, tt := range []struct {
		name, link, key, value string
		want                   string
	}{
		{"App Service", appService + resource, "X-IDENTITY-HEADER", IdentityHeader, "200"},
		{"user-assigned", appService + resource + "&client_id=" + ClientID, "X-IDENTITY-HEADER", IdentityHeader, "200"},
		{"another identity", appService + resource + "&client_id=x", "X-IDENTITY-HEADER", IdentityHeader, "400"},
		{"wrong header", appService + resource, "X-IDENTITY-HEADER", "x", "401"},
		{"no resource", appService, "X-IDENTITY-HEADER", IdentityHeader, "400"},
		{"virtual machine", machine + resource, "Metadata", "true", "200"},
		{"probe of a virtual machine", imdsPath, "", "", "400"},
		{"another path", "/metadata", "Metadata", "true", "404"},
	} {
		r, _ := http.NewRequest(http.MethodGet, a.IdentityURL+tt.link, nil)
		r.Header.Set(tt.key, tt.value)
		if tt.key == "" {
			r.Header = nil
		}
		got, err := a.do(r)
		if err != nil || fmt.Sprint(got.status) != tt.want {
			t.Fatalf("%s = %v, %v; want %s", tt.name, got, err, tt.want)
		}
		if got.status != http.StatusOK {
			continue
		}
		g := got.grant(t)
		a.token = g.Token
		if listing, err := a.get(network + "/privateEndpoints" + version); err != nil || listing.status != http.StatusOK || g.Type != "Bearer" || g.Expires == "" {
			t.Errorf("%s: listing = %v, %v with %+v", tt.name, listing, err, g)
		}
	}
}

func TestUnauthorized(t *testing.T) {
	a := start(t, Config{Estate: estate(), TokenLife: time.Nanosecond})
	for _, tt := range []struct{ name, token, want string }{
		{"expired", a.token, "401 ExpiredAuthenticationToken"},
		{"unknown", "x", "401 InvalidAuthenticationToken"},
		{"none", "", "401 AuthenticationFailed"},
	} {
		a.token = tt.token
		r, err := a.get(network + "/privateEndpoints" + version)
		if err != nil || r.String() != tt.want || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s token = %v, %v; want %s with a challenge", tt.name, r, err, tt.want)
		}
	}
}
