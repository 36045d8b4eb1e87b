package azure

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ARM that lacks our api-version offers others, for each type of its own.
func TestOfferedVersions(t *testing.T) {
	const fallback = "NoRegisteredProviderFound"
	offer := func(code, list string) string {
		return fmt.Sprintf(`{"error": {"code": %q, "message": "No registered resource provider found for location 'local' and API version `+
			`'2024-05-01' for type 'privateEndpoints'. The supported api-versions are '%s'. The supported locations are 'local'."}}`, code, list)
	}
	for _, tc := range []struct {
		name, code, offered, used string
		want                      string // the end of the error
	}{
		{"the newest that is not newer", fallback, "2019-11-01, 2021-08-01, 2022-07-01, 2025-03-01", "2022-07-01", ""},
		{"in another order", fallback, "2022-07-01, 2019-11-01, 2021-08-01", "2022-07-01", ""},
		{"no preview", fallback, "2021-08-01, 2022-09-01-preview", "2021-08-01", ""},
		{"another code", "InvalidApiVersionParameter", "2023-02-01", "2023-02-01", ""},
		{"all too old", fallback, "2017-10-01, 2019-11-01", "", "it offers no api-version from 2020-03-01 to 2024-05-01, and none in preview is used"},
		{"all too new", fallback, "2025-03-01", "", "none in preview is used"},
		{"only a preview", fallback, "2023-02-01-preview", "", "none in preview is used"},
		{"none", fallback, "", "", "none in preview is used"},
		{"another error", "BadRequest", "2022-07-01", "", "ARM answers 400 BadRequest"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var mu sync.Mutex
			var asked []string
			fake := &fakeARM{page: func(*http.Request) string { return `{"value": [` + resource("pe-a") + `]}` }}
			fake.do = func(r *http.Request) (*http.Response, error) {
				version := r.URL.Query().Get("api-version")
				mu.Lock()
				asked = append(asked, version)
				mu.Unlock()
				if strings.Contains(r.URL.Path, "networkInterfaces") {
					return respond(r, `{"value": []}`), nil
				}
				if version != tc.used {
					return reply(400, "application/json", offer(tc.code, tc.offered))(r)
				}
				return nil, nil
			}
			src := fake.source()
			list, err := src.Fetch(t.Context())
			if tc.used == "" {
				if err == nil || !strings.HasSuffix(err.Error(), tc.want) {
					t.Errorf("Fetch error = %v; want %s", err, tc.want)
				}
				return
			}
			if err != nil || show(list) != "pe-a.blob.core.windows.net 1" {
				t.Fatalf("Fetch = %s, %v", show(list), err)
			}
			asked = nil
			if again, err := src.Fetch(t.Context()); err != nil || again != list {
				t.Errorf("Fetch again = %s, %v", show(again), err)
			}
			if slices.Sort(asked); fmt.Sprint(asked) != fmt.Sprintf("[%s %s]", tc.used, apiVersion) {
				t.Errorf("api-versions of the next fetch: %v", asked)
			}
		})
	}
}

// Several listings of one type need the version at the same time.
func TestOfferedVersionForGroups(t *testing.T) {
	fake := &fakeARM{page: func(*http.Request) string { return `{"value": []}` }}
	fake.do = func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Get("api-version") != "2022-07-01" {
			return reply(400, "application/json", `{"error": {"code": "NoRegisteredProviderFound", "message": "The supported api-versions are '2022-07-01'."}}`)(r)
		}
		return nil, nil
	}
	src := fake.source()
	src.Groups = []string{"a", "b", "c", "d", "e"}
	if list, err := src.Fetch(t.Context()); err != nil || !list.Complete {
		t.Errorf("Fetch = %s, %v", show(list), err)
	}
}

func TestRefusals(t *testing.T) {
	const (
		unregistered = `{"error": {"code": "MissingSubscriptionRegistration", "message": "The subscription is not registered to use namespace ` +
			`'Microsoft.Network'. See https://aka.ms/rps-not-found"}}`
		register = "register the resource provider in subscription " + subscription + ": az provider register --namespace Microsoft.Network"
		html     = "with an HTML page: " + ofProxy + "management.azure.com without it"
	)
	for _, tc := range []struct {
		name   string
		status int
		kind   string
		body   string
		want   string
	}{
		{"provider not registered", 409, "application/json", unregistered, "ARM answers 409 MissingSubscriptionRegistration: " + register},
		{"page of a proxy", 403, "text/html", `<html>blocked</html>`, "ARM answers 403 " + html},
		{"page of a proxy without a type", 404, "", "\n<!DOCTYPE HTML>", "ARM answers 404 " + html},
		{"page with status 200", 200, "text/html", `<!doctype html>`, "an HTML page in place of a listing: " + ofProxy + "management.azure.com without it"},
	} {
		fake := &fakeARM{do: reply(tc.status, tc.kind, tc.body)}
		if _, err := fake.source().Fetch(t.Context()); err == nil || !strings.HasSuffix(err.Error(), ": page 1: "+tc.want) {
			t.Errorf("%s: %v;\nwant %s", tc.name, err, tc.want)
		}
	}
}
