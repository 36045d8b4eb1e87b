package why

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/status"
)

// A server with tls and token is asked with its own certificate and token, and no other
// server gets the token.
func TestSecureServer(t *testing.T) {
	const token = "a-token-of-the-tests"
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error": "the token is missing"}`)) // the client has gone
			return
		}
		_, _ = w.Write([]byte(`{"question": "a.example", "found": []}`)) // the client has gone
	})
	server := httptest.NewTLSServer(handler)
	defer server.Close()
	folder := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own := write("own.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	other := write("other.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("other")}))
	right, wrong := write("token", []byte(token)), write("wrong", []byte(token+"x"))
	for _, tt := range []struct{ name, cert, token, want string }{
		{"certificate and token", own, right, ""},
		{"a wrong token", own, wrong, "401 Unauthorized: the token is missing"},
		{"another certificate", other, right, "it has another certificate than " + other},
		{"a certificate that is not one", right, right, "it is not a certificate in PEM"},
		{"no certificate file", folder + "/missing", right, "no such file"},
		{"no token file", own, folder + "/missing", "no such file"},
	} {
		_, err := askServer(t.Context(), status.Server{Address: server.Listener.Addr().String(), Cert: tt.cert, Token: tt.token}, []string{"a.example"})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}
