package integration

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// encrypted is a Corefile with a listener for each transport.
const encrypted = `
(common) {
    bind 127.0.0.1
    errors
    acl blocked.corp.example {
        block
    }
    privatelink {
        geo we
        files {$DIR}/*.json
    }
    forward . {$UPSTREAM}
}
(certificate) {
    tls {$DIR}/cert.pem {$DIR}/key.pem
}
.:{$PORT} {
    import common
}
tls://.:{$PORT_TLS} {
    import certificate
    import common
}
https://.:{$PORT_HTTPS} {
    import certificate
    import common
}
quic://.:{$PORT_QUIC} {
    import certificate
    import common
}
`

// serveEncrypted starts the binary with a listener for each transport. The pool holds
// the certificate that a client must trust.
func serveEncrypted(t testing.TB) (*server, *fakedns.Server, *x509.CertPool) {
	t.Helper()
	upstream := azure(t)
	s := prepare(t, encrypted)
	s.env["UPSTREAM"] = upstream.Addr
	s.write("vault.json", export(vault...))
	cert, key, roots := certificate(t)
	s.write("cert.pem", cert)
	s.write("key.pem", key)
	return s.start(), upstream, roots
}

func TestEncryptedListeners(t *testing.T) {
	t.Parallel()
	s, upstream, roots := serveEncrypted(t)
	trust := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}

	for name, exchange := range map[string]func(*dns.Msg) (*dns.Msg, error){
		"DoT":         func(q *dns.Msg) (*dns.Msg, error) { return overTLS(trust, s.addr("_TLS"), q) },
		"DoH by POST": func(q *dns.Msg) (*dns.Msg, error) { return overHTTPS(trust, s.addr("_HTTPS"), http.MethodPost, q) },
		"DoH by GET":  func(q *dns.Msg) (*dns.Msg, error) { return overHTTPS(trust, s.addr("_HTTPS"), http.MethodGet, q) },
		"DoQ":         func(q *dns.Msg) (*dns.Msg, error) { return overQUIC(trust, s.addr("_QUIC"), q) },
	} {
		for _, tt := range []struct {
			name, qname string
			qtype       uint16
			change      func(*dns.Msg)
			want        string
		}{
			{"vault name", fc1, dns.TypeA, nil, "NOERROR aa ra: A 10.20.0.4"},
			{"alias", blob, dns.TypeA, nil, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
			{"alias, AAAA", blob, dns.TypeAAAA, nil, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."},
			{"missing vault name", "none.privatelink.we.backup.windowsazure.com", dns.TypeA, nil, "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
			{"splice", "direct.corp.example", dns.TypeA, nil, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
			{"foreign name", "www.corp.example", dns.TypeA, nil, "NOERROR ra: A 198.51.100.80, A 198.51.100.81"},
			{"blocked name", "blocked.corp.example", dns.TypeA, nil, "REFUSED: EDE 15 (Blocked)"},
			{"RD=0 for a foreign name", "www.corp.example", dns.TypeA, func(q *dns.Msg) { q.RecursionDesired = false }, "REFUSED:"},
			{"transfer", "privatelink.blob.core.windows.net", dns.TypeAXFR, nil, "REFUSED:"},
			{"class CH", "version.bind", dns.TypeTXT, func(q *dns.Msg) { q.Question[0].Qclass = dns.ClassCHAOS }, "REFUSED:"},
			{"NOTIFY", "privatelink.blob.core.windows.net", dns.TypeSOA, func(q *dns.Msg) { q.Opcode = dns.OpcodeNotify }, "NOTIMP:"},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				q := question(tt.qname, tt.qtype)
				q.Id = 0 // required by RFC 9250, 4.2.1 and recommended by RFC 8484, 4.1
				if tt.change != nil {
					tt.change(q)
				}
				m, err := exchange(q)
				if err != nil {
					t.Fatal(err)
				}
				if got := summary(m); got != tt.want || m.Id != 0 {
					t.Errorf("%s over %s\n got %s, ID %d\nwant %s, ID 0", tt.qname, name, got, m.Id, tt.want)
				}
			})
		}
	}
	for _, name := range []string{"blocked.corp.example", "version.bind"} {
		if n := upstream.Asked(name); n != 0 {
			t.Errorf("upstream received %d queries for %s; want 0", n, name)
		}
	}
}

// An answer with 30 addresses exceeds 512 octets. CoreDNS treats DoQ like UDP and
// truncates to the client's EDNS size. The other transports carry the whole answer.
func TestLargeAnswerEncrypted(t *testing.T) {
	t.Parallel()
	s, _, roots := serveEncrypted(t)
	trust := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	const name = "large.queue.core.windows.net"
	sized := question(name, dns.TypeA).SetEdns0(dns.MaxMsgSize, false)
	for _, tt := range []struct {
		name     string
		exchange func(*dns.Msg) (*dns.Msg, error)
		q        *dns.Msg
		tc       bool
	}{
		{"DoT", func(q *dns.Msg) (*dns.Msg, error) { return overTLS(trust, s.addr("_TLS"), q) }, question(name, dns.TypeA), false},
		{"DoH", func(q *dns.Msg) (*dns.Msg, error) { return overHTTPS(trust, s.addr("_HTTPS"), http.MethodPost, q) }, question(name, dns.TypeA), false},
		{"DoQ without EDNS", func(q *dns.Msg) (*dns.Msg, error) { return overQUIC(trust, s.addr("_QUIC"), q) }, question(name, dns.TypeA), true},
		{"DoQ", func(q *dns.Msg) (*dns.Msg, error) { return overQUIC(trust, s.addr("_QUIC"), q) }, sized, false},
	} {
		tt.q.Id = 0
		m, err := tt.exchange(tt.q)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if n := len(m.Answer) - 1; m.Truncated != tt.tc || tt.tc == (n == len(strings.Fields(many))) {
			t.Errorf("%s: TC %v, %d addresses; want TC %v", tt.name, m.Truncated, n, tt.tc)
		}
	}
}

func overTLS(trust *tls.Config, addr string, q *dns.Msg) (*dns.Msg, error) {
	m, _, err := (&dns.Client{Net: "tcp-tls", TLSConfig: trust, Timeout: processTimeout}).Exchange(q, addr)
	return m, err
}

func overHTTPS(trust *tls.Config, addr, method string, q *dns.Msg) (*dns.Msg, error) {
	wire, err := q.Pack()
	if err != nil {
		return nil, err
	}
	url, body := "https://"+addr+"/dns-query", bytes.NewReader(wire)
	if method == http.MethodGet {
		url, body = url+"?dns="+base64.RawURLEncoding.EncodeToString(wire), bytes.NewReader(nil)
	}
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/dns-message")
	req.Header.Set("Accept", "application/dns-message")
	transport := &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: processTimeout}).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "application/dns-message" || resp.ProtoMajor != 2 {
		return nil, fmt.Errorf("%s %s %q; want HTTP/2, 200 and a DNS message", resp.Proto, resp.Status, got)
	}
	wire, err = io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	return m, m.Unpack(wire)
}

