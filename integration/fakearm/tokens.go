package fakearm

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	identityPath = "/msi/token"                      // of App Service
	imdsPath     = "/metadata/identity/oauth2/token" // of a virtual machine
)

// A token opens ARM until it expires or is revoked.
type token struct {
	tenant  string
	expires time.Time
	revoked bool
}

func (s *Server) issue(tenant string) (text string, t token) {
	text, t = TokenPrefix+rand.Text(), token{tenant: tenant, expires: time.Now().Add(s.config.TokenLife)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[text] = &t
	return text, t
}

// withdraw ends the life of the request's token and says so.
func (s *Server) withdraw(r *http.Request, revoked bool) answer {
	s.mu.Lock()
	if t := s.tokens[bearer(r)]; t != nil {
		t.expires, t.revoked = time.Time{}, revoked
	}
	s.mu.Unlock()
	return s.authorized(r)
}

func bearer(r *http.Request) string {
	text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return text
}

// authorized returns an answer without a status if the token is good. The claims
// of a revoked one make azcore ask for a new token; for an expired one azidentity
// has the same token again from its cache, until it expires there too.
func (s *Server) authorized(r *http.Request) answer {
	if r.Header.Get("Authorization") == "" {
		return unauthorized("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.", `error="invalid_token"`)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[bearer(r)]
	switch {
	case t == nil:
		return unauthorized("InvalidAuthenticationToken", "The access token is invalid.", `error="invalid_token"`)
	case t.revoked:
		claims := fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, time.Now().Unix())
		return unauthorized("TokenIssuedBeforeRevocationTimestamp", "The access token was revoked.",
			`error="insufficient_claims", claims="`+base64.StdEncoding.EncodeToString([]byte(claims))+`"`)
	case !time.Now().Before(t.expires):
		return unauthorized("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.",
			`error="invalid_token", error_description="The access token has expired."`)
	}
	return answer{}
}

// unauthorized is 401 with a challenge.
func unauthorized(code, message, challenge string) answer {
	a := failure(http.StatusUnauthorized, code, message)
	a.header = map[string]string{"WWW-Authenticate": `Bearer authorization_uri="https://login.example/` + Tenant + `", ` + challenge}
	return a
}

// discovery returns the authority's endpoints.
func (s *Server) discovery(r *http.Request) answer {
	tenant, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	base := "https://" + r.Host + "/" + tenant
	return answer{status: http.StatusOK, body: object{
		"authorization_endpoint": base + "/oauth2/v2.0/authorize",
		"token_endpoint":         base + "/oauth2/v2.0/token",
		"issuer":                 base + "/v2.0",
	}}
}

// tenantLocked returns the tenant of the request's token.
func (s *Server) tenantLocked(r *http.Request) string {
	if t := s.tokens[bearer(r)]; t != nil {
		return t.tenant
	}
	return Tenant
}

// client returns the application that a request names, and whether its tenant exists.
func (s *Server) client(tenant, id string) (one Client, tenantExists bool) {
	for _, c := range append([]Client{{Tenant, ClientID, ClientSecret}}, s.config.Clients...) {
		if !strings.EqualFold(c.Tenant, tenant) {
			continue
		}
		tenantExists = true
		if c.ID == id {
			return c, true
		}
	}
	return Client{}, tenantExists
}

// clientCredentials gives a token for a secret, or for any assertion: who signed
// that cannot be known here.
func (s *Server) clientCredentials(r *http.Request) answer {
	form := r.PostFormValue
	tenant, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	client, tenantExists := s.client(tenant, form("client_id"))
	switch {
	case r.Method != http.MethodPost || form("grant_type") != "client_credentials":
		return denied(http.StatusBadRequest, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
	case !tenantExists:
		return denied(http.StatusBadRequest, "invalid_request", "AADSTS90002: The tenant was not found.")
	case client.ID == "":
		return denied(http.StatusBadRequest, "unauthorized_client", "AADSTS700016: The application was not found in the directory.")
	case form("client_secret") != client.Secret && form("client_assertion") == "":
		return denied(http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
	}
	text, _ := s.issue(client.Tenant)
	life := int(s.config.TokenLife.Seconds())
	return answer{status: http.StatusOK, body: object{"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": text}}
}

// denied is an error in the authority's form.
func denied(status int, word, description string) answer {
	return answer{status: status, body: object{"error": word, "error_description": description}}
}

// identity answers on the listener of the managed identity, which is either that
// of App Service or that of a virtual machine.
func (s *Server) identity(r *http.Request) answer {
	path, query := r.URL.Path, r.URL.Query()
	resource, client := query.Get("resource"), query.Get("client_id")
	switch {
	case path != identityPath && path != imdsPath:
		return denied(http.StatusNotFound, "not_found", "Nothing is here.")
	case path == identityPath && r.Header.Get("X-IDENTITY-HEADER") != IdentityHeader:
		return denied(http.StatusUnauthorized, "unauthorized", "The identity header is wrong.")
	case path == imdsPath && r.Header.Get("Metadata") != "true":
		return denied(http.StatusBadRequest, "invalid_request", "Required metadata header not specified.")
	case query.Get("api-version") == "" || resource == "":
		return denied(http.StatusBadRequest, "invalid_request", "api-version and resource are required.")
	case client != "" && client != ClientID:
		return denied(http.StatusBadRequest, "invalid_request", "Identity not found.")
	}
	text, t := s.issue(Tenant)
	return answer{status: http.StatusOK, body: object{
		"token_type": "Bearer", "resource": resource, "client_id": ClientID, "access_token": text,
		"expires_on": strconv.FormatInt(t.expires.Unix(), 10),
	}}
}
