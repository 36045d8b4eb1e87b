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

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// hidden returns an endpoint whose name is in its zone group only.
func hidden(name string) fakearm.Endpoint {
	e := endpoint(name, name+".blob.core.windows.net")
	e.ZoneGroup, e.NoNIC = true, true
	return e
}

// An endpoint whose zone groups cannot be read costs its own names only.
func TestBadMember(t *testing.T) {
	const good, both = "pe-c.blob.core.windows.net 1; pe-b.privatelink.blob.core.windows.net 1", "pe-a.privatelink.blob.core.windows.net 1; "
	const of = "list /subscriptions/" + subscription + "/resourceGroups/rg-backup/providers/Microsoft.Network/privateEndpoints/PE-a/privateDnsZoneGroups: page 1: "
	for _, tc := range []struct {
		fault fakearm.Fault
		want  string
		after time.Duration
	}{
		{fakearm.Fault{Kind: fakearm.Forbidden}, "ARM answers 403 AuthorizationFailed: grant Reader on subscription " + subscription + " to the identity", 0},
		{fakearm.Fault{Kind: fakearm.NotFound}, "ARM answers 404 ResourceGroupNotFound: " + ofID, 0},
		{fakearm.Fault{Kind: fakearm.Throttled}, "ARM answers 429 RetryableError: " + tooMany, 0},
		{fakearm.Fault{Kind: fakearm.Throttled, RetryAfter: 90}, "ARM answers 429 RetryableError: " + tooMany, 90 * time.Second},
		{fakearm.Fault{Kind: fakearm.Broken}, "ARM answers 500 InternalServerError", 0},
		{fakearm.Fault{Kind: fakearm.Unavailable, RetryAfter: 90}, "ARM answers 503 ServerUnavailable", 90 * time.Second},
		{fakearm.Fault{Kind: fakearm.HTML}, "an HTML page in place of a listing: " + ofProxy + "127.0.0.1:PORT without it", 0},
		{fakearm.Fault{Kind: fakearm.HTML502}, "ARM answers 502 with an HTML page: " + ofGateway, 0},
		{fakearm.Fault{Kind: fakearm.Garbage}, `line 1: invalid character '\x00' looking for beginning of value`, 0},
		{fakearm.Fault{Kind: fakearm.Truncated}, "unexpected EOF", 0},
		{fakearm.Fault{Kind: fakearm.Body, Value: []byte(`{}`)}, `not a page of a listing: it has no array under "value"`, 0},
		{fakearm.Fault{Kind: fakearm.Bomb}, "a response of more than 32 MiB", 0},
		{fakearm.Fault{Kind: fakearm.Reset}, "read: connection reset by peer", 0},
	} {
		for _, known := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, read before %v", tc.fault.Kind, known), func(t *testing.T) {
				a := hidden("pe-a")
				a.Name = "PE-a"
				arm, src := start(t, fakearm.Config{}, a, hidden("pe-b"), endpoint("pe-c", "pe-c.blob.core.windows.net"))
				names := map[bool]string{true: both, false: ""}[known]
				if known {
					if _, err := src.Fetch(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				tc.fault.Path = "pe-a/privateDnsZoneGroups"
				arm.SetFaults(tc.fault)
				list, err := src.Fetch(t.Context())
				if got := show(list); got != names+reorder(good) || !list.Complete || fmt.Sprint(list.Unread) != fmt.Sprintf("[%s]", unreadID("pe-a")) {
					t.Errorf("Fetch = %s, complete %v, unread %v", got, list.Complete, list.Unread)
				}
				want := of + strings.ReplaceAll(tc.want, "127.0.0.1:PORT", strings.TrimPrefix(arm.URL, "https://"))
				if err == nil || err.Error() != want {
					t.Errorf("Fetch error = %v;\nwant %s", err, want)
				}
				if busy := (*source.RetryAfterError)(nil); errors.As(err, &busy) != (tc.after > 0) || busy != nil && busy.After != tc.after {
					t.Errorf("Fetch error = %#v; want to stay away for %s", err, tc.after)
				}
				if again, _ := src.Fetch(t.Context()); again != list {
					t.Errorf("Fetch again = %s; want the same list", show(again))
				}
				arm.SetFaults()
				resume(src)
				if list, err := src.Fetch(t.Context()); err != nil || show(list) != both+reorder(good) || list.Unread != nil {
					t.Errorf("Fetch after the fault = %s, %v, unread %v", show(list), err, list.Unread)
				}
			})
		}
	}
}

