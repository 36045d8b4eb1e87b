package azure

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// IMDS and all other identity endpoints of the machine are asked directly; ARM and
// the authority through the proxy.
func TestIdentityWithoutProxy(t *testing.T) {
	environment(t, "IDENTITY_ENDPOINT=http://10.9.8.7:81/msi/token")
	proxied := func(link string) bool {
		dialed := ""
		client := withoutRedirects(&http.Client{Transport: &http.Transport{
			Proxy: func(*http.Request) (*url.URL, error) { return mustParse("http://192.0.2.1:3128"), nil },
			DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
				dialed = addr
				return nil, io.EOF
			},
		}})
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
		_, _ = client.Do(request) //nolint:bodyclose // no connection
		return dialed == "192.0.2.1:3128"
	}
	for link, want := range map[string]bool{
		imds: false, "http://127.0.0.1:40342/metadata": false, "http://localhost:40342/metadata": false, "http://[::1]:1/x": false, "http://[fe80::1]:1/x": false,
		"http://169.254.131.3:8081/msi/token": false, "http://10.9.8.7:81/msi/token?x=y": false, "http://10.9.8.7:82/": true,
		"https://login.microsoftonline.com/x": true, "https://management.azure.com/subscriptions": true,
	} {
		if got := proxied(link); got != want {
			t.Errorf("%s through the proxy: %v; want %v", link, got, want)
		}
	}
}

// A proxy that does not connect is named with its status.
func TestProxyStatus(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(407) }), ReadHeaderTimeout: time.Second}
	go proxy.Serve(l) //nolint:errcheck // it ends by Close
	defer proxy.Close()
	client := withoutRedirects(&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(mustParse("http://" + l.Addr().String()))}})
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://login.example/", nil)
	_, err = client.Do(request) //nolint:bodyclose // an error
	cause, remedy, ok := networkCause(err, "login.example")
	want := "the proxy " + l.Addr().String() + " answers 407 (Proxy Authentication Required) to CONNECT"
	if cause != want || !ok || !strings.Contains(remedy, "HTTPS_PROXY") {
		t.Errorf("%v: %q, %q; want %q", err, cause, remedy, want)
	}
}

func mustParse(link string) *url.URL {
	u, err := url.Parse(link)
	if err != nil {
		panic(err)
	}
	return u
}
