package azure

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

func TestOrigin(t *testing.T) {
	const other = `", not to "https://management.azure.com": check whether a proxy rewrites Azure's responses; the token was not sent there`
	const relative = `is not an absolute URL, one to "https://management.azure.com" is expected`
	arm := origin{"https", "management.azure.com", "443"}
	for _, tc := range []struct{ name, link, want string }{
		{"the same", "https://management.azure.com/subscriptions/x?$skipToken=a%2Fb", ""},
		{"default port", "https://management.azure.com:443/subscriptions", ""},
		{"empty port", "https://management.azure.com:/subscriptions", ""},
		{"case of host and scheme", "HTTPS://Management.AZURE.com/subscriptions", ""},
		{"no scheme encryption", "http://management.azure.com/", `leads to "http://management.azure.com` + other},
		{"http to the https port", "http://management.azure.com:443/", `leads to "http://management.azure.com:443` + other},
		{"other port", "https://management.azure.com:8443/", `leads to "https://management.azure.com:8443` + other},
		{"other host", "https://login.example/?token=secret", `leads to "https://login.example` + other},
		{"ends with a foreign domain", "https://management.azure.com.evil.example/", `leads to "https://management.azure.com.evil.example` + other},
		{"begins with a foreign label", "https://evil-management.azure.com/", `leads to "https://evil-management.azure.com` + other},
		{"subdomain", "https://x.management.azure.com/", `leads to "https://x.management.azure.com` + other},
		{"trailing dot", "https://management.azure.com./", `leads to "https://management.azure.com.` + other},
		{"address", "https://[::1]/", `leads to "https://[::1]` + other},
		{"host as a user name", "https://management.azure.com@evil.example/", `leads to "https://evil.example` + other},
		{"host and port as user name", "https://management.azure.com:443@evil.example/", `leads to "https://evil.example` + other},
		{"user name", "https://user:secret@management.azure.com/", `has a user name before "https://management.azure.com": check whether a proxy rewrites Azure's responses; the token was not sent there`},
		{"path", "/subscriptions/x", relative},
		{"host without a scheme", "//management.azure.com/", relative},
		{"opaque", "https:management.azure.com", relative},
		{"scheme without a host", "https:///subscriptions", relative},
		{"file", "file:///etc/passwd", relative},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, err := url.Parse(tc.link)
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			if err := arm.check(u); err != nil {
				text = err.Error()
			}
			if text != tc.want || strings.Contains(text, "secret") {
				t.Errorf("check(%s) = %q; want %q", tc.link, text, tc.want)
			}
		})
	}
}

// A link to the same origin in another form is followed.
func TestNextLinkToTheSameOrigin(t *testing.T) {
	fake := &fakeARM{page: func(r *http.Request) string {
		switch {
		case strings.Contains(r.URL.Path, "networkInterfaces"):
			return `{"value": []}`
		case r.URL.RawQuery == "second":
			return `{"value": [` + resource("pe-b") + `]}`
		}
		return `{"value": [` + resource("pe-a") + `], "nextLink": "HTTPS://Management.azure.com:443` + r.URL.Path + `?second"}`
	}}
	list, err := fake.source().Fetch(t.Context())
	if got := show(list); err != nil || got != "pe-a.blob.core.windows.net 1; pe-b.blob.core.windows.net 1" {
		t.Errorf("Fetch = %s, %v; want both pages", got, err)
	}
}

// Nothing is sent to where a response points: by redirect or by link, with
// http.Client or with a transporter that follows redirects by itself.
func TestNothingLeavesTheOrigin(t *testing.T) {
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Write([]byte(`{"value": []}`)) //nolint:errcheck // the client has gone
	}))
	t.Cleanup(other.Close)
	for _, fault := range []fakearm.Fault{
		{Kind: fakearm.Redirect, Value: []byte(`"` + other.URL + `/subscriptions"`)},
		{Kind: fakearm.Redirect},
		{Kind: fakearm.Link, Value: []byte(`"` + other.URL + `/subscriptions"`)},
		{Kind: fakearm.Link, Value: []byte(`"https://user@` + strings.TrimPrefix(other.URL, "http://") + `"`)},
		{Kind: fakearm.OtherHost},
	} {
		for _, path := range []string{"privateEndpoints", "networkInterfaces", "pe-0/privateDnsZoneGroups"} {
			hidden := endpoint("pe-0", "a.blob.core.windows.net")
			hidden.ZoneGroup, hidden.NoNIC = true, true
			arm, src := start(t, fakearm.Config{}, hidden)
			fault.Path = path
			arm.SetFaults(fault)
			if _, err := src.Fetch(t.Context()); err == nil {
				t.Errorf("%s of %s: no error", fault.Kind, path)
			}
			for _, r := range arm.Requests() {
				if strings.HasPrefix(r.Host, "localhost") {
					t.Errorf("%s of %s: %s%s is asked", fault.Kind, path, r.Host, r.Path)
				}
			}
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests to the other server; want none", n)
	}
}

// follows is a transporter of a kind that the client does not know.
type follows struct{ *http.Client }

// A response that another transporter brought from elsewhere is not Azure's.
func TestForeignResponse(t *testing.T) {
	arm, src := start(t, fakearm.Config{}, many(1)...)
	src.Options.Transport = follows{arm.Client()}
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Redirect, Path: "privateEndpoints", Count: 1})
	_, err := src.Fetch(t.Context())
	if err == nil || !strings.Contains(err.Error(), "page 1: the response is of a redirect that leads to ") {
		t.Errorf("Fetch error = %v; want one of the redirect", err)
	}
}

// The check is on the way of every request, and not only of links.
func TestTransportChecksRequests(t *testing.T) {
	reached := false
	next := transporter(func(r *http.Request) (*http.Response, error) { reached = true; return respond(r, `{}`), nil })
	tr := transport{origin{"https", "management.azure.com", "443"}, next, func(*http.Request) {}}
	for link, allowed := range map[string]bool{
		"https://management.azure.com:443/x": true, "http://management.azure.com/x": false, "https://other.example/x": false,
	} {
		reached = false
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := tr.Do(r); (err == nil) != allowed || reached != allowed {
			t.Errorf("Do(%s) = %v, %v, sent %v; want %v", link, response, err, reached, allowed)
		}
	}
}