func reorder(names string) string {
	first, second, _ := strings.Cut(names, "; ")
	return second + "; " + first
}

func unreadID(name string) string {
	return strings.ToLower("/subscriptions/" + subscription + "/resourceGroups/rg-backup/providers/Microsoft.Network/privateEndpoints/" + name)
}

// An endpoint that is deleted after it was listed is no error.
func TestMemberGone(t *testing.T) {
	for _, code := range []string{"ResourceNotFound", "ParentResourceNotFound"} {
		t.Run(code, func(t *testing.T) { testMemberGone(t, code) })
	}
}

func testMemberGone(t *testing.T, code string) {
	fake := &fakeARM{page: func(r *http.Request) string {
		switch {
		case strings.HasSuffix(r.URL.Path, "/privateEndpoints"):
			return `{"value": [` + unnamed("pe-a") + "," + unnamed("pe-b") + `]}`
		case strings.HasSuffix(r.URL.Path, "pe-b/privateDnsZoneGroups"):
			return zoneGroup("pe-b")
		}
		return `{"value": []}`
	}}
	src := fake.source()
	fake.do = func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Path, "pe-a/privateDnsZoneGroups") {
			return nil, nil
		}
		response := respond(r, `{"error": {"code": "`+code+`", "message": "The Resource was not found."}}`)
		response.StatusCode = http.StatusNotFound
		return response, nil
	}
	list, err := src.Fetch(t.Context())
	if err != nil || show(list) != "pe-b.privatelink.blob.core.windows.net 1; -pe-a no_dns_configuration" || list.Unread != nil {
		t.Errorf("Fetch = %s, %v, unread %v; want no error", show(list), err, list.Unread)
	}
	if again, err := src.Fetch(t.Context()); err != nil || again != list {
		t.Errorf("Fetch again = %s, %v; want the same list", show(again), err)
	}
}

// The text names the first three of many, in the order of their IDs.
func TestManyBadMembers(t *testing.T) {
	for n, want := range map[int]string{1: "pe-0", 3: "pe-0 pe-1 pe-2", 4: "pe-0 pe-1 pe-2 1 more", 9: "pe-0 pe-1 pe-2 6 more"} {
		var all []fakearm.Endpoint
		for i := range n {
			all = append(all, hidden(fmt.Sprint("pe-", i)))
		}
		arm, src := start(t, fakearm.Config{}, all...)
		arm.SetFaults(fakearm.Fault{Kind: fakearm.Forbidden, Path: "privateDnsZoneGroups"})
		for range 3 {
			list, err := src.Fetch(t.Context())
			var got []string
			for part := range strings.SplitSeq(fmt.Sprint(err), "; ") {
				part, _, _ = strings.Cut(part, "/privateDnsZoneGroups: page 1: ARM answers 403")
				got = append(got, part[strings.LastIndexByte(part, '/')+1:])
			}
			if strings.Join(got, " ") != want || len(list.Unread) != n {
				t.Errorf("Fetch with %d bad endpoints = %v, unread %d; want %s", n, err, len(list.Unread), want)
			}
		}
	}
}

