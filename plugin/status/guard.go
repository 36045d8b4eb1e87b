package status

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// guarded rejects requests that a web page of another origin may have caused. The page
// has no password on the loopback address, and a browser on the machine reaches it:
//
//   - A page whose name resolves to 127.0.0.1 (DNS rebinding) has its own name in the
//     header Host. An IP address there cannot be a rebound name.
//   - A request that a page of another site makes has Sec-Fetch-Site: cross-site. That
//     page cannot read the answer, because there is no CORS header, but it could measure
//     the response time.
//     A link to the page is allowed, because the browser shows it to the user only.
//   - No other site may show an answer in a frame.
func (s *site) guarded() http.Handler {
	turns := newTurns()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, access := w.Header(), s.access.Load()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			fail(w, http.StatusMethodNotAllowed, "only GET and HEAD are allowed")
		case access.encrypted() && r.TLS == nil: // a connection that is older than the reload
			h.Set("Connection", "close")
			fail(w, http.StatusMisdirectedRequest, "the connection is not encrypted, open a new one")
		case !isAddress(r.Host) && !access.isNamed(r.Host):
			fail(w, http.StatusMisdirectedRequest, "the host must be an IP address, localhost or a name of the certificate, as protection against DNS rebinding")
		case !sameSite(r):
			fail(w, http.StatusForbidden, "requests of other sites are not allowed")
		case !access.admits(r):
			h.Set("WWW-Authenticate", `Basic realm="privatelink-dns", charset="UTF-8"`)
			fail(w, http.StatusUnauthorized, "the token is missing or wrong: send it as a Bearer token, or as the password of any user")
		default:
			turns.serve(w, r, s)
		}
	})
}

// isAddress reports whether the host is an IP address or localhost, with or without a
// port.
func isAddress(host string) bool {
	host = withoutPort(host)
	_, err := netip.ParseAddr(host)
	return err == nil || casefold.Equal(host, "localhost")
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		return host[1 : n-1]
	}
	return host
}

// sameSite reports whether no other site made the request. Programs do not send the
// headers.
func sameSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return r.URL.Path == "/" && r.URL.RawQuery == "" && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}
