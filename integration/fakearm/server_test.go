package fakearm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

const (
	sub     = "00000000-0000-0000-0000-000000000000"
	network = "/subscriptions/" + sub + "/providers/Microsoft.Network"
	inGroup = "/subscriptions/" + sub + "/resourceGroups/rg-a/providers/Microsoft.Network"
	version = "?api-version=2024-05-01"
)

// An azure is a server under test, with a client that has a token.
type azure struct {
	*Server
	client *http.Client
	token  string
}

func start(t *testing.T, config Config) *azure {
	t.Helper()
	s, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	a := &azure{Server: s, client: s.Client()}
	t.Cleanup(a.client.CloseIdleConnections)
	a.token, _ = s.issue(Tenant)
	return a
}

// A reply is an answer as it arrived.
type reply struct {
	status int
	header http.Header
	body   string
}

func (a *azure) get(link string) (reply, error) {
	if strings.HasPrefix(link, "/") {
		link = a.URL + link
	}
	r, err := http.NewRequest(http.MethodGet, link, nil)
	if err != nil {
		return reply{}, err
	}
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	return a.do(r)
}

func (a *azure) do(r *http.Request) (reply, error) {
	got, err := a.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return reply{got.StatusCode, got.Header, string(body)}, err
}

// String is status and code of an error in ARM's form, or the status alone.
func (r reply) String() string {
	var body struct{ Error struct{ Code string } }
	if json.Unmarshal([]byte(r.body), &body) != nil {
		body.Error.Code = strings.Split(r.header.Get("Content-Type"), ";")[0]
	}
	return strings.TrimSpace(fmt.Sprint(r.status, " ", body.Error.Code))
}

// list follows the pages of a listing to the end.
func (a *azure) list(t *testing.T, link string) (pages []privateendpoint.Page) {
	t.Helper()
	for link != "" && len(pages) < 1000 {
		r, err := a.get(link)
		if err != nil || r.status != http.StatusOK {
			t.Fatalf("get %s = %v, %v", link, r, err)
		}
		page, err := privateendpoint.Decode([]byte(r.body))
		if err != nil {
			t.Fatalf("decode %s: %v", r.body, err)
		}
		pages, link = append(pages, page), page.Next
	}
	return pages
}

// lines is what pages tell, a line for each resource and for each name.
func lines(pages []privateendpoint.Page) (all []string) {
	for _, p := range pages {
		for _, e := range p.Endpoints {
			name := e.ID[strings.LastIndex(e.ID, "/")+1:]
			all = append(all, strings.Join(strings.Fields(name+" "+e.Status+" "+e.Provisioning), " "))
			for _, c := range e.DNS {
				all = append(all, fmt.Sprint(name, " ", c.FQDN, " ", strings.Join(c.Addresses, " ")))
			}
		}
	}
	return all
}

func TestRequests(t *testing.T) {
	a := start(t, Config{Estate: Estate{sub: {{Name: "pe-a", Group: "rg-a"}, {Name: "pe-b", Group: "rg-b"}}}, PageSize: 1})
	a.SetFaults(Fault{Kind: Forbidden, Path: "NETWORKinterfaces"})
	a.list(t, network+"/privateEndpoints"+version)
	last, _ := a.get(network + "/networkInterfaces" + version)
	if got := last.header.Get("x-ms-ratelimit-remaining-subscription-reads"); got != "" {
		t.Errorf("reads that remain = %s with a fault; want none", got)
	}
	third, _ := a.get(network + "/privateEndpoints" + version)
	if got := third.header.Get("x-ms-ratelimit-remaining-subscription-reads"); got != "11996" {
		t.Errorf("reads that remain = %s; want 11996", got)
	}
	var got []string
	for _, r := range a.Requests() {
		got = append(got, fmt.Sprint(r.Method, " ", r.Path == network+"/privateEndpoints", " ", r.Page, " ", r.Status, " ", r.Fault))
	}
	want := "[GET true 1 200  GET true 2 200  GET false 1 403 403 GET true 1 200 ]"
	if fmt.Sprint(got) != want {
		t.Errorf("Requests = %v; want %s", got, want)
	}
}

func TestLogHasNoSecret(t *testing.T) {
	var mu sync.Mutex
	var log strings.Builder
	a := start(t, Config{Estate: Estate{sub: nil}, Logf: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&log, format+"\n", args...)
	}})
	a.list(t, network+"/privateEndpoints"+version)
	if got := a.askToken(t, a.URL+"/"+Tenant+"/oauth2/v2.0/token", secretForm()); got != "200" {
		t.Fatalf("token = %s; want 200", got)
	}
	everything := log.String() + fmt.Sprint(a.Requests())
	for _, secret := range []string{TokenPrefix, ClientSecret, IdentityHeader} {
		if strings.Contains(everything, secret) {
			t.Errorf("%q in\n%s", secret, everything)
		}
	}
	if !strings.Contains(everything, network+"/privateEndpoints page 1: 200") {
		t.Errorf("log = %s; want the listing in it", everything)
	}
}

func TestLogTellsOfDistrust(t *testing.T) {
	logged := make(chan string, 1)
	a := start(t, Config{Logf: func(format string, args ...any) { logged <- fmt.Sprintf(format, args...) }})
	a.client = &http.Client{Transport: &http.Transport{}}
	if r, err := a.get(network); err == nil {
		t.Errorf("get without the CA = %v; want an error", r)
	}
	if got := <-logged; !strings.Contains(got, "TLS handshake error") {
		t.Errorf("log = %s; want a TLS handshake error", got)
	}
}

func TestUpdateWhileListing(t *testing.T) {
	a := start(t, Config{Estate: Estate{sub: {{Name: "pe-a", Group: "rg-a", Names: []Name{{"a.example", "10.0.0.1"}}}}}})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 20 {
				a.Update(func(e Estate) { e[sub][0].Names[0].IP = fmt.Sprint("10.0.0.", i) })
				a.SetFaults(Fault{Kind: Slow, Count: 1})
				if r, err := a.get(network + "/networkInterfaces" + version); err != nil || r.status != http.StatusOK {
					t.Errorf("get = %v, %v", r, err)
				}
			}
		})
	}
	all.Wait()
}

func TestClose(t *testing.T) {
	a := start(t, Config{Estate: Estate{sub: nil}})
	a.Close()
	if r, err := a.get(network + "/privateEndpoints" + version); err == nil {
		t.Errorf("get after Close = %v; want an error", r)
	}
	a.Close()
}

func TestStartRefuses(t *testing.T) {
	if s, err := Start(Config{Addr: "127.0.0.1:http-of-no-kind"}); err == nil || !strings.HasPrefix(err.Error(), "start the fake Azure: ") {
		t.Errorf("Start = %v, %v; want an error of the address", s, err)
	}
}

// secretForm asks for a token with the client secret.
func secretForm() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {ClientID}, "client_secret": {ClientSecret}, "scope": {"https://arm.example/.default"}}
}
