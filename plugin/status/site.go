package status

import (
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	clog "github.com/coredns/coredns/plugin/pkg/log"
)

var log = clog.NewWithPlugin("status")

// A site is an address that is listened on. All instances with the address share it, so
// that a reload closes no connection: the next instance takes it before the running
// one ends. The alternative, a second listener with SO_REUSEPORT, would also succeed
// beside another process, and either of the two would answer.
type site struct {
	address string
	server  *http.Server // nil if the address cannot be listened on
	access  atomic.Pointer[access]
	next    *access // of the instance that begins; guarded by sites
	current atomic.Pointer[api]
	users   int // guarded by sites
}

var sites struct {
	sync.Mutex
	all map[string]*site
}

// acquire returns the site of the address. DNS does not depend on it: a port in use, or
// a file that cannot be read, is a warning, and the next reload tries again.
func acquire(cfg config) *site {
	sites.Lock()
	defer sites.Unlock()
	address := cfg.address
	access, err := newAccess(cfg)
	if err != nil {
		log.Warning(off(err))
		return &site{address: address, users: 1}
	}
	if s := sites.all[address]; s != nil && s.server != nil {
		s.users++
		s.next = access
		return s
	}
	s := &site{address: address, users: 1, next: access}
	s.access.Store(access)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Warningf("Off, DNS is not affected: %v: end the other program, or write another address, such as 'status 127.0.0.1:8054'", err)
		return s
	}
	warnOfOthers(cfg)
	s.start(&switchedListener{&limitedListener{Listener: listener, slots: make(chan struct{}, maxConnections)}, s})
	if sites.all == nil {
		sites.all = map[string]*site{}
	}
	sites.all[address] = s
	log.Infof("Serving %s://%s/", map[bool]string{true: "https", false: "http"}[access.encrypted()], local(listener.Addr().String()))
	return s
}

// off is the warning about a file of a property.
func off(err error) string {
	return fmt.Sprintf("Off, DNS is not affected: %v: correct the file, and reload", err)
}

// warnOfOthers warns of an address that other machines may reach without encryption or
// without a token.
func warnOfOthers(cfg config) {
	at, err := netip.ParseAddrPort(cfg.address)
	if err != nil || at.Addr().IsLoopback() || cfg.cert != "" && cfg.token != "" {
		return
	}
	log.Warningf("Other machines may reach %s, which has the names, addresses and endpoints: set tls CERT KEY and token FILE, or use a loopback address",
		cfg.address)
}

const (
	maxConnections = 32
	maxHeader      = 8 << 10 // bytes
	clientTime     = 5 * time.Second
	idleTime       = 30 * time.Second
)

func (s *site) start(listener net.Listener) {
	s.server = &http.Server{
		Handler:           s.guarded(),
		ReadHeaderTimeout: clientTime, ReadTimeout: clientTime, WriteTimeout: 2 * clientTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       stdlog.New(io.Discard, "", 0), // a client must not write to the log
	}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
}

// serve has the site answer with the data and the access of an instance.
func (s *site) serve(a *api) {
	sites.Lock()
	defer sites.Unlock()
	if s.next != nil {
		s.access.Store(s.next)
	}
	s.current.Store(a)
}

// ServeHTTP implements http.Handler.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a := s.current.Load(); a != nil {
		a.ServeHTTP(w, r)
		return
	}
	fail(w, http.StatusServiceUnavailable, "the server is starting")
}

// release ends the use by an instance. The last one closes the site at once: a client
// must not delay the end of the process.
func release(s *site) {
	sites.Lock()
	defer sites.Unlock()
	if s.users--; s.users > 0 || s.server == nil {
		return
	}
	delete(sites.all, s.address)
	_ = s.server.Close()
}

// A limitedListener accepts no more connections than it has slots.
type limitedListener struct {
	net.Listener
	slots chan struct{}
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &slot{Conn: conn, free: sync.OnceFunc(func() { <-l.slots })}, nil
}

// A slot is a connection of a limitedListener.
type slot struct {
	net.Conn
	free func()
}

// Close implements net.Conn.
func (s *slot) Close() error {
	s.free()
	return s.Conn.Close()
}
