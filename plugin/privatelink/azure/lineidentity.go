package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
)

// A lineIdentity is the identity of an azure line that names its tenant or its client.
// Its secrets are in the environment, in variables of the client's own: the usual name,
// then _ and the client ID with _ in place of -. The variables without the ID belong
// to AZURE_CLIENT_ID.
type lineIdentity struct {
	tenant, client string // of the line, else of the environment
	ownTenant      bool   // the line has a tenant
	ownClient      bool   // the line has a client
	cloud          cloud.Cloud
}

// identities returns a function that returns the identities to try, in their order.
func (s *Source) identities() func() ([]candidate, error) {
	if s.Tenant == "" && s.Client == "" {
		return candidates
	}
	return func() ([]candidate, error) {
		line := lineIdentity{
			cmp.Or(s.Tenant, os.Getenv("AZURE_TENANT_ID")), cmp.Or(s.Client, os.Getenv("AZURE_CLIENT_ID")), s.Tenant != "", s.Client != "", s.Cloud,
		}
		return []candidate{line.candidate()}, nil
	}
}

// variable returns the name and the value of a variable of the client. The ID in it may
// be in upper case.
func (l lineIdentity) variable(name string) (variable, value string) {
	own := name + "_" + strings.ReplaceAll(l.client, "-", "_")
	for _, one := range os.Environ() {
		if variable, value, _ := strings.Cut(one, "="); l.client != "" && value != "" && casefold.Equal(variable, own) {
			return variable, value
		}
	}
	if value := os.Getenv(name); value != "" && (!l.ownClient || casefold.Equal(l.client, os.Getenv("AZURE_CLIENT_ID"))) {
		return name, value
	}
	return own, ""
}

// An opener makes a credential. private reports a cloud of one's own.
type opener = func(o policy.ClientOptions, private bool) (azcore.TokenCredential, error)

// candidate returns the one identity that the environment configures for the line:
// a secret, a certificate, a federated token, else a managed identity or az login.
func (l lineIdentity) candidate() candidate {
	one := candidate{name: l.name(), set: true, reopen: true, client: l.client, words: l.words()}
	if open := l.application(); open != nil {
		one.open = l.whole(open)
		return one
	}
	switch {
	case l.ownTenant && !l.ownClient:
		one.open = func(policy.ClientOptions, bool) (azcore.TokenCredential, error) {
			return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: l.tenant})
		}
	case l.ownTenant:
		one.federated, one.probe, one.open, one.client = true, usesIMDS(), l.federated, ""
	default:
		one.managed, one.probe, one.open = true, usesIMDS(), l.managed
	}
	return one
}

// words has the variables of the client, and the words of the line, in place of the
// usual variables.
func (l lineIdentity) words() *strings.Replacer {
	var words []string
	for _, name := range []string{"AZURE_CLIENT_SECRET_FILE", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"} {
		variable, _ := l.variable(name)
		words = append(words, name, variable)
	}
	if l.ownClient && l.ownTenant { // the variable selects the managed identity that the client trusts
		words = append(words, "set AZURE_CLIENT_ID to", "set AZURE_CLIENT_ID to", "or correct AZURE_CLIENT_ID", "or correct AZURE_CLIENT_ID")
	}
	if l.ownClient {
		words = append(words, "AZURE_CLIENT_ID", "client")
	}
	if l.ownTenant {
		words = append(words, "AZURE_TENANT_ID", "tenant")
	}
	return strings.NewReplacer(words...)
}

