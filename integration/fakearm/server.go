// Package fakearm is an Azure for tests, and to try live sync by hand: Azure
// Resource Manager (ARM), the authority that gives its tokens, and the managed
// identity endpoints. They listen on the loopback address, with a certificate
// authority (CA) of their own.
//
// The endpoints are in an estate file, which is read again when it changes:
//
//	{
//	  "subscriptions": {
//	    "00000000-0000-0000-0000-000000000000": [        its private endpoints
//	      {
//	        "name": "pe-vault-we", "group": "rg-backup",
//	        "vnet": "vnet-hub",             a name in the same group, or a whole ID
//	        "status": "Approved",           default; Pending, Rejected, Disconnected
//	        "provisioning": "Succeeded",    default; Updating, Failed, …
//	        "manual": true,                 the connection is in the manual list
//	        "zoneGroup": true,              has a zone group, so no customDnsConfigs
//	        "noNic": true,                  its network interface is not listed
//	        "names": [{"fqdn": "acct.blob.core.windows.net", "ip": "10.20.0.12"}]
//	      }
//	    ]
//	  },
//	  "subscriptionSettings": {"00000000-…": {"name": "sub-hub", "managedBy": ["a tenant, by Lighthouse"], "noRole": true}},
//	  "managementGroups": {"mg-root": ["mg-corp", "00000000-…"], "mg-corp": []},
//	  "faults": [{"kind": "500", "path": "/privateEndpoints", "page": 2, "count": 1}]
//	}
//
// Names show where Azure shows them: in customDnsConfigs as they are written, if
// the endpoint is approved, provisioned and without a zone group; in the zone
// group in their privatelink form; in the network interface in their public form.
// The keys of a fault are those of Fault, its kinds the constants of Kind.
//
// A client process trusts the CA by SSL_CERT_FILE, which Go heeds on Linux and
// BSD, not on macOS and Windows. IDENTITY_ENDPOINT moves the App Service identity
// to here. Nothing moves the identity of a virtual machine (IMDS): it is never asked
// through a proxy, so that a test of it needs a transport of its own.
package fakearm

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The identities that the authority knows. They are not secret: they open nothing but
// this server.
const (
	Tenant         = "11111111-1111-1111-1111-111111111111"
	ClientID       = "22222222-2222-2222-2222-222222222222"
	ClientSecret   = "fakearm-client-secret"
	IdentityHeader = "fakearm-identity-header"
	// TokenPrefix begins every token, to look for tokens where none may be.
	TokenPrefix = "fakearm-token-"
)

// A Config is the configuration of a server. The zero value is an Azure without subscriptions.
type Config struct {
	Addr       string // host:port of ARM and authority; "" is a port of 127.0.0.1 that the system chooses
	Estate     Estate
	EstateFile string // in place of Estate; its faults take the place of SetFaults whenever it changes
	Directory  Directory
	Clients    []Client // applications beside the one of Env

	PageSize  int  // resources on a page; 0 is 50
	EmptyLast bool // a page without resources is the last one
	NullNext  bool // the last page has "nextLink": null, not no nextLink

	GraphLag      time.Duration // how much later a change shows in Resource Graph than in ARM
	GraphPageSize int           // rows on a page of Resource Graph; 0 is as many as are asked for
	GraphQuota    int           // queries of Resource Graph that a tenant has in 5 seconds; 0 is no limit

	Delay     time.Duration // before each answer of ARM that no fault replaces
	TokenLife time.Duration // 0 is an hour

	Logf func(format string, args ...any) // a line for each request; nil is no log
}

// A Client is an application in a tenant, with its secret.
type Client struct{ Tenant, ID, Secret string }

// A Server is a running Azure. Its methods may be called at any time.
type Server struct {
	URL         string // of ARM and, with a tenant as path, of the authority
	IdentityURL string // of the managed identity endpoints
	CA          []byte // PEM certificate to trust

	config    Config
	listeners []*http.Server

	mu        sync.Mutex
	file      []byte // content of EstateFile when it was read
	estate    Estate
	directory Directory
	frozen    Estate            // that Resource Graph shows; nil: the revisions
	revisions []revision        // of the estate; the oldest one is what Resource Graph shows
	pages     map[string][]byte // of Resource Graph, until something changes
	windows   map[string]window
	faults    []Fault
	tokens    map[string]*token
	requests  []Request
	kinds     map[string]int // of the reads

	reads atomic.Int64 // answered by ARM
}

// A Request is one that arrived. Path and query of a request have no secret.
type Request struct {
	Method, Host, Path, Query string

	Page   int    // of a listing, from 1; else 0
	Scope  string // of a token: the scope or resource
	Status int    // of the answer
	Fault  Kind   // that spoilt the answer, or ""
}

