package status

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

func TestWhy(t *testing.T) {
	addr := freePort(t)
	start(t, with(addr, vault(t, "one")))
	for _, tt := range []struct {
		name, question string
		code           int
		want           string
	}{
		{"a public name", "one.blob.core.windows.net", 200, "served 3 [10.0.0.1]"},
		{"upper case with a dot, and blanks", "%20ONE.privatelink.blob.core.windows.net.", 200, "served 1 [10.0.0.1]"},
		{"an address", "10.0.0.1", 200, "served 1 [10.0.0.1]"},
		{"an address in IPv6 form", "::ffff:10.0.0.1", 200, "served 1 [10.0.0.1]"},
		{"an address that no record has", "10.0.0.2", 200, ""},
		{"an endpoint that is not approved", "two.blob.core.windows.net", 200, "not_approved 4 []"},
		{"not a name", "a%0Ab", 400, `name: "a\nb": '\n' is not allowed in a domain name`},
		{"no name", "", 400, "name: the domain name is empty"},
		{"a long text", strings.Repeat("a", 301), 400, `name: "` + strings.Repeat("a", 40) + `"… is too long: a domain name has at most 253 characters`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response, body := request(t, "GET", "http://"+addr+"/api/why?name="+tt.question)
			var found struct {
				verdict.Why
				Error string
			}
			if err := json.Unmarshal([]byte(body), &found); err != nil || response.StatusCode != tt.code {
				t.Fatalf("%s: %s, %v", response.Status, body, err)
			}
			got := found.Error
			for _, f := range found.Found {
				got += fmt.Sprintf("%s %d %v", f.Kind, f.Step, f.Addrs)
			}
			if got != tt.want {
				t.Errorf("got %s; want %s", got, tt.want)
			}
		})
	}
}

// What comes from outside is text, also for a program that takes the answer for HTML.
func TestEscaping(t *testing.T) {
	addr := freePort(t)
	start(t, with(addr, vault(t, "one")))
	response, body := request(t, "GET", "http://"+addr+"/api/why?name=two.blob.core.windows.net")
	if strings.Contains(body, "<") || !strings.Contains(body, `script\u003e`) || response.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%v\n%s", response.Header, body)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Access-Control-Allow-Origin": "",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q; want %q", name, got, want)
		}
	}
}

// A web page of another origin gets nothing.
func TestGuard(t *testing.T) {
	addr := freePort(t)
	_, port, _ := net.SplitHostPort(addr)
	start(t, with(addr, vault(t, "one")))
	for _, tt := range []struct {
		name, method, header string
		want                 int
	}{
		{"a program", "GET", "", 200},
		{"HEAD", "HEAD", "", 200},
		{"localhost", "GET", "Host: LocalHost:" + port, 200},
		{"an IPv6 address", "GET", "Host: [::1]:" + port, 200},
		{"an IPv6 address without a port", "GET", "Host: [::1]", 200},
		{"a rebound name", "GET", "Host: evil.example:" + port, 421},
		{"a name that looks like an address", "GET", "Host: 127.0.0.1.evil.example", 421},
		{"a page of the same origin", "GET", "Sec-Fetch-Site: same-origin", 200},
		{"the address bar", "GET", "Sec-Fetch-Site: none", 200},
		{"a page of another site", "GET", "Sec-Fetch-Site: cross-site", 403},
		{"a page of another port", "GET", "Sec-Fetch-Site: same-site", 403},
		{"POST", "POST", "", 405},
		{"a preflight request", "OPTIONS", "Origin: https://evil.example", 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var headers []string
			if tt.header != "" {
				headers = append(headers, tt.header)
			}
			response, body := request(t, tt.method, "http://"+addr+"/api/why?name=one.blob.core.windows.net", headers...)
			if response.StatusCode != tt.want || tt.want != 200 && strings.Contains(body, "10.0.0.1") {
				t.Errorf("%s: %s; want %d", response.Status, body, tt.want)
			}
		})
	}
	for _, tt := range []struct {
		name, path, mode, dest string
		want                   int
	}{
		{"a link of another site to the page", "/", "navigate", "document", 200},
		{"a link with a question", "/?name=one.blob.core.windows.net", "navigate", "document", 403},
		{"a frame of another site", "/", "navigate", "iframe", 403},
		{"a link to the API", "/api/status", "navigate", "document", 403},
		{"an image of another site", "/", "no-cors", "image", 403},
	} {
		headers := []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: " + tt.mode, "Sec-Fetch-Dest: " + tt.dest}
		if response, _ := request(t, "GET", "http://"+addr+tt.path, headers...); response.StatusCode != tt.want {
			t.Errorf("%s: %s; want %d", tt.name, response.Status, tt.want)
		}
	}
	if response, body := request(t, "GET", "http://"+addr+"/other"); response.StatusCode != 404 {
		t.Errorf("%s: %s", response.Status, body)
	}
}

