package fastpath

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"
)

// stopTime bounds the wait for queries that have been read, as in the server itself.
const stopTime = 5 * time.Second

// A listener has the sockets of one server.
type listener struct {
	server  *dnsserver.Server
	group   *group
	sockets []*socket
	begun   bool // all sockets are open; groupsMu guards it
	readers sync.WaitGroup
}

// listen returns nil if the fast path is off for the server.
func (in *instance) listen(server *dnsserver.Server) (*listener, error) {
	if r, err := in.routesOf(server, "udp"); r == nil {
		return nil, err
	}
	listens, err := in.listenAddress(server, "udp")
	if err != nil {
		return nil, err
	}
	l := &listener{server: server}
	g, pairs, err := acquire(listens, runtime.GOMAXPROCS(0), l)
	if err != nil {
		return nil, err
	}
	l.group = g
	for _, p := range pairs {
		r, _ := in.routesOf(server, "udp") // each socket counts in maps of its own
		s, err := newSocket(p, r)
		if err != nil {
			return nil, errors.Join(err, l.abandon(pairs))
		}
		l.sockets = append(l.sockets, s)
	}
	for _, s := range l.sockets {
		l.start(s)
	}
	g.begin(l)
	socketsGauge.WithLabelValues(server.Addr).Set(float64(len(l.sockets)))
	return l, nil
}

func (l *listener) abandon(pairs []pair) error {
	l.group.leave(l)
	defer l.group.release()
	return closePairs(pairs)
}

// setPaused returns when no socket reads any more, or has all of them read.
func (l *listener) setPaused(paused bool) {
	for _, s := range l.sockets {
		s.setPaused(paused)
	}
}

// start reads from the socket, with the server's settings. The packets that
// are not answered reach the server as if it had read them.
func (l *listener) start(s *socket) {
	s.dns = &dns.Server{
		PacketConn: s, Net: "udp", TsigSecret: l.server.TsigSecret,
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) { serveChain(l.server, &responseWriter{w}, r) }),
	}
	started := make(chan struct{})
	s.dns.NotifyStartedFunc = func() { close(started) }
	l.readers.Go(func() {
		if err := s.dns.ActivateAndServe(); err != nil {
			log.Errorf("%s: %v", l.server.Addr, err)
		}
	})
	<-started
}

// serveChain passes a query to the chain, as the server does.
func serveChain(server *dnsserver.Server, w dns.ResponseWriter, r *dns.Msg) {
	ctx := context.WithValue(context.Background(), dnsserver.Key{}, server)
	server.ServeDNS(context.WithValue(ctx, dnsserver.LoopKey{}, 0), w, r)
}

// close ends the sockets after the queries that have been read.
func (l *listener) close(bool) {
	l.group.leave(l)
	var all sync.WaitGroup
	for _, s := range l.sockets {
		all.Go(s.stop)
	}
	all.Wait()
	l.group.release()
	if l.group.unused() {
		socketsGauge.DeleteLabelValues(l.server.Addr)
	}
}

// A responseWriter has the client's address in the type that plugins expect.
type responseWriter struct{ dns.ResponseWriter }

// RemoteAddr implements dns.ResponseWriter.
func (w *responseWriter) RemoteAddr() net.Addr {
	if p, ok := w.ResponseWriter.RemoteAddr().(*peer); ok {
		return &p.UDPAddr
	}
	return w.ResponseWriter.RemoteAddr()
}