// Start starts a server. Close ends it.
func Start(config Config) (*Server, error) {
	if config.PageSize == 0 {
		config.PageSize = 50
	}
	if config.TokenLife == 0 {
		config.TokenLife = time.Hour
	}
	if config.Logf == nil {
		config.Logf = func(string, ...any) {}
	}
	if config.Estate == nil {
		config.Estate = Estate{} // for Update to write to
	}
	s := &Server{
		config: config, estate: config.Estate, directory: config.Directory,
		tokens: map[string]*token{}, pages: map[string][]byte{}, windows: map[string]window{}, kinds: map[string]int{},
	}
	s.changedLocked()
	if err := s.readEstate(); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		s.Close()
		return nil, fmt.Errorf("start the fake Azure: %w", err)
	}
	return s, nil
}

func (s *Server) listen() error {
	addr := s.config.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	cloud, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(cloud.Addr().String())
	ca, certificate, err := certificates(host)
	if err != nil {
		cloud.Close() //nolint:errcheck // nobody has used it
		return err
	}
	s.CA, s.URL = ca, "https://"+cloud.Addr().String()
	s.serve(tls.NewListener(cloud, &tls.Config{Certificates: []tls.Certificate{certificate}}), s.cloud)

	identity, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.IdentityURL = "http://" + identity.Addr().String()
	s.serve(identity, s.identity)
	return nil
}

// serve speaks HTTP/1.1 alone, as tls.Config offers no other: a single stream of
// HTTP/2 cannot be reset as a connection can.
func (s *Server) serve(l net.Listener, answerTo func(*http.Request) answer) {
	server := &http.Server{
		Handler:           s.handler(answerTo),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(logWriter(s.config.Logf), "", 0), // logs clients that do not trust the CA
	}
	s.listeners = append(s.listeners, server)
	go server.Serve(l) //nolint:errcheck // it ends by Close
}

type logWriter func(format string, args ...any)

func (logf logWriter) Write(line []byte) (int, error) {
	logf("%s", bytes.TrimSpace(line))
	return len(line), nil
}

// handler answers and notes the request, spoilt by the fault that waits for it.
func (s *Server) handler(answerTo func(*http.Request) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.readEstate(); err != nil {
			s.config.Logf("%v: the last good estate stays", err)
		}
		a, page := answerTo(r), s.pageNumber(r)
		fault, found := s.takeFault(r.URL.Path, page)
		if found {
			s.spoil(r, fault, &a)
		}
		scope := r.FormValue("scope") + r.FormValue("resource")
		s.note(Request{r.Method, r.Host, r.URL.Path, r.URL.RawQuery, page, scope, a.status, fault.Kind})
		a.write(w, r)
	}
}

func (s *Server) note(r Request) {
	s.config.Logf("%s %s page %d: %d %s", r.Method, r.Path, r.Page, r.Status, r.Fault)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
}

// Requests returns all requests so far, in the order of their answers.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Reads returns how many requests ARM has answered, by their kind.
func (s *Server) Reads() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.kinds)
}

// Env is the environment of a process that uses the client secret. The file has
// the CA in it.
func (s *Server) Env(caFile string) []string {
	return []string{
		"SSL_CERT_FILE=" + caFile,
		"AZURE_AUTHORITY_HOST=" + s.URL + "/",
		"AZURE_TENANT_ID=" + Tenant,
		"AZURE_CLIENT_ID=" + ClientID,
		"AZURE_CLIENT_SECRET=" + ClientSecret,
	}
}

// IdentityEnv is the environment of a process that uses a managed identity.
func (s *Server) IdentityEnv(caFile string) []string {
	return []string{
		"SSL_CERT_FILE=" + caFile,
		"IDENTITY_ENDPOINT=" + s.IdentityURL + identityPath,
		"IDENTITY_HEADER=" + IdentityHeader,
	}
}

// Client returns a client that trusts the server.
func (s *Server) Client() *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
}

// Do answers a request to ARM without the network, for tests of time. It is azcore's
// policy.Transporter. Faults of the connection need the network.
func (s *Server) Do(r *http.Request) (*http.Response, error) {
	request := r.Clone(r.Context())
	if request.Host == "" {
		request.Host = request.URL.Host
	}
	if request.Body == nil {
		request.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.handler(s.cloud)(w, request)
	response := w.Result()
	response.Request = r
	return response, nil
}

// Token returns a token of a tenant.
func (s *Server) Token(tenant string) string {
	text, _ := s.issue(tenant)
	return text
}

// Close ends the server: from then on its ports refuse. It may be called twice.
func (s *Server) Close() {
	for _, l := range s.listeners {
		l.Close() //nolint:errcheck // closed already
	}
}
