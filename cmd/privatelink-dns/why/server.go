package why

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/status"
)

const (
	clientTimeout = 5 * time.Second
	maxBody       = 1 << 20 // bytes, far above 100 names
)

// askServer asks plugin status at the address.
func askServer(ctx context.Context, address string, names []string) (*report, error) {
	client := &http.Client{
		Timeout:       clientTimeout,
		Transport:     &http.Transport{DisableKeepAlives: true}, // no proxy: the server is on this machine or near it
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r := &report{Server: address}
	for _, name := range names {
		answer, err := ask(ctx, client, address, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		r.Answers = append(r.Answers, answer)
	}
	return r, nil
}

func ask(ctx context.Context, client *http.Client, address, name string) (answer verdict.Why, err error) {
	target := url.URL{Scheme: "http", Host: address, Path: status.WhyPath, RawQuery: url.Values{"name": {name}}.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return answer, err
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
