package azure

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

const (
	lineTenant = "55555555-5555-5555-5555-55555555555a"
	lineClient = "66666666-6666-6666-6666-66666666666a"
	suffix     = "_66666666_6666_6666_6666_66666666666a"
)

// Each line uses the identity that its variables configure, and no other one.
func TestLineIdentities(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secretFile, tokenFile := write("secret", "file-s3cret\n"), write("token", "x.y.z")
	others := []string{"AZURE_TENANT_ID=" + fakearm.Tenant, "AZURE_CLIENT_ID=" + fakearm.ClientID, "AZURE_CLIENT_SECRET=other"}
	const tenantOnly, whole = " tenant=" + lineTenant, " client=" + lineClient
	for _, tc := range []struct {
		name, tenant, client string
		env                  []string
		want                 string
	}{
		{"secret of the client", lineTenant, lineClient, []string{"AZURE_CLIENT_SECRET" + suffix + "=own"}, "secret=own" + tenantOnly + whole},
		{"ID in upper case", lineTenant, lineClient, []string{"AZURE_CLIENT_SECRET_66666666_6666_6666_6666_66666666666A=own"}, "secret=own" + tenantOnly + whole},
		{"secret in a file", lineTenant, lineClient, []string{"AZURE_CLIENT_SECRET_FILE" + suffix + "=" + secretFile}, "secret=file-s3cret" + tenantOnly + whole},
		{"secret of the client beside that of another", lineTenant, lineClient, append([]string{"AZURE_CLIENT_SECRET" + suffix + "=own"}, others...), "secret=own" + tenantOnly + whole},
		{"tenant of the environment", "", lineClient, append([]string{"AZURE_CLIENT_SECRET" + suffix + "=own"}, others...), "secret=own tenant=" + fakearm.Tenant + whole},
		{"client of the environment in another tenant", lineTenant, "", others, "secret=other" + tenantOnly + " client=" + fakearm.ClientID},
		{"client that is that of the environment", lineTenant, fakearm.ClientID, others, "secret=other" + tenantOnly + " client=" + fakearm.ClientID},
		{"federated token of the pod", lineTenant, lineClient, []string{"AZURE_FEDERATED_TOKEN_FILE=" + tokenFile}, "assertion=x.y.z" + tenantOnly + whole},
		{"federated token of the client", lineTenant, lineClient, []string{"AZURE_FEDERATED_TOKEN_FILE" + suffix + "=" + tokenFile}, "assertion=x.y.z" + tenantOnly + whole},
		{"user-assigned identity", "", lineClient, nil, "imds=" + lineClient + " resource=arm"},
		{"the machine's identity for another tenant", lineTenant, lineClient, nil, "imds= resource=api://AzureADTokenExchange; assertion=imds-token" + tenantOnly + whole},
		{"the machine's user-assigned identity for another tenant", lineTenant, lineClient, []string{"AZURE_CLIENT_ID=" + fakearm.ClientID},
			"imds=" + fakearm.ClientID + " resource=api://AzureADTokenExchange; assertion=imds-token" + tenantOnly + whole},
	} {
		t.Run(tc.name, func(t *testing.T) {
			environment(t, tc.env...)
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				src := identitySource(t, recorder(&asked))
				src.Tenant, src.Client = tc.tenant, tc.client
				if _, err := src.Fetch(t.Context()); err != nil {
					t.Error(err)
				}
				if got := strings.Join(asked, "; "); got != tc.want {
					t.Errorf("identity = %s;\nwant %s", got, tc.want)
				}
			})
		})
	}
}

// recorder notes how tokens are requested, and issues them. Those of IMDS are short,
// because the library keeps them for the process.
func recorder(asked *[]string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "169.254.169.254" {
			resource := r.URL.Query().Get("resource")
			switch {
			case resource == "":
				return reply(400, "application/json", `{}`)(r)
			case strings.HasPrefix(resource, "https://arm-"):
				resource = "arm"
			}
			*asked = append(*asked, "imds="+r.URL.Query().Get("client_id")+" resource="+resource)
			return reply(200, "application/json", `{"access_token": "imds-token", "expires_in": "10", "resource": "r", "token_type": "Bearer"}`)(r)
		}
		path := strings.Split(r.URL.Path, "/")
		if strings.HasSuffix(r.URL.Path, "openid-configuration") {
			return reply(200, "application/json", strings.ReplaceAll(discovery, "/t/", "/"+path[1]+"/"))(r)
		}
		form, _ := url.ParseQuery(readAll(r.Body))
		how := "secret=" + form.Get("client_secret")
		if assertion := form.Get("client_assertion"); assertion != "" {
			how = "assertion=" + assertion
		}
		*asked = append(*asked, fmt.Sprintf("%s tenant=%s client=%s", how, path[1], form.Get("client_id")))
		return reply(200, "application/json", `{"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}`)(r)
	}
}