// Endpoints that are never answered delay the others by one page's time, and only
// once: from then on they are read last.
func TestSilentMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []string
		var asked time.Time // for the endpoint that is answered
		for i := range 6 {
			all = append(all, unnamed(fmt.Sprint("pe-", i)))
		}
		fake := &fakeARM{page: func(r *http.Request) string {
			if strings.HasSuffix(r.URL.Path, "/privateEndpoints") {
				return `{"value": [` + strings.Join(all, ",") + `]}`
			}
			if strings.HasSuffix(r.URL.Path, "/networkInterfaces") {
				return `{"value": []}`
			}
			asked = time.Now()
			return zoneGroup("pe-5")
		}}
		fake.do = func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/privateDnsZoneGroups") && !strings.Contains(r.URL.Path, "pe-5") {
				return silent(r)
			}
			return nil, nil
		}
		src := fake.source()
		for _, wait := range []time.Duration{pageTimeout, 0} {
			begin := time.Now()
			list, err := src.Fetch(t.Context())
			served := show(list) == "pe-5.privatelink.blob.core.windows.net 1" && len(list.Unread) == 5
			if !served || err == nil || !strings.Contains(err.Error(), "no response within 30s") {
				t.Errorf("Fetch = %s, %v, unread %v", show(list), err, list.Unread)
			}
			if got := asked.Sub(begin); got != wait {
				t.Errorf("the endpoint that is answered is read after %s; want %s", got, wait)
			}
			if took := time.Since(begin); took > time.Minute {
				t.Errorf("Fetch took %s; want a minute at most", took)
			}
		}
	})
}

// All zone groups together have a limit, and the rest of the list arrives.
func TestZoneGroupsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := []string{resource("pe-good")}
		for i := range 100 {
			all = append(all, unnamed(fmt.Sprint("pe-", i)))
		}
		fake := &fakeARM{page: func(r *http.Request) string {
			if strings.HasSuffix(r.URL.Path, "/privateEndpoints") {
				return `{"value": [` + strings.Join(all, ",") + `]}`
			}
			return `{"value": []}`
		}}
		fake.do = func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/privateDnsZoneGroups") {
				return silent(r)
			}
			return nil, nil
		}
		begin := time.Now()
		list, err := fake.source().Fetch(t.Context())
		if show(list) != "pe-good.blob.core.windows.net 1" || len(list.Unread) != 100 || err == nil {
			t.Errorf("Fetch = %s, %v, unread %d; want the rest", show(list), err, len(list.Unread))
		}
		if took := time.Since(begin); took > groupsTimeout+time.Second {
			t.Errorf("Fetch took %s; want at most %s", took, groupsTimeout)
		}
	})
}

// A fetch that is canceled while zone groups are read has no list.
func TestCanceledWhileZoneGroupsAreRead(t *testing.T) {
	arm, src := start(t, fakearm.Config{}, hidden("pe-a"))
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Swallow, Path: "privateDnsZoneGroups"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if list, err := src.Fetch(ctx); err == nil || list != nil {
		t.Errorf("Fetch = %s, %v; want an error", show(list), err)
	}
	arm.SetFaults()
	if list, err := src.Fetch(t.Context()); err != nil || show(list) != "pe-a.privatelink.blob.core.windows.net 1" {
		t.Errorf("Fetch = %s, %v; want the name", show(list), err)
	}
}

// A network interface whose endpoint is not listed shows no approval.
func TestInterfaceWithoutItsEndpoint(t *testing.T) {
	a, b := endpoint("pe-a", "a.blob.core.windows.net"), endpoint("pe-b", "b.blob.core.windows.net")
	arm, src := start(t, fakearm.Config{}, a, b)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Body, Path: "privateEndpoints", Value: []byte(`{"value": []}`)})
	list, err := src.Fetch(t.Context())
	if got := show(list); err != nil || got != "-pe-a not_approved; -pe-b not_approved" && got != "-PE-A not_approved; -PE-B not_approved" {
		t.Errorf("Fetch = %s, %v; want nothing served", got, err)
	}
	for _, skip := range list.Skipped {
		if !strings.Contains(skip.Detail, "the private endpoint is not in the listing") {
			t.Errorf("skip = %s; want what is missing", skip)
		}
	}
}
