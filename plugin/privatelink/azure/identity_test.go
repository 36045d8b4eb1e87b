package azure

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// environment is the whole environment of the identity, set for one test.
func environment(t *testing.T, variables ...string) {
	t.Helper()
	for _, name := range []string{
		"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME", "AZURE_FEDERATED_TOKEN_FILE",
		"AZURE_TOKEN_CREDENTIALS", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET", "AZURE_AUTHORITY_HOST",
	} {
		t.Setenv(name, "") // restores it
		os.Unsetenv(name)
	}
	t.Setenv("PATH", t.TempDir()) // no tool of Azure's
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
}

// identitySource is a source whose identity has the network do, in a private cloud
// of its own: the library that caches tokens does so for the process.
func identitySource(t *testing.T, do func(*http.Request) (*http.Response, error)) *Source {
	own, err := cloud.Parse(fmt.Sprintf("https://arm-%x.example", t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	network := transporter(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Host, "arm-") {
			return respond(r, `{"value": []}`), nil
		}
		return do(r)
	})
	return &Source{Scope: Scope{Subscription: subscription}, Cloud: own, Options: policy.ClientOptions{Transport: network}}
}

func reply(status int, contentType, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		response := respond(r, body)
		response.StatusCode = status
		response.Header.Set("Content-Type", contentType)
		for i := 0; i < len(header); i += 2 {
			response.Header.Set(header[i], header[i+1])
		}
		return response, nil
	}
}

