package azure

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

const (
	// maxBody bounds a response after decompression. A page of ARM has a few
	// hundred kilobytes.
	maxBody = 32 << 20
	// maxErrorBody bounds an error response, of which only a code is used.
	maxErrorBody = 1 << 20
)

// A transport is the last step of every request to ARM, retries included. It sends
// requests to one origin only, follows no redirect, and bounds the size of a response.
type transport struct {
	only  origin
	next  policy.Transporter
	count func(*http.Request) // of each request that is sent
}

// Do implements policy.Transporter.
func (t transport) Do(r *http.Request) (*http.Response, error) {
	if err := t.only.check(r.URL); err != nil {
		return nil, permanentError{fmt.Errorf("the request %w", err)}
	}
	t.count(r)
	response, err := t.next.Do(r)
	if err != nil {
		return nil, permanently(err)
	}
	// A transporter other than http.Client may follow redirects by itself.
	if from := response.Request; from != nil && from.URL != nil {
		if err := t.only.check(from.URL); err != nil {
			response.Body.Close() //nolint:errcheck // it is not read
			return nil, permanentError{fmt.Errorf("the response is of a redirect that %w", err)}
		}
	}
	response.Body = bounded(response)
	return response, nil
}

// withoutRedirects returns a client that returns redirects as they are: it keeps
// tokens and client secrets from another host.
func withoutRedirects(t policy.Transporter) policy.Transporter {
	client := &http.Client{Transport: pool}
	switch given := t.(type) {
	case nil:
	case *http.Client:
		own := *given
		if transport, ok := own.Transport.(*http.Transport); ok {
			own.Transport = withoutLocalProxy(transport.Clone())
		}
		client = &own
	default:
		return t
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// pool has the connections of all sources. The pings detect a connection that
// the network has dropped.
var pool = func() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 10
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, Renegotiation: tls.RenegotiateFreelyAsClient} // as azcore's own
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second}
	return withoutLocalProxy(t)
}()

// withoutLocalProxy has identity endpoints of the machine asked directly in spite of
// HTTP_PROXY: a proxy would ask its own machine for an identity. Microsoft
// requires this for IMDS. A proxy that does not connect becomes a proxyError.
func withoutLocalProxy(t *http.Transport) *http.Transport {
	if proxy := t.Proxy; proxy != nil {
		t.Proxy = func(r *http.Request) (*url.URL, error) {
			if isLocal(r.URL) {
				return nil, nil
			}
			return proxy(r)
		}
	}
	t.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, response *http.Response) error {
		if response.StatusCode != http.StatusOK {
			return &proxyError{proxy.Host, response.StatusCode}
		}
		return nil
	}
	return t
}

// isLocal reports whether a URL leads to an identity endpoint, or anything else, of
// this machine: a loopback or link-local address, or an endpoint that the variables of
// the identity name.
func isLocal(u *url.URL) bool {
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil && (addr.Unmap().IsLoopback() || addr.Unmap().IsLinkLocalUnicast()) {
		return true
	}
	for _, variable := range []string{"IDENTITY_ENDPOINT", "IMDS_ENDPOINT", "MSI_ENDPOINT"} {
		if endpoint, err := url.Parse(os.Getenv(variable)); err == nil && endpoint.Host != "" && casefold.Equal(endpoint.Host, u.Host) {
			return true
		}
	}
	return casefold.Equal(host, "localhost")
}

// bounded returns the response's body with a limit.
func bounded(response *http.Response) io.ReadCloser {
	if response.StatusCode >= http.StatusMultipleChoices {
		return struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxErrorBody), response.Body}
	}
	return &boundedBody{response.Body, maxBody}
}

type boundedBody struct {
	io.ReadCloser
	left int
}

// Read returns an error as soon as the body is longer than allowed.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if n > b.left {
		return 0, permanentError{fmt.Errorf("a response of more than %d MiB", maxBody>>20)}
	}
	b.left -= n
	return n, err
}

// A permanentError is not retried by azcore.
type permanentError struct{ error }

// NonRetriable marks the error for azcore's retry policy.
func (permanentError) NonRetriable() {}

func (e permanentError) Unwrap() error { return e.error }