// The address stays open during a reload, and the answers are those of the instance
// that serves.
func TestReload(t *testing.T) {
	addr := freePort(t)
	old := start(t, with(addr, vault(t, "one")))
	client := &http.Client{Transport: &http.Transport{}} // keeps its connection
	kind := func(name string) verdict.Kind {
		t.Helper()
		response, err := client.Get("http://" + addr + "/api/why?name=" + name + ".blob.core.windows.net")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var why verdict.Why
		if err := json.NewDecoder(response.Body).Decode(&why); err != nil || len(why.Found) != 1 {
			t.Fatalf("%+v, %v", why, err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		return why.Found[0].Kind
	}
	if got := kind("one"); got != verdict.Served {
		t.Errorf("before: %s", got)
	}
	if _, err := old.Restart(corefileOf(with(addr, "privatelink {\n    unknown\n    }"))); err == nil || kind("one") != verdict.Served {
		t.Errorf("after a failed reload: %v, %s", err, kind("one"))
	}
	next, err := old.Restart(corefileOf(with(addr, vault(t, "three"))))
	if err != nil {
		t.Fatal(err)
	}
	awaitDNS(t, next)
	if one, three := kind("one"), kind("three"); one == verdict.Served || three != verdict.Served {
		t.Errorf("after the reload: one %s, three %s", one, three)
	}
	if next, err = next.Restart(corefileOf(vault(t, "one"))); err != nil {
		t.Fatal(err)
	}
	awaitDNS(t, next)
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Errorf("%s is open although the Corefile has no status any more", addr)
	}
}

// A port in use stops neither a start nor a reload, and the next reload has the port.
func TestPortInUse(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	addr := other.Addr().String()
	old := start(t, with(addr, vault(t, "one")))
	other.Close()
	next, err := old.Restart(corefileOf(with(addr, vault(t, "one"))))
	if err != nil {
		t.Fatal(err)
	}
	awaitDNS(t, next)
	if response, body := request(t, "GET", "http://"+addr+"/api/why?name=10.0.0.1"); response.StatusCode != 200 {
		t.Errorf("%s: %s", response.Status, body)
	}
}

func TestSetup(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"status 127.0.0.1", `plugin/status: Corefile:3 - Error during parsing: status: "127.0.0.1" is not an address with a port, such as 127.0.0.1:8053`},
		{"status hub:8053", `plugin/status: Corefile:3 - Error during parsing: status: "hub:8053": "hub" is not an IP address`},
		{"status :http", `plugin/status: Corefile:3 - Error during parsing: status: ":http": port "http" is not a number from 0 to 65535`},
		{"status a b", `plugin/status: Corefile:3 - Error during parsing: status: 2 values, one is expected`},
		{"status {\n tls cert.pem\n}", `plugin/status: Corefile:4 - Error during parsing: tls: 1 values, the syntax is: tls CERT KEY`},
		{"status {\n token\n}", `plugin/status: Corefile:4 - Error during parsing: token: no value, one is expected`},
		{"status {\n token a\n token b\n}", `plugin/status: Corefile:5 - Error during parsing: token: specified more than once`},
		{"status {\n peer\n}", `plugin/status: Corefile:4 - Error during parsing: peer: no value, one address or several are expected`},
		{"status {\n peer hub\n}", `plugin/status: Corefile:4 - Error during parsing: peer: "hub" is not the address of a DNS server, such as 10.0.0.5 or 10.0.0.5:53`},
		{"status {\n peer 10.0.0.1:0\n}", `plugin/status: Corefile:4 - Error during parsing: peer: "10.0.0.1:0" is not the address of a DNS server, such as 10.0.0.5 or 10.0.0.5:53`},
		{"status {\n cors\n}", `plugin/status: Corefile:4 - Error during parsing: cors: unknown property, the known ones are peer, tls, token`},
		{"status\n}\na.example:0 {\nstatus {\n token t\n}", `plugin/status: Corefile:8 - Error during parsing: status: another server block has 127.0.0.1:8053 ` +
			`with other properties: write the same ones, or another address`},
		{"status\nstatus", `plugin/status: Corefile:4 - Error during parsing: status: specified more than once in a server block`},
	} {
		if err := caddy.ValidateAndExecuteDirectives(corefileOf(tt.in), nil, true); err == nil || err.Error() != tt.want {
			t.Errorf("%q\n got %v\nwant %s", tt.in, err, tt.want)
		}
	}
}

func addressesOf(corefile caddy.Input) (all []string) {
	for _, s := range Servers(corefile) {
		all = append(all, s.Address)
	}
	return all
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"status", "[127.0.0.1:8053]"},
		{"status :80", "[127.0.0.1:80]"},
		{"status 0.0.0.0:80", "[127.0.0.1:80]"},
		{"status [::1]:80", "[[::1]:80]"},
		{"status 10.0.0.1:80", "[10.0.0.1:80]"},
		{"status nonsense", "[]"},
		{"privatelink", "[]"},
	} {
		if got := fmt.Sprint(addressesOf(corefileOf(tt.in))); got != tt.want {
			t.Errorf("Addresses(%s) = %s; want %s", tt.in, got, tt.want)
		}
	}
}

// Only a loopback address is not warned about.
func TestHostOf(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.1.2.3:1": true, "[::1]:1": true, ":1": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "[fd00::1]:1": false,
	} {
		if got := hostOf(address).IsLoopback(); got != want {
			t.Errorf("hostOf(%s) is loopback: %v; want %v", address, got, want)
		}
	}
}