func broken(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func dial(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

var principal = []string{
	"AZURE_TENANT_ID=11111111-1111-1111-1111-111111111111",
	"AZURE_CLIENT_ID=22222222-2222-2222-2222-222222222222",
	"AZURE_CLIENT_SECRET=s3cret-value",
}

// Each line has the cause at the identity that is configured, and its remedy. It is
// the same for each attempt.
func TestTokenErrors(t *testing.T) {
	const json, imdsIs = "application/json", "no token from the managed identity: IMDS (169.254.169.254) "
	const login = "no token from the service principal: "
	const several = `{"error": "invalid_request", "error_description": "Multiple user assigned identities exist, ` +
		`please specify the clientId / resourceId of the identity in the token request"}`
	aad := func(code string) func(*http.Request) (*http.Response, error) {
		n := 0
		return func(r *http.Request) (*http.Response, error) {
			n++
			return reply(400, json, fmt.Sprintf(`{"error": "x", "error_description": "%s: Text. Trace ID: %d Timestamp: 2026-01-01 00:00:%02dZ"}`, code, n, n))(r)
		}
	}
	user := []string{"AZURE_CLIENT_ID=33333333-3333-3333-3333-333333333333"}
	folder := t.TempDir()
	file := filepath.Join(folder, "cert.pem")
	if err := os.WriteFile(file, []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		env  []string
		do   func(*http.Request) (*http.Response, error)
		want string // the beginning
		hint string // the remedy
	}{
		{"unknown CA", principal, broken(x509.UnknownAuthorityError{}), login + "the certificate of login.microsoftonline.com is signed by an unknown authority", "install its CA certificate"},
		{"unknown CA of a local authority", append([]string{"AZURE_AUTHORITY_HOST=https://127.0.0.1:8443/"}, principal...), broken(x509.UnknownAuthorityError{}),
			login + "the certificate of 127.0.0.1:8443 is signed by an unknown authority", "install its CA certificate"},
		{"certificate of another name", principal, broken(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}),
			login + "the certificate of login.microsoftonline.com is for another name", "check what the name resolves to"},
		{"certificate expired", principal, broken(x509.CertificateInvalidError{Reason: x509.Expired, Detail: "current time 1"}),
			login + "the certificate of login.microsoftonline.com has expired or is not valid yet", "check the clock"},
		{"proxy wants a password", principal, broken(&proxyError{"proxy:3128", 407}),
			login + "the proxy proxy:3128 answers 407 (Proxy Authentication Required) to CONNECT", "set them in HTTPS_PROXY"},
		{"proxy denies the host", principal, broken(&proxyError{"proxy:3128", 403}),
			login + "the proxy proxy:3128 answers 403 (Forbidden) to CONNECT", "allow login.microsoftonline.com in the proxy"},
		{"proxy down", principal, broken(&net.OpError{Op: "proxyconnect", Err: dial(syscall.ECONNREFUSED)}), login + "the proxy refuses the connection", "check HTTPS_PROXY"},
		{"connection refused", principal, broken(dial(syscall.ECONNREFUSED)), login + "login.microsoftonline.com refuses the connection", "check the firewall"},
		{"login host does not resolve", principal, broken(dial(&net.DNSError{Name: "login.microsoftonline.com", IsNotFound: true})),
			login + "the name login.microsoftonline.com does not resolve", "check the resolver of this machine"},
		{"resolver silent", principal, broken(dial(&net.DNSError{Name: "login.microsoftonline.com", IsTimeout: true})),
			login + "the resolver of this machine does not answer for login.microsoftonline.com", "must not be this server alone"},
		{"unknown client ID", principal, aad("AADSTS700016"), login + "the tenant has no application with AZURE_CLIENT_ID (AADSTS700016)", "check AZURE_CLIENT_ID"},
		{"wrong secret", principal, aad("AADSTS7000215"), login + "the client secret is wrong (AADSTS7000215)", "the value of the secret, not its ID"},
		{"expired secret", principal, aad("AADSTS7000222"), login + "the client secret has expired (AADSTS7000222)", "create another one"},
		{"unknown tenant", principal, aad("AADSTS90002"), login + "the tenant does not exist (AADSTS90002)", "check AZURE_TENANT_ID"},
		{"other code", principal, aad("AADSTS123456"), login + "login.microsoftonline.com answers 400 (Bad Request) with AADSTS123456", "look up the code"},
		{"sign-in page of a proxy", principal, reply(200, "text/html", "<!DOCTYPE html><p>x"), login + "login.microsoftonline.com answers 200 (OK) with an HTML page", "without it"},
		{"login busy", principal, reply(503, json, `{}`), login + "login.microsoftonline.com answers 503 (Service Unavailable)", "the next sync asks again"},
		{"secret without tenant", []string{"AZURE_CLIENT_SECRET=x", "AZURE_CLIENT_ID=y"}, broken(dial(syscall.ECONNREFUSED)),
			login + "AZURE_TENANT_ID is not set", "a service principal needs AZURE_TENANT_ID"},
		{"empty client ID beside a secret", append([]string{"AZURE_CLIENT_ID="}, principal[0], principal[2]), broken(dial(syscall.ECONNREFUSED)),
			login + "AZURE_CLIENT_ID is empty", "a service principal needs"},
		{"certificate missing", append([]string{"AZURE_CLIENT_CERTIFICATE_PATH=" + folder + "/none.pem"}, principal[:2]...), silent,
			login + "failed to read certificate file", "check AZURE_TENANT_ID and AZURE_CLIENT_CERTIFICATE_PATH"},
		{"certificate broken", append([]string{"AZURE_CLIENT_CERTIFICATE_PATH=" + file}, principal[:2]...), silent, login + "failed to parse", "AZURE_CLIENT_CERTIFICATE_PATH"},
		{"token file missing", append([]string{"AZURE_FEDERATED_TOKEN_FILE=" + folder + "/token"}, principal[:2]...), reply(200, json, discovery),
			"no token from the workload identity: ", "check AZURE_FEDERATED_TOKEN_FILE"},
		{"workload without tenant", []string{"AZURE_FEDERATED_TOKEN_FILE=" + folder + "/token", "AZURE_CLIENT_ID=y"}, silent,
			"no token from the workload identity: AZURE_TENANT_ID is not set", "azure.workload.identity/use"},
		{"empty client ID", []string{"AZURE_CLIENT_ID="}, silent, "no token from the managed identity: AZURE_CLIENT_ID is empty", "remove the variable"},
		{"several identities", nil, reply(400, json, several),
			"no token from the managed identity: several identities are assigned", "set AZURE_CLIENT_ID"},
		{"no identity", nil, reply(400, json, `{"error": "invalid_request", "error_description": "Identity not found"}`),
			"no token from the managed identity: no identity is assigned", "assign a managed identity"},
		{"other identity", user, reply(400, json, `{"error": "invalid_request", "error_description": "Identity not found"}`),
			`no token from the managed identity: the identity with the client ID "33333333-3333-3333-3333-333333333333" is not assigned`, "correct AZURE_CLIENT_ID"},
		{"IMDS 404", nil, reply(404, json, `{}`), imdsIs + "answers 404 (Not Found)", "asks again"},
		{"IMDS 410", nil, reply(410, json, `{}`), imdsIs + "answers 410 (Gone)", "asks again"},
		{"IMDS 429", user, reply(429, json, `{}`), imdsIs + "answers 429 (Too Many Requests)", "asks again"},
		{"IMDS 500", nil, reply(500, json, `{}`), imdsIs + "answers 500 (Internal Server Error)", "asks again"},
		{"IMDS blocked", nil, reply(403, json, `{"error": "unreachable"}`), imdsIs + "answers 403 (Forbidden)", "blocked"},
		{"IMDS silent, identity chosen", user, silent, imdsIs + "does not answer", "a service principal"},
		{"no IMDS and no other identity", nil, silent,
			"no token: no identity is found", "assign a managed identity to this machine, set the AZURE_ variables of a service principal, or run az login"},
		{"empty secret", []string{"AZURE_CLIENT_SECRET="}, silent, "no token: no identity is found", "AZURE_CLIENT_SECRET is empty"},
		{"Arc's agent down", arcVariables, broken(dial(syscall.ECONNREFUSED)), "no token from the managed identity: 127.0.0.1:40342 refuses the connection", "start Azure Arc's agent"},
		{"unknown selection", []string{"AZURE_TOKEN_CREDENTIALS=managed"}, silent, `no token: AZURE_TOKEN_CREDENTIALS is "managed"`, "ManagedIdentityCredential"},
		{"tool that is not installed", []string{"AZURE_TOKEN_CREDENTIALS=AzureCLICredential"}, silent, "no token from az login: the tool is not installed, or not in PATH", "another identity"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			environment(t, tc.env...)
			synctest.Test(t, func(t *testing.T) {
				src, begin := identitySource(t, tc.do), time.Now()
				list, err := src.Fetch(t.Context())
				_, text, _ := strings.Cut(fmt.Sprint(err), ": page 1: ")
				if list != nil || !strings.HasPrefix(text, tc.want) || !strings.Contains(text, tc.hint) {
					t.Errorf("Fetch error = %v;\nwant %s … %s", err, tc.want, tc.hint)
				}
				if took := time.Since(begin); took > pageTimeout {
					t.Errorf("Fetch took %s", took)
				}
				if _, again := src.Fetch(t.Context()); fmt.Sprint(again) != fmt.Sprint(err) {
					t.Errorf("Fetch error = %v;\nwant the same as before, %v", again, err)
				}
				if strings.Contains(text, "s3cret") || strings.Contains(text, "Trace") {
					t.Errorf("a secret or a trace ID in %s", text)
				}
			})
		})
	}
}

