package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// stalled is a credential whose authority does not answer.
type stalled struct{}

func (stalled) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	<-ctx.Done()
	return azcore.AccessToken{}, ctx.Err()
}

// status answers after a delay.
func status(code int, delay time.Duration, retryAfter string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		response := respond(r, `{"error": {"code": "Test"}}`)
		response.StatusCode = code
		response.Header.Set("Retry-After", retryAfter)
		return response, nil
	}
}

// A page has half a minute, with its token and all retries.
func TestPageTimeout(t *testing.T) {
	const late = "no response within 30s, retries included: check the network and the proxy between this server and Azure"
	lost := errors.New("connection reset")
	for _, tc := range []struct {
		name       string
		do         func(*http.Request) (*http.Response, error)
		credential azcore.TokenCredential
		want       string
		most       time.Duration
		after      time.Duration
	}{
		{"request lost", silent, fixed{}, late, pageTimeout, 0},
		{"token request lost", nil, stalled{}, "no token: the identity does not answer within 25s: check the firewall and the proxy between this server and Azure", tokenTimeout + time.Second, 0},
		{"an error every 12 s", status(503, 12*time.Second, ""), fixed{}, late, pageTimeout, 0},
		{"an error at once", status(503, 0, ""), fixed{}, "ARM answers 503 Test", 20 * time.Second, 0},
		{"connections that break", func(*http.Request) (*http.Response, error) { return nil, lost }, fixed{}, "connection reset", 20 * time.Second, 0},
		{"asked to wait for a moment", status(429, 0, "2"), fixed{}, "ARM answers 429 Test: " + tooMany, 7 * time.Second, 2 * time.Second},
		{"asked to wait for 20 s", status(429, 0, "20"), fixed{}, "ARM answers 429 Test: " + tooMany, time.Second, 20 * time.Second},
		{"asked to wait for an hour", status(429, 0, "3600"), fixed{}, "ARM answers 429 Test: " + tooMany, time.Second, time.Hour},
		{"asked to wait for ages", status(503, 0, "99999999999"), fixed{}, "ARM answers 503 Test", time.Second, 24 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := (&fakeARM{do: tc.do, page: func(*http.Request) string { return `{"value": []}` }}).source()
				src.Credential = tc.credential
				begin := time.Now()
				list, err := src.Fetch(t.Context())
				if err == nil || list != nil || !strings.HasSuffix(err.Error(), ": page 1: "+tc.want) {
					t.Errorf("Fetch = %s, %v; want %s", show(list), err, tc.want)
				}
				if took := time.Since(begin); took > tc.most {
					t.Errorf("Fetch took %s; want at most %s", took, tc.most)
				}
				var busy *source.RetryAfterError
				if errors.As(err, &busy) != (tc.after > 0) || busy != nil && busy.After != tc.after {
					t.Errorf("Fetch error = %#v; want to stay away for %s", err, tc.after)
				}
			})
		})
	}
}

// A slow page is one, as long as it arrives in time; and after a request that
// was lost the next fetch is as fast as ever.
func TestSlowPageAndRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeARM{page: func(r *http.Request) string {
			time.Sleep(29 * time.Second)
			return `{"value": []}`
		}}
		src := fake.source()
		list, err := src.Fetch(t.Context())
		if err != nil || !list.Complete {
			t.Fatalf("Fetch of a slow page = %v", err)
		}
		fake.page = func(*http.Request) string { return `{"value": []}` }
		fake.do = silent
		if _, err := src.Fetch(t.Context()); err == nil {
			t.Fatal("no error")
		}
		fake.do = nil
		begin := time.Now()
		if again, err := src.Fetch(t.Context()); err != nil || again != list || time.Since(begin) > time.Second {
			t.Errorf("Fetch after the fault = %v, %v after %s; want the list at once", again, err, time.Since(begin))
		}
	})
}

// Many slow pages together have a limit.
func TestFetchTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pages := 0
		fake := &fakeARM{page: func(r *http.Request) string {
			if strings.HasSuffix(r.URL.Path, "networkInterfaces") {
				return `{"value": []}`
			}
			time.Sleep(29 * time.Second)
			pages++
			return `{"value": [], "nextLink": "https://management.azure.com` + r.URL.Path + `?` + strings.Repeat("x", pages) + `"}`
		}}
		begin := time.Now()
		_, err := fake.source().Fetch(t.Context())
		if err == nil || !strings.HasSuffix(err.Error(), "no time is left in this sync") {
			t.Errorf("Fetch error = %v", err)
		}
		if took := time.Since(begin); took > timeout+30*time.Second {
			t.Errorf("Fetch took %s; want about %s", took, timeout)
		}
	})
}

// Resources that are asked for one by one have the time of one page together,
// and stay if there is no answer.
func TestConfirmTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := []string{resource("pe-first")}
		for i := range 20 {
			all = append(all, resource(fmt.Sprint("pe-", i)))
		}
		fake := &fakeARM{page: func(r *http.Request) string {
			switch {
			case strings.HasSuffix(r.URL.Path, "networkInterfaces"):
				return `{"value": []}`
			case r.URL.RawQuery == "second":
				return `{"value": [` + strings.Join(all[1:], ",") + `]}`
			}
			return `{"value": [` + all[0] + `], "nextLink": "https://management.azure.com` + r.URL.Path + `?second"}`
		}}
		fake.do = func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/privateEndpoints/") {
				return silent(r)
			}
			return nil, nil
		}
		src := fake.source()
		before, err := src.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = all[:1]
		for range 4 {
			begin := time.Now()
			if list, err := src.Fetch(t.Context()); err != nil || list != before || time.Since(begin) > pageTimeout {
				t.Errorf("Fetch = %s, %v after %s; want the list of before", show(list), err, time.Since(begin))
			}
		}
	})
}
