package fastpath

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath/stream"
)

// connections answer the messages of the connections to one server.
type connections struct {
	server *dns.Server
	queue  *stream.Queue
	times  stream.Times
	desks  chan *connectionDesk // as many as may be in use; none if the fast path is off
	lease  *stream.Lease
}

// A connectionDesk answers messages one by one.
type connectionDesk struct {
	desk
	room [maxReplyRoom]byte
}

// writeTime is how long a client may take to make room for more replies, unless plugin
// timeouts says otherwise.
const writeTime = 10 * time.Second

// startTime bounds the wait for the server of the next instance, which starts in a
// goroutine of its own.
const startTime = time.Second

// accept takes over the connections to a server. It returns nil if they are the server's.
// The queries that memory cannot answer reach the server as if it had read them.
func (in *instance) accept(server *dnsserver.Server) (*connections, error) {
	host, port, err := hostAndPort(server)
	if err != nil || in.hasOwnListeners(port) {
		return nil, err
	}
	address, err := in.listenAddress(server, "tcp")
	if err != nil {
		return nil, err
	}
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connections{queue: stream.NewQueue(at), times: in.timesOf(server, host, port)}
	if err := c.addDesks(in, server); err != nil {
		return nil, err
	}
	c.serve(server)
	c.lease, err = pool.Serve(address, c, func() (stream.Listener, error) { return listenTCP(address) })
	if err != nil {
		c.Stop(context.Background())
		return nil, err
	}
	return c, nil
}

// hasOwnListeners reports whether a server block changes the listeners of the port.
func (in *instance) hasOwnListeners(port string) bool {
	return slices.ContainsFunc(in.blocks, func(b serverBlock) bool {
		return len(b.ZonesAt(port)) > 0 && (b.Has("proxyproto") || b.Has("multisocket"))
	})
}

// timesOf returns the bounds of connections. The server does not tell whether its write
// timeout is the default, so the server blocks are asked.
func (in *instance) timesOf(server *dnsserver.Server, host, port string) stream.Times {
	t := stream.Times{Idle: server.IdleTimeout, Message: server.ReadTimeout, Write: writeTime, Queries: server.MaxTCPQueries}
	for i := range in.blocks {
		c := in.configs[i]
		if c != nil && c.WriteTimeout > 0 && len(in.blocks[i].ZonesAt(port)) > 0 && slices.ContainsFunc(c.ListenHosts, sameHost(host)) {
			t.Write = c.WriteTimeout
		}
	}
	return t
}

func (c *connections) addDesks(in *instance, server *dnsserver.Server) error {
	c.desks = make(chan *connectionDesk, runtime.GOMAXPROCS(0))
	for range cap(c.desks) {
		r, err := in.routesOf(server, "tcp") // each desk counts in maps of its own
		if err != nil {
			return err
		}
		if r == nil {
			c.desks = nil
			return nil
		}
		c.desks <- &connectionDesk{desk: desk{routes: r, stream: true}}
	}
	return nil
}

// serve starts the server behind the queue, with the settings of the one that would have
// the connections.
func (c *connections) serve(server *dnsserver.Server) {
	c.server = &dns.Server{
		Listener: c.queue, Net: "tcp", TsigSecret: server.TsigSecret, MaxTCPQueries: 1,
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) { serveChain(server, withKeepalive(w, r, c.idle), r) }),
	}
	go func() {
		if err := c.server.ActivateAndServe(); err != nil && !errors.Is(err, net.ErrClosed) {
			log.Errorf("%s: %v", server.Addr, err)
		}
	}()
}

// idle returns how long a connection may be idle now, in units of 100 ms.
func (c *connections) idle() uint16 {
	return uint16(min(pool.Idle(c.times.Idle)/(100*time.Millisecond), 1<<16-1)) //nolint:gosec // G115: bounded here
}

// Reply implements stream.Backend.
func (c *connections) Reply(b, message []byte, client netip.Addr) []byte {
	if c.desks == nil {
		return b
	}
	d := <-c.desks
	defer func() { c.desks <- d }()
	d.received = time.Time{}
	d.read(0, message, client, d.room[:0])
	if d.queries[0].keepalive {
		d.queries[0].idle = c.idle()
	}
	return append(b, d.answer(0)...)
}

// Serve implements stream.Backend.
func (c *connections) Serve(query net.Conn) { c.queue.Serve(query) }

// Times implements stream.Backend.
func (c *connections) Times() stream.Times { return c.times }

// Stop implements stream.Backend.
func (c *connections) Stop(ctx context.Context) {
	_ = c.server.ShutdownContext(ctx) // after the timeout, the queries end by their own limits
	_ = c.queue.Close()
}

func (c *connections) close(reload bool) {
	handover := time.Duration(0)
	if reload {
		handover = startTime
	}
	if err := c.lease.Close(handover); err != nil {
		log.Warningf("%v", err)
	}
}
