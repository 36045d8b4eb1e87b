package status

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A large answer is compressed for a client that accepts it, and is the same afterwards.
func TestCompression(t *testing.T) {
	large := strings.Repeat("a vault with names ", 1000)
	for _, tc := range []struct {
		accepted, body string
		want           bool
	}{
		{"gzip", large, true},
		{"gzip, deflate, br", large, true},
		{"br, GZIP;q=0.5", large, true},
		{"", large, false},
		{"br", large, false},
		{"gzip;q=0", large, false},
		{"gzip;q=0.0, br", large, false},
		{"gzip", "a short answer", false},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", tc.accepted)
		newTurns().serve(w, r, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tc.body) }))
		got := w.Body.String()
		if compressed := w.Header().Get("Content-Encoding") == "gzip"; compressed != tc.want {
			t.Errorf("%q, %d octets: compressed %v; want %v", tc.accepted, len(tc.body), compressed, tc.want)
		} else if compressed {
			z, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			octets, err := io.ReadAll(z)
			if got = string(octets); err != nil || w.Body.Len() > len(tc.body)/10 {
				t.Errorf("%q: %d octets, %v; want a tenth of %d at most", tc.accepted, w.Body.Len(), err, len(tc.body))
			}
		}
		if got != tc.body || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: the answer or its header Vary has changed", tc.accepted)
		}
	}
}
