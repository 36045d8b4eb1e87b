package status

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/page"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

// The page has the sentence, each section, and the answer of a search, without a script.
func TestPage(t *testing.T) {
	addr := freePort(t)
	start(t, with(addr, vault(t, "one")))
	response, body := request(t, "GET", "http://"+addr+"/")
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%s, %v", response.Status, response.Header)
	}
	for _, want := range []string{
		`<span class="level">Warning</span> <a href="#not-served">`, "its connection is Pending",
		"pe-&lt;script&gt;alert(1)&lt;/script&gt; (storageAccounts two) is not approved.",
		"1 name of 2 other resources is served.",
		"approve the connection", "one.blob.core.windows.net", "10.0.0.1", "Version ", "Corefile as read: Corefile",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, m := range regexp.MustCompile(`href="#([a-z-]+)"`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `id="`+m[1]+`"`) {
			t.Errorf("the page has a link to %s, and no such place", m[1])
		}
	}
	for question, want := range map[string]string{
		"ONE.blob.core.windows.net":   "one.blob.core.windows.net is private: 10.0.0.1",
		"two.blob.core.windows.net":   "two.blob.core.windows.net is not private: its endpoint is not served: its connection is Pending",
		"10.0.0.9":                    "10.0.0.9 is the address of no record.",
		"%3Cscript%3Ealert(1)":        "&#39;&lt;&#39; is not allowed in a domain name",
		"*.one.blob.core.windows.net": "&#39;*.one.blob.core.windows.net&#39;</code>",
	} {
		if _, body := request(t, "GET", "http://"+addr+"/?name="+question); !strings.Contains(body, want) {
			t.Errorf("?name=%s lacks %q:\n%s", question, want, body[strings.Index(body, `id="answer"`):][:600])
		}
	}
}

// External input is text, and nothing but the page's own files may load or run.
func TestPageEscapes(t *testing.T) {
	addr := freePort(t)
	start(t, with(addr, vault(t, "one")))
	response, body := request(t, "GET", "http://"+addr+"/?vault=%22%3E%3Cscript%3E&name=%22%3E%3Cscript%3E")
	if strings.Contains(body, "<script>") || !strings.Contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("external input is not escaped")
	}
	if got := response.Header.Get("Content-Security-Policy"); got != page.Policy || strings.Contains(got, "unsafe") {
		t.Errorf("Content-Security-Policy: %s", got)
	}
	if inline := regexp.MustCompile(`(?i)<style|<script[^>]*>[^<]| on[a-z]+=| style=|javascript:`).FindString(body); inline != "" {
		t.Errorf("the page has %q inline", inline)
	}
	for _, m := range regexp.MustCompile(`(?:src|href|action)="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "#") && !strings.HasPrefix(m[1], "?") || strings.HasPrefix(m[1], "//") {
			t.Errorf("the page refers to %s", m[1])
		}
		if strings.HasSuffix(m[1], ".css") || strings.HasSuffix(m[1], ".js") || strings.HasSuffix(m[1], ".svg") {
			response, _ := request(t, "GET", "http://"+addr+m[1])
			if response.StatusCode != 200 || !strings.Contains(response.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %s", m[1], response.Status)
			}
		}
	}
}

// The page and the API have one ETag, which changes with the records only.
func TestETag(t *testing.T) {
	addr := freePort(t)
	old := start(t, with(addr, vault(t, "one")))
	tag := func(path string) string {
		t.Helper()
		response, _ := request(t, "GET", "http://"+addr+path)
		return response.Header.Get("ETag")
	}
	before := tag("/")
	if response, _ := request(t, "GET", "http://"+addr+"/"); response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control: %s", response.Header.Get("Cache-Control"))
	}
	if before == "" || tag("/api/status") != before || tag("/?name=x.example") != before {
		t.Errorf("ETag %q, %q", before, tag("/api/status"))
	}
	response, body := request(t, "GET", "http://"+addr+"/", "If-None-Match: "+before)
	if response.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("with the ETag: %s, %d octets", response.Status, len(body))
	}
	next, err := old.Restart(corefileOf(with(addr, vault(t, "three"))))
	if err != nil {
		t.Fatal(err)
	}
	awaitDNS(t, next)
	if response, _ := request(t, "GET", "http://"+addr+"/", "If-None-Match: "+before); response.StatusCode != 200 {
		t.Errorf("after a change: %s", response.Status)
	}
}

// The API has the content of the page.
func TestStatusAPI(t *testing.T) {
	addr := freePort(t)
	start(t, with(addr, vault(t, "one")))
	_, body := request(t, "GET", "http://"+addr+"/api/status")
	var p view.Page
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %d %d %s %v %d %s", p.Level, p.Names, len(p.Resources), p.Resources[0].Condition, p.Resources[1].Endpoints[0].Names,
		len(p.NotServed), p.NotServed[0].Kind)
	if want := "warning 1 2 not_approved [one.blob.core.windows.net] 1 " + verdict.NotApproved.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !strings.Contains(p.Corefile.Text, "status "+addr) || p.NotServed[0].Since.IsZero() || len(p.Events) == 0 {
		t.Errorf("%s", body)
	}
	key := p.Resources[1].Key
	_, body = request(t, "GET", "http://"+addr+"/api/status?vault="+key)
	var one view.Page
	if err := json.Unmarshal([]byte(body), &one); err != nil || one.Kept == 0 || one.Kept >= p.Kept {
		t.Errorf("events of a vault: %d of %d, %v", one.Kept, p.Kept, err)
	}
}

// Every field of /api/status is in the README.
func TestAPIIsDocumented(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	var check func(of reflect.Type)
	check = func(of reflect.Type) {
		for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || seen[of] || of == reflect.TypeFor[time.Time]() {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "-" || !f.IsExported() {
				continue
			}
			if name != "" && !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("README.md lacks the field %s of %s", name, of)
			}
			check(f.Type)
		}
	}
	check(reflect.TypeFor[view.Page]())
	if len(seen) < 15 {
		t.Errorf("only %d types", len(seen))
	}
}