var arcVariables = []string{"IDENTITY_ENDPOINT=http://127.0.0.1:40342/metadata/identity/oauth2/token", "IMDS_ENDPOINT=http://127.0.0.1:40342"}

const discovery = `{"authorization_endpoint": "https://login.microsoftonline.com/t/a", ` +
	`"token_endpoint": "https://login.microsoftonline.com/t/t", "issuer": "https://login.microsoftonline.com/t/v2.0"}`

// Arc's agent answers with the path of a key file, which only a group may read.
func TestArcKeyFile(t *testing.T) {
	const key, windows = "/var/opt/azcmagent/tokens/a.key", `C:\ProgramData\AzureConnectedMachineAgent\Tokens\a.key`
	for _, tc := range []struct{ name, text, file string }{
		{"not readable", `failed to read "` + key + `" due to error: open ` + key + `: permission denied`, key},
		{"folder not readable", `failed to get metadata for ` + key + ` due to error: stat ` + key + `: permission denied`, key},
		{"on Windows", `failed to read "` + windows + `" due to error: open: Access is denied.`, windows},
	} {
		want := "the key file " + tc.file + " cannot be read (permission denied)"
		cause, remedy := textCause(candidate{managed: true}, errors.New(tc.text))
		if cause != want || !strings.Contains(remedy, "himds") {
			t.Errorf("%s: %s: %s; want %s", tc.name, cause, remedy, want)
		}
	}
	if got := arcRemedy("windows"); !strings.Contains(got, `"Hybrid agent extension applications"`) {
		t.Errorf("remedy on Windows: %s", got)
	}
}

