package why

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/status"
)

const (
	clientTimeout = 5 * time.Second
	maxBody       = 1 << 20 // bytes, far above 100 names
)

// askServer asks plugin status at the address.
func askServer(ctx context.Context, server status.Server, names []string) (*report, error) {
	transport := &http.Transport{DisableKeepAlives: true} // no proxy: the server is on this machine or near it
	client := &http.Client{
		Timeout:       clientTimeout,
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	token := ""
	var err error
	if server.Cert != "" {
		if transport.TLSClientConfig, err = pinned(server.Cert); err != nil {
			return nil, fmt.Errorf("%s: %w", server.Address, err)
		}
	}
	if server.Token != "" {
		if token, err = status.ReadToken(server.Token); err != nil {
			return nil, fmt.Errorf("%s: %w", server.Address, err)
		}
	}
	r := &report{Server: server.Address}
	for _, name := range names {
		answer, err := ask(ctx, client, server, token, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", server.Address, err)
		}
		r.Answers = append(r.Answers, answer)
	}
	return r, nil
}

// pinned returns the settings for a server that has the certificate of the file. Its
// names need not include the address, and nobody needs to have signed it.
func pinned(path string) (*tls.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: it is not a certificate in PEM", path)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // G402: VerifyConnection compares the certificate
		VerifyConnection: func(state tls.ConnectionState) error {
			if !bytes.Equal(state.PeerCertificates[0].Raw, block.Bytes) {
				return fmt.Errorf("it has another certificate than %s", path)
			}
			return nil
		},
	}, nil
}

func ask(ctx context.Context, client *http.Client, server status.Server, token, name string) (answer verdict.Why, err error) {
	target := url.URL{Scheme: "http", Host: server.Address, Path: status.WhyPath, RawQuery: url.Values{"name": {name}}.Encode()}
	if server.Cert != "" {
		target.Scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return answer, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return answer, reason(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return answer, err
	}
	if response.StatusCode != http.StatusOK {
		var failed status.Error
		if json.Unmarshal(body, &failed) == nil && failed.Error != "" {
			return answer, fmt.Errorf("%s: %s", response.Status, failed.Error)
		}
		return answer, fmt.Errorf("%s: it is not plugin status of privatelink-dns", response.Status)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("it is not plugin status of privatelink-dns: %w", err)
	}
	return answer, nil
}

// reason returns the error without the URL, which repeats the address.
func reason(err error) error {
	if failed, ok := err.(*url.Error); ok {
		return failed.Err
	}
	return err
}
