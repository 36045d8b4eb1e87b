package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A socket is a connected UDP socket, so that the kernel drops datagrams of other senders.
type socket interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
}

// A network opens sockets. Tests use a network in memory.
type network interface {
	datagram(to netip.AddrPort) (socket, error)
	connect(ctx context.Context, e endpoint) (net.Conn, error)
	close()
}

// system is the network of the operating system.
type system struct {
	source        netip.Addr // if valid
	tls           *tls.Config
	tlsServerName string
	recycler      recycler
}

// portTries bounds the search for a free port on systems where the process chooses it.
const portTries = 8

// datagram returns a socket with a random port. See choosePort.
func (s *system) datagram(to netip.AddrPort) (socket, error) {
	if conn := s.recycler.take(to); conn != nil {
		return conn, nil
	}
	raddr := net.UDPAddrFromAddrPort(to)
	for range portTries {
		port := choosePort()
		if port == 0 {
			break
		}
		if conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.sourceFor(to), port)), raddr); err == nil {
			return conn, nil
		}
	}
	var laddr *net.UDPAddr
	if s.source.IsValid() {
		laddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.source, 0))
	}
	conn, err := net.DialUDP("udp", laddr, raddr)
	if err != nil {
		return nil, err // not an interface with a nil *net.UDPConn
	}
	if s.source.IsValid() {
		return conn, nil
	}
	return s.recycler.wrap(conn, to), nil
}

func (s *system) sourceFor(to netip.AddrPort) netip.Addr {
	switch {
	case s.source.IsValid():
		return s.source
	case to.Addr().Is4():
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// close closes the idle sockets. Sockets in use are not affected.
func (s *system) close() { s.recycler.close() }

// connect opens a TCP or TLS connection.
func (s *system) connect(ctx context.Context, e endpoint) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: -1}
	if s.source.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.source, 0))
	}
	conn, err := dialer.DialContext(ctx, "tcp", e.addr.String())
	if err != nil || !e.tls {
		return conn, err
	}
	conf := s.tls.Clone()
	switch {
	case e.serverName != "":
		conf.ServerName = e.serverName
	case s.tlsServerName != "":
		conf.ServerName = s.tlsServerName
	default:
		conf.ServerName = e.addr.Addr().String()
	}
	secure := tls.Client(conn, conf)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}

const (
	// reservedFiles is the number of files for listeners, clients, log files and the sync.
	reservedFiles = 40
	leastSockets  = 6
)

var errNoSocket = errors.New("too many open sockets")

// A budget bounds the sockets of the process to upstreams, so that the process
// never runs out of file descriptors.
type budget struct {
	limit int

	mu    sync.Mutex
	taken int
}

// sockets is the budget of all directives.
var sockets = newBudget(fileLimit())

func newBudget(files int) *budget { return &budget{limit: max(files-reservedFiles, leastSockets)} }

// slots returns the number of concurrent queries. Each has a first attempt, and a third
// of the sockets is for second attempts, connections and probes.
func (b *budget) slots() int { return b.limit * 2 / 3 }

func (b *budget) take() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken >= b.limit {
		return errNoSocket
	}
	b.taken++
	return nil
}

func (b *budget) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken--
}
