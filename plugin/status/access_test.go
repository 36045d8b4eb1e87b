package status

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	golog "log"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const token = "a-token-of-the-tests"

// writeFiles writes a certificate for hub.example, its key and a token, and returns the
// properties for them.
func writeFiles(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"hub.example"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.ToSlash(t.TempDir())
	for name, text := range map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"token": []byte(token + "\n"),
	} {
		if err := os.WriteFile(folder+"/"+name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("tls %s/cert.pem %[1]s/key.pem\n        token %[1]s/token", folder)
}

// capture has the log written to w until the function is called.
func capture(w io.Writer) (restore func()) {
	golog.SetOutput(w)
	return func() { golog.SetOutput(os.Stderr) }
}

func withBlock(addr, properties, directives string) string {
	return "status " + addr + " {\n        " + properties + "\n    }\n    " + directives
}

// secure sends a request over TLS.
func secure(t *testing.T, client *http.Client, url string, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	response, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // the certificate is the test's own
}

func TestAccess(t *testing.T) {
	addr := freePort(t)
	start(t, withBlock(addr, writeFiles(t), vault(t, "one")))
	bearer := func(text string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+text) }
	}
	host := func(name string) func(*http.Request) {
		return func(r *http.Request) { bearer(token)(r); r.Host = name }
	}
	client := newClient()
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"no token", func(*http.Request) {}, 401},
		{"a wrong token", bearer(token + "x"), 401},
		{"an empty token", bearer(""), 401},
		{"the token", bearer(token), 200},
		{"the token as a password", func(r *http.Request) { r.SetBasicAuth("admin", token) }, 200},
		{"the token as a user", func(r *http.Request) { r.SetBasicAuth(token, "") }, 401},
		{"a name of the certificate", host("hub.example:8053"), 200},
		{"a name that is not in the certificate", host("evil.example"), 421},
	} {
		for _, path := range []string{"/", "/api/status", "/api/why?name=one.blob.core.windows.net"} {
			if code, body := secure(t, client, "https://"+addr+path, tt.change); code != tt.want || code != 200 && strings.Contains(body, "10.0.0.1") {
				t.Errorf("%s: %s: %d, %s; want %d", tt.name, path, code, body, tt.want)
			}
		}
	}
	if code, body := secure(t, client, "http://"+addr+"/", bearer(token)); code == 200 || strings.Contains(body, "10.0.0.1") {
		t.Errorf("without TLS: %d, %s", code, body)
	}
}

// A reload changes the access, also for connections that are open.
func TestAccessReload(t *testing.T) {
	addr, client := freePort(t), newClient()
	plain := func(*http.Request) {}
	old := start(t, with(addr, vault(t, "one")))
	if code, body := secure(t, client, "http://"+addr+"/api/status", plain); code != 200 {
		t.Fatalf("before: %d, %s", code, body)
	}
	next, err := old.Restart(corefileOf(withBlock(addr, writeFiles(t), vault(t, "one"))))
	if err != nil {
		t.Fatal(err)
	}
	awaitDNS(t, next)
	if code, body := secure(t, client, "http://"+addr+"/api/status", plain); code != 421 {
		t.Errorf("with the old connection: %d, %s; want 421", code, body)
	}
	if code, _ := secure(t, client, "https://"+addr+"/api/status", plain); code != 401 {
		t.Errorf("with TLS: %d; want 401", code)
	}
	if next, err = next.Restart(corefileOf(with(addr, vault(t, "one")))); err != nil {
		t.Fatal(err)
	}
	awaitDNS(t, next)
	if code, body := secure(t, newClient(), "http://"+addr+"/api/status", plain); code != 200 {
		t.Errorf("plain again: %d, %s", code, body)
	}
}

// A file that cannot be used turns the site off, and never opens it. DNS works.
func TestInvalidFiles(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.ToSlash(filepath.Join(folder, name))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ name, properties, want string }{
		{"no certificate", "tls " + folder + "/missing.pem " + folder + "/missing.pem", "tls: open "},
		{"no token file", "token " + folder + "/missing", "token: open "},
		{"a short token", "token " + write("short", "secret\n"), "a token has at least 16 characters, this one has 6"},
		{"an empty token file", "token " + write("empty", ""), "token: "},
		{"two lines", "token " + write("lines", token+"\n"+token), "blanks and newlines are not allowed in a token"},
		{"a long token", "token " + write("long", strings.Repeat("x", 5000)), "a token has at most 4095 characters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			restore := capture(&out)
			addr := freePort(t)
			start(t, withBlock(addr, filepath.ToSlash(tt.properties), vault(t, "one")))
			restore()
			if code, _ := secure(t, newClient(), "http://"+addr+"/", func(*http.Request) {}); code != 0 {
				t.Errorf("the site is open: %d", code)
			}
			if !strings.Contains(out.String(), "Off, DNS is not affected: ") || !strings.Contains(out.String(), tt.want) {
				t.Errorf("the log is %s; want %q", out.String(), tt.want)
			}
		})
	}
}

// An address that others reach needs tls and token, or it is warned about.
func TestWarning(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  config
		want bool
	}{
		{"a loopback address", config{address: "127.0.0.1:0"}, false},
		{"all addresses", config{address: "[::]:0"}, true},
		{"with tls only", config{address: "0.0.0.0:0", cert: "c", key: "k"}, true},
		{"with a token only", config{address: "0.0.0.0:0", token: "t"}, true},
		{"with both", config{address: "10.0.0.1:0", cert: "c", key: "k", token: "t"}, false},
	} {
		var out bytes.Buffer
		restore := capture(&out)
		warnOfOthers(tt.cfg)
		restore()
		if got := strings.Contains(out.String(), "Other machines may reach "); got != tt.want {
			t.Errorf("%s: warning %v; want %v", tt.name, got, tt.want)
		}
	}
}
