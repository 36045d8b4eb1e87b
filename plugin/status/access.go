package status

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// An access is how clients reach a site. The zero value is for plain HTTP without a
// token.
type access struct {
	config *tls.Config
	leaf   *x509.Certificate
	token  []byte // its hash, or nil
}

// minToken is the length of the shortest token, in octets. A shorter one can be guessed.
const minToken = 16

// newAccess reads the files of the properties.
func newAccess(c config) (*access, error) {
	a := &access{}
	if c.cert != "" {
		pair, err := tls.LoadX509KeyPair(c.cert, c.key)
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		if a.leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		a.config = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	}
	if c.token == "" {
		return a, nil
	}
	token, err := ReadToken(c.token)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	sum := sha256.Sum256([]byte(token))
	a.token = sum[:]
	return a, nil
}

// ReadToken returns the token in a file: its text without blanks and newlines around it.
func ReadToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text := make([]byte, 4096)
	n, err := file.Read(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	token := bytes.TrimSpace(text[:n])
	switch {
	case len(token) < minToken:
		return "", fmt.Errorf("%s: a token has at least %d characters, this one has %d", path, minToken, len(token))
	case n == len(text):
		return "", fmt.Errorf("%s: a token has at most %d characters", path, len(text)-1)
	case bytes.ContainsAny(token, " \t\r\n"):
		return "", fmt.Errorf("%s: blanks and newlines are not allowed in a token", path)
	}
	return string(token), nil
}

func (a *access) encrypted() bool { return a != nil && a.config != nil }

// isNamed reports whether the host is a name of the certificate. The browser has
// verified it, so that it is not a rebound name.
func (a *access) isNamed(host string) bool {
	return a.encrypted() && a.leaf.VerifyHostname(withoutPort(host)) == nil
}

// admits reports whether the request has the token, if there is one.
func (a *access) admits(r *http.Request) bool {
	if a == nil || a.token == nil {
		return true
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		_, token, _ = r.BasicAuth()
	}
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], a.token) == 1
}

// A switchedListener encrypts the connections if the site has a certificate, which a
// reload may change.
type switchedListener struct {
	net.Listener
	site *site
}

// Accept implements net.Listener.
func (l *switchedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if access := l.site.access.Load(); access.encrypted() {
		return tls.Server(conn, access.config), nil
	}
	return conn, nil
}