// overQUIC sends the query, with its length first, on its own stream (RFC 9250, 4.2).
func overQUIC(trust *tls.Config, addr string, q *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(context.Background(), processTimeout)
	defer cancel()
	trust = trust.Clone()
	trust.NextProtos, trust.MinVersion = []string{"doq"}, tls.VersionTLS13
	conn, err := quic.DialAddr(ctx, addr, trust, nil)
	if err != nil {
		return nil, err
	}
	defer conn.CloseWithError(0, "") //nolint:errcheck // DOQ_NO_ERROR
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	wire, err := q.Pack()
	if err != nil {
		return nil, err
	}
	wire = append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	if _, err := stream.Write(wire); err != nil {
		return nil, err
	}
	if err := stream.Close(); err != nil {
		return nil, err
	}
	wire, err = io.ReadAll(stream)
	if err != nil {
		return nil, err
	}
	if len(wire) < 2 || int(binary.BigEndian.Uint16(wire)) != len(wire)-2 {
		return nil, fmt.Errorf("%d bytes without a valid length prefix", len(wire))
	}
	m := new(dns.Msg)
	return m, m.Unpack(wire[2:])
}

// certificate returns a self-signed certificate for 127.0.0.1 and its key, as PEM.
func certificate(t testing.TB) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "privatelink-dns test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"dns.corp.example"},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER}))
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(cert))
	return cert, key, roots
}
