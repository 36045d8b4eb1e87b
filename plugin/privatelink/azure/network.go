package azure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// A proxyError is a proxy that does not connect.
type proxyError struct {
	proxy  string
	status int
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s %s to CONNECT", e.proxy, answers(e.status))
}

// answers returns "answers 410 (Gone)".
func answers(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("answers %d (%s)", status, text)
	}
	return fmt.Sprintf("answers %d", status)
}

// WSAECONNREFUSED and other errors of Windows have numbers that no other system has.
const (
	windowsRefused     = syscall.Errno(10061)
	windowsUnreachable = syscall.Errno(10051)
	windowsNoRoute     = syscall.Errno(10065)
)

const firewall = "check the firewall and the proxy between this server and Azure"

// networkCause returns why a request to host had no response, and the remedy. The texts
// have neither times nor local ports, so that they are the same for each attempt.
func networkCause(err error, host string) (cause, remedy string, ok bool) {
	var proxy *proxyError
	var operation *net.OpError
	switch {
	case errors.As(err, &proxy) && proxy.status == http.StatusProxyAuthRequired:
		return proxy.Error(), "the proxy requires a user and a password: set them in HTTPS_PROXY, or let the server reach " + host + " without it (NO_PROXY)", true
	case errors.As(err, &proxy):
		return proxy.Error(), "allow " + host + " in the proxy, or let the server reach it without (NO_PROXY)", true
	case errors.As(err, &operation) && operation.Op == "proxyconnect":
		at := "the proxy"
		if inner := (*net.OpError)(nil); errors.As(operation.Err, &inner) && inner.Addr != nil {
			at += " " + inner.Addr.String()
		}
		cause, _, ok = connectionCause(operation.Err, at)
		return cause, "check HTTPS_PROXY", ok
	}
	if cause, remedy, ok = certificateCause(err, host); ok {
		return cause, remedy, ok
	}
	return connectionCause(err, host)
}

// certificateCause names the fault of a certificate. The texts of crypto/x509 have the
// time in them.
func certificateCause(err error, host string) (cause, remedy string, ok bool) {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		cause = "the certificate of " + host + " is signed by an unknown authority (CA)"
		if unknown.Cert != nil && unknown.Cert.Issuer.String() != "" {
			cause += fmt.Sprintf(", %.80q", unknown.Cert.Issuer.String())
		}
		return cause, "if a proxy inspects TLS, install its CA certificate on this machine, or exempt " + host + " from inspection", true
	case errors.As(err, &name):
		return "the certificate of " + host + " is for another name", "check what the name resolves to, and the proxy", true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate of " + host + " has expired or is not valid yet", "check the clock of this machine, and the proxy", true
	case errors.As(err, &invalid):
		return "the certificate of " + host + " is not valid: " + x509.CertificateInvalidError{Reason: invalid.Reason}.Error(), "check the proxy", true
	}
	return "", "", false
}

func connectionCause(err error, host string) (cause, remedy string, ok bool) {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the name " + dns.Name + " does not resolve", "check the resolver of this machine, and the property cloud or AZURE_AUTHORITY_HOST", true
	case errors.As(err, &dns):
		return "the resolver of this machine does not answer for " + dns.Name, "check its resolver; it must not be this server alone", true
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, windowsRefused):
		return host + " refuses the connection", firewall, true
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, windowsUnreachable), errors.Is(err, windowsNoRoute):
		return host + " is not reachable", "check the routes of this machine", true
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return host + " does not answer", firewall, true
	case errors.As(err, new(tls.RecordHeaderError)), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return host + " does not answer with TLS", firewall, true
	}
	return "", "", false
}

// permanently marks an error that the next attempt would have as well, so that
// azcore does not retry it.
func permanently(err error) error {
	var proxy *proxyError
	if _, _, bad := certificateCause(err, ""); bad || errors.As(err, &proxy) && proxy.status < http.StatusInternalServerError {
		return permanentError{err}
	}
	return err
}
