package fastpath

import (
	"errors"
	"net"
	"os"
	"syscall"

	"github.com/coredns/coredns/plugin/pkg/reuseport"
	"golang.org/x/sys/unix"
)

// A handle is a file descriptor of a UDP socket that the poller of the runtime does not
// watch.
//
// The poller watches each descriptor of package net for packets and for room to send. Each
// reply that leaves a watched socket is an event, for which the poller wakes up or looks
// once more. If a socket has several watched descriptors, a packet is an event for each.
// Only the descriptor that is read has to be watched.
type handle int

// openHandle opens a socket at an address that others share.
func openHandle(address string) (handle, error) {
	conn, err := reuseport.ListenPacket("udp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close() // the duplicate keeps the socket open, and the poller forgets it
	if err := prepare(conn.(*net.UDPConn)); err != nil {
		return 0, err
	}
	var h handle
	err = control(conn.(*net.UDPConn), func(fd int) (err error) {
		h, err = handle(fd).duplicate()
		return err
	})
	return h, err
}

func (h handle) duplicate() (handle, error) {
	fd, err := unix.FcntlInt(uintptr(h), unix.F_DUPFD_CLOEXEC, 0)
	return handle(fd), os.NewSyscallError("fcntl", err)
}

func (h handle) close() error { return os.NewSyscallError("close", unix.Close(int(h))) }

// watched returns a duplicate that the poller watches.
func (h handle) watched() (*net.UDPConn, error) {
	d, err := h.duplicate()
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(d), "udp")
	defer file.Close()
	c, err := net.FilePacketConn(file)
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// file returns a duplicate that the poller does not watch: package os has it watch only
// descriptors that do not block.
func (h handle) file() (*os.File, error) {
	if err := unix.SetNonblock(int(h), false); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	d, err := h.duplicate()
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(d), "udp"), nil
}

// A pair is a socket that receives, and one that sends from the same address.
type pair struct {
	*net.UDPConn
	sender *os.File
}

// newPair returns duplicates of two sockets.
func newPair(receiver, sender handle) (pair, error) {
	conn, err := receiver.watched()
	if err != nil {
		return pair{}, err
	}
	file, err := sender.file()
	if err != nil {
		return pair{}, errors.Join(err, conn.Close())
	}
	return pair{conn, file}, nil
}

// Close closes both. A sender that stays open keeps its place among the sockets of the address,
// and the kernel would later steer packets to it.
func (p pair) Close() error { return errors.Join(p.UDPConn.Close(), p.sender.Close()) }

func closePairs(all []pair) (err error) {
	for _, p := range all {
		err = errors.Join(err, p.Close())
	}
	return err
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