// application returns the opener of an application with a secret, a certificate or a
// federated token, or nil.
func (l lineIdentity) application() opener {
	_, secret := l.variable("AZURE_CLIENT_SECRET")
	_, secretFile := l.variable("AZURE_CLIENT_SECRET_FILE")
	_, certificate := l.variable("AZURE_CLIENT_CERTIFICATE_PATH")
	_, token := l.variable("AZURE_FEDERATED_TOKEN_FILE")
	// One token of a pod is good for every application that trusts it.
	token = cmp.Or(token, os.Getenv("AZURE_FEDERATED_TOKEN_FILE"))
	switch {
	case secret != "":
		return func(o policy.ClientOptions, private bool) (azcore.TokenCredential, error) {
			return l.secret(o, private, secret)
		}
	case secretFile != "":
		return func(o policy.ClientOptions, private bool) (azcore.TokenCredential, error) {
			text, err := os.ReadFile(secretFile)
			if err != nil || strings.TrimSpace(string(text)) == "" {
				return nil, fmt.Errorf("%w: check AZURE_CLIENT_SECRET_FILE", cmp.Or(err, fmt.Errorf("%s is empty", secretFile)))
			}
			return l.secret(o, private, strings.TrimSpace(string(text)))
		}
	case certificate != "":
		_, password := l.variable("AZURE_CLIENT_CERTIFICATE_PASSWORD")
		return func(o policy.ClientOptions, private bool) (azcore.TokenCredential, error) {
			return l.certificate(o, private, certificate, password)
		}
	case token != "":
		return func(o policy.ClientOptions, private bool) (azcore.TokenCredential, error) {
			return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
				ClientOptions: o, DisableInstanceDiscovery: private, TenantID: l.tenant, ClientID: l.client, TokenFilePath: token,
			})
		}
	}
	return nil
}

// name returns the identity as an error names it.
func (l lineIdentity) name() string {
	switch {
	case l.ownTenant && l.ownClient:
		return "client " + l.client + " of tenant " + l.tenant
	case l.ownClient:
		return "client " + l.client
	}
	return "tenant " + l.tenant
}

// whole returns open for an application, which needs a tenant and a client.
func (l lineIdentity) whole(open opener) opener {
	return func(o policy.ClientOptions, private bool) (azcore.TokenCredential, error) {
		switch {
		case l.tenant == "":
			return nil, errors.New("its tenant is not known: add tenant to the line azure, or set AZURE_TENANT_ID")
		case l.client == "":
			return nil, errors.New("its client is not known: add client to the line azure, or set AZURE_CLIENT_ID")
		}
		return open(o, private)
	}
}

func (l lineIdentity) secret(o policy.ClientOptions, private bool, secret string) (azcore.TokenCredential, error) {
	return azidentity.NewClientSecretCredential(l.tenant, l.client, secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
}

func (l lineIdentity) certificate(o policy.ClientOptions, private bool, path, password string) (azcore.TokenCredential, error) {
	const check = "%w: check AZURE_CLIENT_CERTIFICATE_PATH"
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf(check, err)
	}
	certificates, key, err := azidentity.ParseCertificates(text, []byte(password))
	if err != nil {
		return nil, fmt.Errorf(check, err)
	}
	return azidentity.NewClientCertificateCredential(l.tenant, l.client, certificates, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
}

// managed returns the user-assigned identity with the line's client ID.
func (l lineIdentity) managed(o policy.ClientOptions, _ bool) (azcore.TokenCredential, error) {
	options := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: o, ID: azidentity.ClientID(l.client)}
	options.Retry = managedRetries(options.Retry)
	return azidentity.NewManagedIdentityCredential(options)
}

// exchanges are the audiences of a token that an application of another tenant trusts.
var exchanges = map[string]string{
	cloud.USGov.Name: "api://AzureADTokenExchangeUSGov/.default",
	cloud.China.Name: "api://AzureADTokenExchangeChina/.default",
}

// federated returns the application of the line, which trusts the managed identity of
// this machine: no secret is needed in another tenant. AZURE_CLIENT_ID selects the
// managed identity.
func (l lineIdentity) federated(o policy.ClientOptions, private bool) (azcore.TokenCredential, error) {
	options := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: o}
	if id := os.Getenv("AZURE_CLIENT_ID"); id != "" && !anySet("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH") {
		options.ID = azidentity.ClientID(id)
	}
	options.Retry = managedRetries(options.Retry)
	identity, err := azidentity.NewManagedIdentityCredential(options)
	if err != nil {
		return nil, err
	}
	scope := cmp.Or(exchanges[l.cloud.Name], "api://AzureADTokenExchange/.default")
	assertion := func(ctx context.Context) (string, error) {
		token, err := identity.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
		return token.Token, err
	}
	return azidentity.NewClientAssertionCredential(l.tenant, l.client, assertion,
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
}