// An error names the client, the variable that counts, and the remedy.
func TestLineIdentityErrors(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	denied := func(code string) func(*http.Request) (*http.Response, error) {
		return reply(400, "application/json", `{"error": "x", "error_description": "`+code+`: Text."}`)
	}
	noIdentity := func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "login.microsoftonline.com" {
			return reply(200, "application/json", discovery)(r)
		}
		return reply(400, "application/json", `{"error": "invalid_request", "error_description": "Identity not found"}`)(r)
	}
	const who = "no token from client " + lineClient + " of tenant " + lineTenant + ": "
	const onlyClient, firewall = "no token from client " + lineClient + ": ", "on a virtual machine of Azure, allow it in the firewall; elsewhere, use Azure Arc "
	own := []string{"AZURE_CLIENT_SECRET" + suffix + "=s3cret"}
	for _, tc := range []struct {
		name, tenant, client string
		env                  []string
		do                   func(*http.Request) (*http.Response, error)
		want                 string
	}{
		{"wrong secret", lineTenant, lineClient, own, denied("AADSTS7000215"),
			who + "the client secret is wrong (AADSTS7000215): AZURE_CLIENT_SECRET" + suffix + " has to be the value of the secret, not its ID"},
		{"unknown tenant", lineTenant, lineClient, own, denied("AADSTS90002"), who + "the tenant does not exist (AADSTS90002): check tenant, and the property cloud"},
		{"unknown client", lineTenant, lineClient, own, denied("AADSTS700016"), who + "the tenant has no application with client (AADSTS700016): check client and tenant"},
		{"secret file missing", lineTenant, lineClient, []string{"AZURE_CLIENT_SECRET_FILE" + suffix + "=" + folder + "/none"}, silent,
			who + "open " + folder + "/none: no such file or directory: check AZURE_CLIENT_SECRET_FILE" + suffix},
		{"secret file empty", lineTenant, lineClient, []string{"AZURE_CLIENT_SECRET_FILE" + suffix + "=" + empty}, silent, who + empty + " is empty: check AZURE_CLIENT_SECRET_FILE" + suffix},
		{"certificate missing", lineTenant, lineClient, []string{"AZURE_CLIENT_CERTIFICATE_PATH" + suffix + "=" + folder + "/none"}, silent,
			who + "open " + folder + "/none: no such file or directory: check AZURE_CLIENT_CERTIFICATE_PATH" + suffix},
		{"secret without a tenant", "", lineClient, own, silent, onlyClient + "its tenant is not known: add tenant to the line azure, or set AZURE_TENANT_ID"},
		{"secret without a client", lineTenant, "", []string{"AZURE_CLIENT_SECRET=x"}, silent,
			"no token from tenant " + lineTenant + ": its client is not known: add client to the line azure, or set AZURE_CLIENT_ID"},
		{"user-assigned identity that is not assigned", "", lineClient, nil, noIdentity,
			onlyClient + `the identity with the client ID "` + lineClient + `" is not assigned to this machine: assign it, or correct client`},
		{"no identity for another tenant", lineTenant, lineClient, nil, noIdentity,
			who + "no identity is assigned to this machine: assign a managed identity to it, or set AZURE_CLIENT_ID to the client ID of one that is assigned"},
		{"wrong identity for another tenant", lineTenant, lineClient, []string{"AZURE_CLIENT_ID=x"}, noIdentity,
			who + `the identity with the client ID "x" is not assigned to this machine: assign it, or correct AZURE_CLIENT_ID`},
		{"no identity of the machine", lineTenant, lineClient, nil, silent, who + "IMDS (169.254.169.254) does not answer: " + firewall +
			"or a service principal (tenant, client, AZURE_CLIENT_SECRET" + suffix + ")"},
		{"tenant alone", lineTenant, "", nil, silent, "no token from tenant " + lineTenant + ": the tool is not installed, or not in PATH: install it, or configure another identity"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			environment(t, tc.env...)
			synctest.Test(t, func(t *testing.T) {
				src := identitySource(t, tc.do)
				src.Tenant, src.Client = tc.tenant, tc.client
				for range 2 {
					_, err := src.Fetch(t.Context())
					_, text, _ := strings.Cut(fmt.Sprint(err), ": page 1: ")
					if text != tc.want || strings.Contains(text, "s3cret") {
						t.Errorf("Fetch error = %v;\nwant %s", err, tc.want)
					}
				}
			})
		})
	}
}

// A secret that is replaced in its file is used by the next sync.
func TestSecretFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environment(t, "AZURE_CLIENT_SECRET_FILE"+suffix+"="+path)
	write("old")
	var asked []string
	issue := recorder(&asked)
	src := identitySource(t, func(r *http.Request) (*http.Response, error) {
		response, err := issue(r)
		if len(asked) == 1 && strings.HasPrefix(asked[0], "secret=old") && strings.HasSuffix(r.URL.Path, "/t") {
			return reply(401, "application/json", `{"error": "x", "error_description": "AADSTS7000222: expired"}`)(r)
		}
		return response, err
	})
	src.Tenant, src.Client = lineTenant, lineClient
	if _, err := src.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "create another one and set AZURE_CLIENT_SECRET"+suffix) {
		t.Errorf("Fetch error = %v; want the secret expired", err)
	}
	write("new")
	if _, err := src.Fetch(t.Context()); err != nil || !strings.HasPrefix(asked[len(asked)-1], "secret=new ") {
		t.Errorf("Fetch error = %v, asked %v; want the new secret", err, asked)
	}
}
