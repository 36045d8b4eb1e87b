package fakearm

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

func TestFaults(t *testing.T) {
	a := start(t, Config{Estate: estate(), PageSize: 2})
	tested := []Kind{Slow, Reset, Truncated, OtherHost, Loop, Link, Body, Bomb, ErrBomb, Redirect, Swallow, Shift, Repeat, Expired, Revoked} // below
	for _, tt := range []struct {
		fault Fault
		want  string // answer and Retry-After
	}{
		{Fault{Kind: Forbidden}, "403 AuthorizationFailed "},
		{Fault{Kind: NotFound}, "404 SubscriptionNotFound "},
		{Fault{Kind: Throttled}, "429 RetryableError "},
		{Fault{Kind: Throttled, RetryAfter: 7}, "429 RetryableError 7"},
		{Fault{Kind: Broken}, "500 InternalServerError "},
		{Fault{Kind: Unavailable}, "503 ServerUnavailable "},
		{Fault{Kind: Unavailable, RetryAfter: 1}, "503 ServerUnavailable 1"},
		{Fault{Kind: HTML}, "200 text/html "},
		{Fault{Kind: HTML502}, "502 text/html "},
		{Fault{Kind: Garbage}, "200 application/json "},
	} {
		a.SetFaults(tt.fault)
		r, err := a.get(network + "/privateEndpoints" + version)
		if got := fmt.Sprint(r, " ", r.header.Get("Retry-After")); err != nil || got != tt.want {
			t.Errorf("%+v = %q, %v; want %q", tt.fault, got, err, tt.want)
		}
		if page, err := privateendpoint.Decode([]byte(r.body)); err == nil {
			t.Errorf("%+v: Decode = %v; want an error", tt.fault, page)
		}
		tested = append(tested, tt.fault.Kind)
	}
	tested = append(tested, Short, Cut) // see TestGraphFaults
	for _, kind := range kinds {
		if !slices.Contains(tested, kind) {
			t.Errorf("%q has no test", kind)
		}
	}
	a.SetFaults(Fault{Kind: NotFound})
	if r, _ := a.get(inGroup + "/privateEndpoints" + version); r.String() != "404 ResourceGroupNotFound" {
		t.Errorf("404 below a group = %v", r)
	}
}

func TestConnectionFaults(t *testing.T) {
	for _, tt := range []struct {
		kind Kind
		want error
	}{
		{Reset, syscall.ECONNRESET},
		{Truncated, io.ErrUnexpectedEOF},
	} {
		a := start(t, Config{Estate: estate()})
		a.SetFaults(Fault{Kind: tt.kind})
		if r, err := a.get(network + "/privateEndpoints" + version); !errors.Is(err, tt.want) {
			t.Errorf("%s = %v, %v; want %v", tt.kind, r, err, tt.want)
		}
		// The identity's listener has no TLS.
		if r, err := a.get(a.IdentityURL + identityPath); !errors.Is(err, tt.want) {
			t.Errorf("%s of the identity = %v, %v; want %v", tt.kind, r, err, tt.want)
		}
	}
}

func TestSlow(t *testing.T) {
	a := start(t, Config{Estate: estate(), Delay: time.Millisecond})
	a.SetFaults(Fault{Kind: Slow, DelayMS: 20, Count: 1})
	before := time.Now()
	a.list(t, network+"/privateEndpoints"+version)
	if took := time.Since(before); took < 21*time.Millisecond {
		t.Errorf("answer after %v; want 21 ms", took)
	}
	a.SetFaults(Fault{Kind: Slow, DelayMS: int(time.Hour / time.Millisecond)})
	a.client.Timeout = 10 * time.Millisecond
	if r, err := a.get(network + "/privateEndpoints" + version); err == nil {
		t.Errorf("get = %v; want a timeout", r)
	}
}

