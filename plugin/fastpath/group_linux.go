package fastpath

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"

	"github.com/coredns/coredns/plugin/pkg/reuseport"
	"golang.org/x/sys/unix"
)

// groups has the sockets of each address in use. A reload starts the new instance
// beside the old one, so both read from the same sockets for a moment, by file
// descriptors of their own. CoreDNS does the same with its sockets. A socket that
// is closed would lose the packets in it.
var (
	groupsMu sync.Mutex
	groups   = map[string]*group{}
)

// A group has the sockets of one address. Its connections are not read, because each
// instance reads from duplicates.
type group struct {
	address string
	conns   []*net.UDPConn
	readers int // instances that read
	users   int // instances that have not closed their duplicates
}

// acquire returns duplicates of the sockets of an address, at which the server
// listens already. The first user opens n of them.
func acquire(address string, n int) (*group, []*net.UDPConn, error) {
	groupsMu.Lock()
	defer groupsMu.Unlock()
	g := groups[address]
	if g == nil {
		g = &group{address: address}
		if err := g.openAll(n); err != nil {
			return nil, nil, errors.Join(err, g.closeAll())
		}
	}
	copies, err := g.duplicates()
	if err != nil {
		if g.users == 0 {
			err = errors.Join(err, g.closeAll())
		}
		return nil, nil, err
	}
	if g.users > 0 && g.readers == 0 { // the last reader has steered the packets away
		err = steer(g.conns[0], len(g.conns))
	}
	groups[address] = g
	g.users++
	g.readers++
	return g, copies, err
}

// openAll opens the sockets and steers all packets to them.
func (g *group) openAll(n int) error {
	for range n {
		conn, err := reuseport.ListenPacket("udp", g.address)
		if err != nil {
			return err
		}
		g.conns = append(g.conns, conn.(*net.UDPConn))
	}
	for _, conn := range g.conns {
		if err := prepare(conn); err != nil {
			return err
		}
	}
	return steer(g.conns[0], n)
}

func (g *group) closeAll() (err error) {
	for _, conn := range g.conns {
		err = errors.Join(err, conn.Close())
	}
	return err
}

func (g *group) duplicates() (all []*net.UDPConn, err error) {
	for _, conn := range g.conns {
		c, err := duplicate(conn)
		if err != nil {
			for _, other := range all {
				other.Close()
			}
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func duplicate(conn *net.UDPConn) (*net.UDPConn, error) {
	file, err := conn.File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	c, err := net.FilePacketConn(file)
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// leave notes that an instance is about to stop reading. After the last one, the packets
// are steered to the server's own socket, which stays open in a reload that removes the
// fast path.
func (g *group) leave() {
	groupsMu.Lock()
	defer groupsMu.Unlock()
	if g.readers--; g.readers > 0 {
		return
	}
	if err := steer(g.conns[0], 0); err != nil {
		log.Warningf("%s: %v", g.address, err)
	}
}

func (g *group) release() {
	groupsMu.Lock()
	defer groupsMu.Unlock()
	if g.users--; g.users > 0 {
		return
	}
	delete(groups, g.address)
	if err := g.closeAll(); err != nil {
		log.Warningf("%s: %v", g.address, err)
	}
}

func (g *group) unused() bool {
	groupsMu.Lock()
	defer groupsMu.Unlock()
	return g.users == 0
}

// receiveBuffer has room for the burst of a boot storm. Without CAP_NET_ADMIN the
// kernel allows net.core.rmem_max.
const receiveBuffer = 2 << 20

// prepare sets the options of a socket. Only a socket on the wildcard address
// needs to know which address a packet was sent to.
func prepare(conn *net.UDPConn) error {
	return control(conn, func(fd int) error {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
		}
		if addr := conn.LocalAddr().(*net.UDPAddr); !addr.IP.IsUnspecified() {
			return nil
		}
		if isIPv6(fd) {
			return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	})
}

func isIPv6(fd int) bool {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && domain == unix.AF_INET6
}

// thisCPU is the address at which a program finds the number of the CPU that it runs
// on: SKF_AD_OFF + SKF_AD_CPU of the kernel.
const thisCPU = 0xfffff000 + 36

// steer attaches a program to the sockets of an address. It returns the index of
// the socket that receives a packet, in the order of binding: the server's own
// socket is 0. With n sockets, each has the packets that one CPU has received, so that
// packets which arrive together are answered together. With none, all packets go to the
// server.
//
// The alternative, to spread the packets by their ID, loads all sockets evenly. But each
// gets the packets one by one, wakes up for each, and sends the replies one by one: with
// 32 clients, a query costs a half more. The kernel's choice without a program is a hash
// of the addresses and ports, so that the server gets a part of the packets.
func steer(conn *net.UDPConn, n int) error {
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: thisCPU},
		{Code: unix.BPF_ALU | unix.BPF_MOD | unix.BPF_K, K: uint32(n)}, //nolint:gosec // G115: the number of CPUs
		{Code: unix.BPF_ALU | unix.BPF_ADD | unix.BPF_K, K: 1},
		{Code: unix.BPF_RET | unix.BPF_A},
	}
	if n == 0 {
		program = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	}
	if err := attachProgram(conn, program); err != nil {
		return fmt.Errorf("the kernel does not steer packets: %w", err)
	}
	return nil
}

func attachProgram(conn syscall.Conn, program []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]} //nolint:gosec // G115: a few lines
	return control(conn, func(fd int) error { return attach(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &prog) })
}

var attach = unix.SetsockoptSockFprog // a test replaces it

func control(conn syscall.Conn, f func(fd int) error) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil { //nolint:gosec // G115: a file descriptor
		return err
	}
	return inner
}
