package azure

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
)

// The ends of errors that several tests expect.
const (
	tooMany   = "too many requests, the next sync asks again; if this lasts, raise refresh, and look for other users of the identity"
	ofProxy   = "it is of a proxy or a sign-in page; let the server reach "
	ofGateway = "it is of a gateway, the next sync asks again; if this lasts, check the proxy between this server and Azure"
	ofID      = "check the subscription's ID and the names of its resource groups"
)

// A transporter is a function in place of the network.
type transporter func(*http.Request) (*http.Response, error)

func (t transporter) Do(r *http.Request) (*http.Response, error) { return t(r) }

func respond(r *http.Request, body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// silent is a network that loses a request.
func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A fakeARM is Azure's public ARM without a network, for tests of time.
type fakeARM struct {
	page func(*http.Request) string                               // the body of a page
	do   func(*http.Request) (response *http.Response, err error) // in place of page, unless both are nil
}

func (f *fakeARM) source() *Source {
	network := transporter(func(r *http.Request) (*http.Response, error) {
		if f.do != nil {
			if response, err := f.do(r); response != nil || err != nil {
				return response, err
			}
		}
		return respond(r, f.page(r)), nil
	})
	return &Source{Scope: Scope{Subscription: subscription}, Credential: fixed{}, Options: policy.ClientOptions{Transport: network}}
}

// fixed is a credential that needs no network.
type fixed struct{}

func (fixed) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "fixed", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func id(name string) string {
	return "/subscriptions/" + subscription + "/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/" + name
}

// resource is an approved endpoint of one name.
func resource(name string) string {
	return withDNS(name, fmt.Sprintf(`{"fqdn": "%s.blob.core.windows.net", "ipAddresses": ["10.20.0.4"]}`, name))
}

// unnamed is an approved endpoint whose names are in a zone group.
func unnamed(name string) string { return withDNS(name, "") }

func withDNS(name, configs string) string {
	return fmt.Sprintf(`{"id": %q, "type": "Microsoft.Network/privateEndpoints", "properties": {"provisioningState": "Succeeded", "customDnsConfigs": [%s], `+
		`"privateLinkServiceConnections": [{"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}]}}`, id(name), configs)
}

// zoneGroup is a listing of the zone group of an endpoint.
func zoneGroup(name string) string {
	return fmt.Sprintf(`{"value": [{"id": "%s/privateDnsZoneGroups/default", "type": "Microsoft.Network/privateEndpoints/privateDnsZoneGroups", `+
		`"properties": {"privateDnsZoneConfigs": [{"properties": {"recordSets": [`+
		`{"fqdn": "%s.privatelink.blob.core.windows.net", "ipAddresses": ["10.20.0.4"]}]}}]}}]}`, id(name), name)
}

// resume ends the pause that Azure has asked a source for.
func resume(src *Source) { src.busy = nil }

// inProcess returns a source that asks a fake Azure without the network, so that a test
// can let time pass.
func inProcess(t *testing.T, arm *fakearm.Server, scope Scope) *Source {
	t.Helper()
	own, err := cloud.Parse(arm.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &Source{Scope: scope, Cloud: own, Credential: issued{arm}, Options: policy.ClientOptions{Transport: arm}}
}

// issued is a credential with tokens that the fake Azure has issued.
type issued struct{ arm *fakearm.Server }

func (i issued) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: i.arm.Token(fakearm.Tenant), ExpiresOn: time.Now().Add(30 * time.Minute)}, nil
}

func readAll(r io.ReadCloser) string {
	defer r.Close()
	text, _ := io.ReadAll(r)
	return string(text)
}