func TestLinkFaults(t *testing.T) {
	a := start(t, Config{Estate: estate(), PageSize: 2})
	next := func(link string) string {
		r, err := a.get(link)
		page, decoded := privateendpoint.Decode([]byte(r.body))
		if err != nil || decoded != nil {
			t.Fatalf("get %s = %v, %v, %v", link, r, err, decoded)
		}
		return page.Next
	}
	first := a.URL + network + "/privateEndpoints" + version
	second := next(first)

	a.SetFaults(Fault{Kind: Loop, Page: 2})
	if got := next(first); got != second {
		t.Errorf("nextLink of page 1 = %s; want %s", got, second)
	}
	if got := next(second); got != second {
		t.Errorf("nextLink of page 2 = %s; want itself, %s", got, second)
	}
	a.SetFaults(Fault{Kind: OtherHost, Count: 1})
	want := strings.Replace(first, "127.0.0.1", "localhost", 1)
	if got := next(first); got != want {
		t.Errorf("nextLink = %s; want %s", got, want)
	}
	// Who follows it is answered, and seen.
	a.SetFaults(Fault{Kind: OtherHost, Count: 1})
	if got := next(want); got != first {
		t.Errorf("nextLink = %s; want %s", got, first)
	}
	requests := a.Requests()
	if host := requests[len(requests)-1].Host; !strings.HasPrefix(host, "localhost:") {
		t.Errorf("host = %s; want localhost", host)
	}
	a.SetFaults(Fault{Kind: OtherHost}) // has nothing to spoil in an error
	if r, _ := a.get(network + "/privateEndpoints"); r.String() != "400 MissingApiVersionParameter" {
		t.Errorf("error = %v", r)
	}
}

func TestPageFaults(t *testing.T) {
	var four []Endpoint
	for _, name := range []string{"pe-0", "pe-1", "pe-2", "pe-3"} {
		four = append(four, Endpoint{Name: name, Group: "rg-a"})
	}
	a := start(t, Config{Estate: Estate{sub: four}, PageSize: 2})
	for _, tt := range []struct {
		fault Fault
		want  string // the endpoints that are listed, or the error
	}{
		{Fault{Kind: Shift, Page: 2}, "pe-0 pe-1 pe-3"},
		{Fault{Kind: Repeat, Page: 2}, "pe-0 pe-1 pe-1 pe-2 pe-3"},
		{Fault{Kind: Link, Page: 1, Value: []byte(`null`)}, "pe-0 pe-1"},
		{Fault{Kind: Link, Page: 1, Value: []byte(`7`)}, `line 1: "nextLink" is not a string, so the next page is unknown`},
		{Fault{Kind: Body, Page: 2, Value: []byte(`{"value":[]}`)}, "pe-0 pe-1"},
		{Fault{Kind: Body, Page: 1, Value: []byte(`{}`)}, `not a page of a listing: it has no array under "value"`},
	} {
		a.SetFaults(tt.fault)
		var got []string
		for link := network + "/privateEndpoints" + version; link != ""; {
			r, err := a.get(link)
			if err != nil || r.status != http.StatusOK {
				t.Fatalf("%+v = %v, %v", tt.fault, r, err)
			}
			page, err := privateendpoint.DecodePage([]byte(r.body))
			if err != nil {
				got = []string{err.Error()}
			}
			for _, e := range page.Endpoints {
				got = append(got, e.ID[strings.LastIndexByte(e.ID, '/')+1:])
			}
			link = page.Next
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%+v = %q; want %s", tt.fault, got, tt.want)
		}
	}
}

func TestRedirectBombAndSwallow(t *testing.T) {
	a := start(t, Config{Estate: estate()})
	a.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for value, want := range map[string]string{
		"":                    strings.Replace(a.URL, "127.0.0.1", "localhost", 1) + network + "/privateEndpoints" + version,
		`"http://a.example/"`: "http://a.example/",
	} {
		a.SetFaults(Fault{Kind: Redirect, Value: []byte(value)})
		if r, err := a.get(network + "/privateEndpoints" + version); err != nil || r.status != http.StatusTemporaryRedirect || r.header.Get("Location") != want {
			t.Errorf("redirect = %v to %s, %v; want 307 to %s", r, r.header.Get("Location"), err, want)
		}
	}
	if n := len(packed()); n > 4<<20 {
		t.Errorf("the bomb has %d bytes; want few", n)
	}
	for kind, want := range map[Kind]int{Bomb: http.StatusOK, ErrBomb: http.StatusInternalServerError} {
		if got := bomb(kind); got.status != want || got.header["Content-Encoding"] != "gzip" {
			t.Errorf("%s = status %d, %v; want %d, gzip", kind, got.status, got.header, want)
		}
	}
	a.SetFaults(Fault{Kind: Swallow})
	a.client.Timeout = 10 * time.Millisecond
	if r, err := a.get(network + "/privateEndpoints" + version); err == nil {
		t.Errorf("get = %v; want a timeout", r)
	}
}

