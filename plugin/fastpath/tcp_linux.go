package fastpath

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath/stream"
)

// pool has the connections of the process.
var pool = func() *stream.Pool {
	n := mostConnections()
	return stream.NewPool(stream.Limits{Connections: n, PerNetwork: n / 4, Memory: maxMemory})
}()

const (
	maxConnections = 10_000
	maxMemory      = 32 << 20
)

// mostConnections leaves two thirds of the file descriptors to everything else.
func mostConnections() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return maxConnections
	}
	return int(min(limit.Cur/3, maxConnections)) //nolint:gosec // G115: bounded here
}

// kernelBuffer bounds what the kernel has of one connection in each direction, in octets
// (it doubles the value for its own needs). A client that does not read would otherwise
// have megabytes. The kernel reports room for more replies when a third is free.
const kernelBuffer = 32 << 10

// A tcpListener listens beside the server.
type tcpListener struct{ *net.TCPListener }

func listenTCP(address string) (stream.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1, Control: func(_, _ string, raw syscall.RawConn) error {
		var inner error
		err := raw.Control(func(fd uintptr) {
			inner = errors.Join(
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1),         //nolint:gosec // G115: a file descriptor
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, kernelBuffer), //nolint:gosec // G115
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, kernelBuffer), //nolint:gosec // G115
			)
		})
		return errors.Join(err, inner)
	}}
	lc.SetMultipathTCP(false) // which cannot be steered
	l, err := lc.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return tcpListener{l.(*net.TCPListener)}, nil
}

// Steer implements stream.Listener. The server's own listener is the first one of the
// address.
func (l tcpListener) Steer(here bool) error {
	index := uint32(0)
	if here {
		index = 1
	}
	err := control(l.TCPListener, func(fd int) error {
		return attachProgram(fd, []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: index}})
	})
	if err != nil {
		return fmt.Errorf("the kernel does not steer connections: %w", err)
	}
	return nil
}