// The challenge of Arc's agent leads to a file that does not exist here.
func TestArcChallenge(t *testing.T) {
	environment(t, arcVariables...)
	const key = "/var/opt/azcmagent/tokens/none-of-this-name.key"
	challenge := reply(401, "application/json", "", "WWW-Authenticate", "Basic realm="+key)
	_, err := identitySource(t, challenge).Fetch(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no token from the managed identity: the key file "+key+" cannot be read") {
		t.Errorf("Fetch error = %v", err)
	}
}

// A long wait is reported within 10 s, with the last answer.
func TestWaitingForToken(t *testing.T) {
	user := "AZURE_CLIENT_ID=33333333-3333-3333-3333-333333333333"
	for _, tc := range []struct {
		name string
		do   func(*http.Request) (*http.Response, error)
		want string
	}{
		{"404", reply(404, "application/json", `{}`), "answers 404 (Not Found)"},
		{"410", reply(410, "application/json", `{}`), "answers 410 (Gone)"},
		{"429", reply(429, "application/json", `{}`), "answers 429 (Too Many Requests)"},
		{"503", reply(503, "application/json", `{}`), "answers 503 (Service Unavailable)"},
		{"silent", silent, "does not answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			environment(t, user, "AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential")
			synctest.Test(t, func(t *testing.T) {
				begin, reports := time.Now(), []string(nil)
				ctx := source.WithProgress(t.Context(), func(text string) {
					if took := time.Since(begin); took > 10*time.Second {
						t.Errorf("reported after %s", took)
					}
					reports = append(reports, text)
				})
				_, err := identitySource(t, tc.do).Fetch(ctx)
				want := "[still waiting for a token from the managed identity: IMDS (169.254.169.254) " + tc.want + "]"
				if fmt.Sprint(reports) != want || err == nil {
					t.Errorf("reports %v, error %v; want %s", reports, err, want)
				}
				if took := time.Since(begin); took > pageTimeout {
					t.Errorf("Fetch took %s", took)
				}
			})
		})
	}
}

// An identity that needs several attempts returns its token in the same fetch.
func TestIdentityRecovers(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		list, err := identitySource(t, func(r *http.Request) (*http.Response, error) {
			if requests++; requests <= 4 {
				return reply(410, "application/json", `{}`)(r)
			}
			token := fmt.Sprintf(`{"access_token": "t", "expires_in": "3600", "expires_on": "%d", "resource": "r", "token_type": "Bearer"}`,
				time.Now().Add(time.Hour).Unix())
			return reply(200, "application/json", token)(r)
		}).Fetch(t.Context())
		if err != nil || list == nil || requests < 5 {
			t.Errorf("Fetch = %v, %v after %d requests", list, err, requests)
		}
	})
}
