package stream

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/clients"
	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
)

// An endpoint accepts the connections of one address.
type endpoint struct {
	address  string
	pool     *Pool
	listener Listener
	accepts  sync.WaitGroup

	mu      sync.Mutex
	conns   map[*conn]struct{}
	leases  []*Lease  // the first one's backend answers
	begun   sync.Cond // there is one more
	current atomic.Pointer[Lease]
}

// Serve has the backend answer the connections of an address, those that are open as well,
// once the leases before have ended. A reload that fails then changes nothing: the lease of
// its instance ends before it answers. The first backend of an address opens the listener.
func (p *Pool) Serve(address string, b Backend, listen func() (Listener, error)) (*Lease, error) {
	p.endpointsMu.Lock()
	defer p.endpointsMu.Unlock()
	e := p.endpoints[address]
	if e == nil {
		listener, err := listen()
		if err != nil {
			return nil, err
		}
		e = &endpoint{address: address, pool: p, listener: listener, conns: map[*conn]struct{}{}}
		e.begun.L = &e.mu
		if err := e.open(); err != nil {
			return nil, err
		}
		p.endpoints[address] = e
	}
	return e.lease(b), nil
}

func (e *endpoint) open() error {
	if err := e.listener.Steer(true); err != nil {
		return errors.Join(err, e.listener.Close())
	}
	e.accepts.Go(e.accept)
	return nil
}

func (e *endpoint) lease(b Backend) *Lease {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := &Lease{Backend: b, endpoint: e, idle: make(chan struct{}, 1)}
	if e.leases = append(e.leases, l); len(e.leases) == 1 {
		e.current.Store(l)
	}
	e.begun.Broadcast()
	return l
}

// awaitOther waits until there is another lease, or the time is over.
func (e *endpoint) awaitOther(handover time.Duration) {
	over := false
	timer := time.AfterFunc(handover, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		over = true
		e.begun.Broadcast()
	})
	defer timer.Stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.leases) < 2 && !over {
		e.begun.Wait()
	}
}

// leave ends the lease, and the listener with the last one. The next endpoint of the
// address opens its listener after that.
func (l *Lease) leave() (last bool, err error) {
	l.endpoint.pool.endpointsMu.Lock()
	defer l.endpoint.pool.endpointsMu.Unlock()
	if last = l.endpoint.leave(l); last {
		err = l.endpoint.stopListener()
	}
	return last, err
}

// leave ends a lease. It reports whether it was the last one.
func (e *endpoint) leave(l *Lease) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leases = slices.DeleteFunc(e.leases, func(other *Lease) bool { return other == l })
	if len(e.leases) == 0 {
		return true // the connections that remain are answered by it
	}
	e.current.Store(e.leases[0])
	return false
}

// accept adds the connections of clients until the listener is closed.
func (e *endpoint) accept() {
	for {
		c, err := e.listener.Accept()
		switch {
		case err == nil:
			e.add(c)
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			return
		default:
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
				e.pool.evict() // which frees a file descriptor
			}
			time.Sleep(retryTime)
		}
	}
}

// retryTime is the pause after an error of Accept, which may come at once again.
const retryTime = 5 * time.Millisecond

func (e *endpoint) add(nc net.Conn) {
	client := exchange.AddrOf(nc.RemoteAddr())
	c := &conn{Conn: nc, endpoint: e, client: client, network: clients.NetworkOf(client)}
	c.free.L, c.ended, c.replied = &c.mu, make(chan struct{}), time.Now()
	c.in = c.inline[:0]
	if !e.pool.admit(c) {
		closed[refused].Inc()
		_ = nc.Close()
		return
	}
	e.mu.Lock()
	e.conns[c] = struct{}{}
	e.mu.Unlock()
	go c.serve()
}

func (e *endpoint) remove(c *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, c)
}

// all returns the open connections.
func (e *endpoint) all() (conns []*conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns {
		conns = append(conns, c)
	}
	return conns
}

// stop closes each connection after its replies.
func (e *endpoint) stop(ctx context.Context) {
	all := e.all()
	for _, c := range all {
		c.leave(stopped)
	}
	for _, c := range all {
		select {
		case <-c.ended:
		case <-ctx.Done():
			c.close(stopped)
		}
	}
}

// stopListener closes the listener, after the clients that the kernel has accepted.
func (e *endpoint) stopListener() error {
	delete(e.pool.endpoints, e.address)
	err := errors.Join(e.listener.Steer(false), e.listener.SetDeadline(time.Now().Add(queueTime)))
	if err != nil {
		err = errors.Join(err, e.listener.Close())
		e.accepts.Wait()
		return err
	}
	e.accepts.Wait()
	return e.listener.Close()
}

func (e *endpoint) times() Times { return e.current.Load().Times() }

// A Lease is a backend's time at an address.
type Lease struct {
	Backend
	endpoint   *endpoint
	inProgress atomic.Int64
	ended      atomic.Bool
	idle       chan struct{} // has an element after the last query in progress of an ended lease
}

// acquire returns the lease whose backend answers, until release.
func (e *endpoint) acquire() *Lease {
	for {
		l := e.current.Load()
		l.inProgress.Add(1)
		if e.current.Load() == l {
			return l
		}
		l.release() // it may have ended before
	}
}

func (l *Lease) release() {
	if l.inProgress.Add(-1) > 0 || !l.ended.Load() {
		return
	}
	select {
	case l.idle <- struct{}{}:
	default:
	}
}

// Close ends the lease, after the replies to all messages that it has. If there is no
// other lease, it waits for one: in a reload, the new instance may be a moment late. With
// the last lease, all connections end. Close returns after the time for the handover and
// five seconds at the latest.
func (l *Lease) Close(handover time.Duration) error {
	if handover > 0 {
		l.endpoint.awaitOther(handover)
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	last, err := l.leave()
	if last {
		l.endpoint.stop(ctx)
	}
	l.ended.Store(true)
	for l.inProgress.Load() > 0 && ctx.Err() == nil {
		select {
		case <-l.idle:
		case <-ctx.Done():
		}
	}
	l.Stop(ctx)
	return err
}
