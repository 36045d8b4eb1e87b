package integration

import (
	"crypto/tls"
	"syscall"
	"testing"
)

func serveDoT(t *testing.T, reload string) *server {
	t.Helper()
	s := prepare(t, "tls://.:{$PORT_TLS} {\n    bind 127.0.0.1\n    tls {$DIR}/cert.pem {$DIR}/key.pem\n    any\n}\n"+corefile(reload))
	s.env["UPSTREAM"] = "127.0.0.1:1"
	s.write("vault.json", export(vault...))
	s.renew()
	return s.start()
}

// renew writes a new certificate and returns whether the server has it.
func (s *server) renew() (served func() bool) {
	s.t.Helper()
	cert, key, roots := certificate(s.t)
	s.write("cert.pem", cert)
	s.write("key.pem", key)
	return func() bool {
		conn, err := tls.Dial("tcp", s.addr("_TLS"), &tls.Config{RootCAs: roots, ServerName: "dns.corp.example", MinVersion: tls.VersionTLS12})
		if err != nil {
			return false
		}
		conn.Close()
		return true
	}
}

// A renewed certificate is served after SIGUSR1, and with plugin reload by itself.
// One that does not fit its key changes nothing.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	t.Run("SIGUSR1", func(t *testing.T) {
		t.Parallel()
		s := serveDoT(t, "any")
		s.logs("c0ffee")
		served := s.renew()
		if served() {
			t.Error("the certificate is served before it is loaded")
		}
		s.signal(t, syscall.SIGUSR1)
		eventually(t, "the new certificate", served)
	})
	t.Run("plugin reload", func(t *testing.T) {
		t.Parallel()
		s := serveDoT(t, "reload 2s 0s")
		eventually(t, "the new certificate", s.renew())
		served := s.renew()
		eventually(t, "the certificate after it", served)
		cert, _, _ := certificate(t)
		s.write("cert.pem", cert)
		s.logs(`\[ERROR\] The changed certificate or key is rejected, the old one is served: .*private key does not match public key`)
		if !served() {
			t.Error("the old certificate is not served")
		}
		eventually(t, "a certificate with its key", s.renew())
	})
}
