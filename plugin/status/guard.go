package status

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// parallel bounds the requests that are answered at a time, so that the page takes no
// CPU time that DNS needs. Further requests wait for their turn.
const parallel = 2

// guarded rejects requests that a web page of another origin may have caused. The API
// has no password on the loopback address, and a browser on the machine reaches it:
//
//   - A page whose name resolves to 127.0.0.1 (DNS rebinding) has its own name in the
//     header Host. An IP address there cannot be a rebound name.
//   - A request that a page of another site makes has Sec-Fetch-Site: cross-site. The
//     page could not read the answer, because there is no CORS header, but its time.
//   - No other site may show an answer in a frame.
func guarded(next http.Handler) http.Handler {
	turns := make(chan struct{}, parallel)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			fail(w, http.StatusMethodNotAllowed, "only GET and HEAD are allowed")
			return
		case !isAddress(r.Host):
			fail(w, http.StatusMisdirectedRequest, "the host must be an IP address or localhost, as protection against DNS rebinding")
			return
		case !sameSite(r.Header.Get("Sec-Fetch-Site")):
			fail(w, http.StatusForbidden, "requests of other sites are not allowed")
			return
		}
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// isAddress reports whether the host is an IP address or localhost, with or without a
// port.
func isAddress(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	_, err := netip.ParseAddr(host)
	return err == nil || casefold.Equal(host, "localhost")
}

// sameSite reports whether no other site made the request. Programs do not send the
// header.
func sameSite(header string) bool { return header == "" || header == "none" || header == "same-origin" }