func TestOneResource(t *testing.T) {
	a := start(t, Config{Estate: estate()})
	for _, tt := range []struct{ path, want string }{
		{"/privateEndpoints/PLAIN", `"id":"` + inGroup + `/privateEndpoints/plain"`},
		{"/networkInterfaces/plain.nic", `"id":"` + inGroup + `/networkInterfaces/plain.nic"`},
		{"/privateEndpoints/zoned/privateDnsZoneGroups/default", `/privateEndpoints/zoned/privateDnsZoneGroups/default"`},
		{"/privateEndpoints/none", `"code":"ResourceNotFound"`},
		{"/privateEndpoints/new", `"code":"ResourceNotFound"`}, // of another group
	} {
		if r, err := a.get(inGroup + tt.path + version); err != nil || !strings.Contains(r.body, tt.want) {
			t.Errorf("%s = %s, %v; want %s in it", tt.path, r.body, err, tt.want)
		}
	}
}

func TestFaultMatches(t *testing.T) {
	const other = "ffffffff-0000-0000-0000-000000000000"
	for _, tt := range []struct {
		name   string
		faults []Fault
		want   string // statuses of: endpoints, interfaces with their pages, other subscription
	}{
		{"none", nil, "200 200 200 200 200"},
		{"everything", []Fault{{Kind: Broken}}, "500 500 500"},
		{"twice", []Fault{{Kind: Broken, Count: 2}}, "500 500 200"},
		{"part of a path", []Fault{{Kind: Broken, Path: "/NETWORKinterfaces"}}, "200 200 500 200"},
		{"page two", []Fault{{Kind: Broken, Page: 2}}, "200 500 200 500 200"},
		{"page two once", []Fault{{Kind: Broken, Page: 2, Count: 1}}, "200 500 200 200 200"},
		{"one subscription", []Fault{{Kind: Forbidden, Path: other}}, "200 200 200 200 403"},
		{"first that fits", []Fault{{Kind: Throttled, Count: 1}, {Kind: Broken}}, "429 500 500"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := estate()
			e[sub] = e[sub][:2]
			a := start(t, Config{Estate: e, PageSize: 1})
			a.SetFaults(tt.faults...)
			for _, link := range []string{
				network + "/privateEndpoints", network + "/networkInterfaces",
				"/subscriptions/" + other + "/providers/Microsoft.Network/privateEndpoints",
			} {
				for link += version; link != ""; {
					r, err := a.get(link)
					if err != nil {
						t.Fatal(err)
					}
					page, _ := privateendpoint.Decode([]byte(r.body))
					link = page.Next
				}
			}
			var got []string
			for _, r := range a.Requests() {
				got = append(got, fmt.Sprint(r.Status))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("statuses = %v; want %s", got, tt.want)
			}
		})
	}
}

func TestTokenFaults(t *testing.T) {
	for _, tt := range []struct {
		kind            Kind
		code, challenge string
	}{
		{Expired, "401 ExpiredAuthenticationToken", `error="invalid_token"`},
		{Revoked, "401 TokenIssuedBeforeRevocationTimestamp", `error="insufficient_claims", claims="`},
	} {
		a := start(t, Config{Estate: estate()})
		a.SetFaults(Fault{Kind: tt.kind, Path: "/subscriptions/", Count: 1})
		for range 2 { // the token stays bad without the fault
			r, err := a.get(network + "/privateEndpoints" + version)
			if challenge := r.header.Get("WWW-Authenticate"); err != nil || r.String() != tt.code || !strings.Contains(challenge, tt.challenge) {
				t.Errorf("%s = %v, %s, %v; want %s, %s", tt.kind, r, challenge, err, tt.code, tt.challenge)
			}
		}
		a.token, _ = a.issue(Tenant)
		if r, err := a.get(network + "/privateEndpoints" + version); err != nil || r.status != http.StatusOK {
			t.Errorf("%s: with another token = %v, %v; want 200", tt.kind, r, err)
		}
	}
}
