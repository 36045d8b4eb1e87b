package fastpath_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The poller of the runtime watches one descriptor of each socket that receives, and none of
// those that send: a watched socket wakes it up after each reply.
func TestWatchedDescriptors(t *testing.T) {
	_, port := serve(t, ".:0 {\nbind 127.0.0.1\nfastpath\n"+small+"}")
	query(t, "", fmt.Sprintf("127.0.0.1:%d", port), held())
	open := datagramSockets(t, port)
	watched := map[string]int{}
	for fd, inode := range open {
		if isWatched(t, fd) {
			watched[inode]++
		}
	}
	sockets := map[string]bool{}
	for _, inode := range open {
		sockets[inode] = true
	}
	n := runtime.GOMAXPROCS(0)
	if len(sockets) != 1+2*n || len(watched) != 1+n {
		t.Errorf("%d sockets, %d watched; want the server's, and of %d pairs those that receive", len(sockets), len(watched), n)
	}
	for inode, count := range watched {
		if count > 1 {
			t.Errorf("%s is watched by %d descriptors", inode, count)
		}
	}
}

// datagramSockets returns the descriptors of UDP sockets at a port, with the names of the
// sockets.
func datagramSockets(t *testing.T, port int) map[int]string {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	all := map[int]string{}
	for _, e := range entries {
		var fd int
		if _, err := fmt.Sscan(e.Name(), &fd); err != nil {
			t.Fatal(err)
		}
		kind, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		at, _ := unix.Getsockname(fd)
		if v4, ok := at.(*unix.SockaddrInet4); ok && kind == unix.SOCK_DGRAM && v4.Port == port {
			all[fd], _ = os.Readlink("/proc/self/fd/" + e.Name())
		}
	}
	return all
}

// isWatched reports whether an epoll instance of the process has the descriptor.
func isWatched(t *testing.T, fd int) bool {
	entries, err := os.ReadDir("/proc/self/fdinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, _ := os.ReadFile("/proc/self/fdinfo/" + e.Name()) // it may be closed by now
		for line := range strings.Lines(string(text)) {
			var watched int
			if n, _ := fmt.Sscanf(line, "tfd: %d", &watched); n == 1 && watched == fd {
				return true
			}
		}
	}
	return false
}
