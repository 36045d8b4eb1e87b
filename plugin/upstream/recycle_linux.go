package upstream

import (
	"net"
	"net/netip"
	"sync"
	"syscall"
	"unsafe"
)

// maxIdle bounds the idle sockets without a port. They are among the reserved files.
var maxIdle = min(32, sockets.limit/4)

// A recycler stores sockets for further queries. If the connection of a socket is
// dissolved, the kernel also releases its port. The next connect chooses a port at random,
// from the whole range and independent of the previous one. This is as safe as a new
// socket, at a quarter of the CPU time. A socket without a port receives no datagrams, and
// is empty when it is used again.
//
// The alternative, a set of sockets with fixed ports, is easier to spoof (RFC 5452).
type recycler struct {
	mu    sync.Mutex
	ended bool
	idle  [2][]*recycled // IPv4, IPv6
}

// A recycled socket is a UDP socket of a recycler.
type recycled struct {
	*net.UDPConn
	raw    syscall.RawConn
	owner  *recycler
	family int // the index in idle
}

// wrap adds a new socket to the recycler, so that it is stored after use.
func (r *recycler) wrap(conn *net.UDPConn, to netip.AddrPort) socket {
	raw, err := conn.SyscallConn()
	if err != nil || to.Addr().Zone() != "" {
		return conn
	}
	return &recycled{UDPConn: conn, raw: raw, owner: r, family: familyOf(to)}
}

func familyOf(to netip.AddrPort) int {
	if to.Addr().Is4() {
		return 0
	}
	return 1
}

// take returns a socket with a new port, or nil.
func (r *recycler) take(to netip.AddrPort) socket {
	family := familyOf(to)
	r.mu.Lock()
	last := len(r.idle[family]) - 1
	if last < 0 || to.Addr().Zone() != "" {
		r.mu.Unlock()
		return nil
	}
	s := r.idle[family][last]
	r.idle[family] = r.idle[family][:last]
	r.mu.Unlock()
	if err := s.connect(to); err != nil {
		_ = s.Close() // a new socket reports the error, if it is not an error of this socket only
		return nil
	}
	return s
}

// recycle stores the socket or closes it. The caller must not use it afterwards.
func (s *recycled) recycle() {
	if s.disconnect() && s.owner.keep(s) {
		return
	}
	_ = s.Close() // nothing depends on it
}

func (r *recycler) keep(s *recycled) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || len(r.idle[s.family]) >= maxIdle {
		return false
	}
	r.idle[s.family] = append(r.idle[s.family], s)
	return true
}

func (r *recycler) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	for i, idle := range r.idle {
		for _, s := range idle {
			_ = s.Close() // nothing depends on it
		}
		r.idle[i] = nil
	}
}

func (s *recycled) connect(to netip.AddrPort) (err error) {
	var sa syscall.Sockaddr = &syscall.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	if s.family == 0 {
		sa = &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	if controlErr := s.raw.Control(func(fd uintptr) { err = syscall.Connect(int(fd), sa) }); controlErr != nil {
		return controlErr
	}
	return err
}

// unspecified is an address of the family AF_UNSPEC.
var unspecified [16]byte

// disconnect releases the port and then empties the socket. It reports whether both
// succeeded.
func (s *recycled) disconnect() (empty bool) {
	err := s.raw.Control(func(fd uintptr) {
		// Package syscall has no such address.
		_, _, errno := syscall.RawSyscall(syscall.SYS_CONNECT, fd, uintptr(unsafe.Pointer(&unspecified)), unsafe.Sizeof(unspecified))
		if errno != 0 {
			return
		}
		var buf [1]byte
		for range 1000 { // each error is returned once as well
			if _, err := syscall.Read(int(fd), buf[:]); err == syscall.EAGAIN {
				empty = true
				return
			}
		}
	})
	return empty && err == nil
}
