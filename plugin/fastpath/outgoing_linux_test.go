package fastpath

import (
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Replies that are longer than the MTU of the path arrive, although the kernel does not
// send them together. Others are sent together as before.
func TestRepliesBeyondTheMTU(t *testing.T) {
	runtime.LockOSThread() // the thread ends with the test, and its network with it
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace here: %v", err)
	}
	here, there := datagramSocket(t), datagramSocket(t)
	loopback(t, here, 800)
	to := addressOfSocket(t, there)
	for _, tc := range []struct {
		name  string
		sizes []int
	}{
		{"long ones", []int{1000, 1000, 1000, 1000}},
		{"a long one between short ones", []int{100, 100, 1000, 1000, 100, 200, 200}},
		{"short ones", []int{100, 100, 100}},
	} {
		var o outgoing
		for _, n := range tc.sizes {
			o.add(make([]byte, n), to)
		}
		o.prepare()
		if sent := o.send(uintptr(here), 0); sent != o.used {
			t.Errorf("%s: %d of %d messages are sent", tc.name, sent, o.used)
		}
		if o.single {
			t.Errorf("%s: no replies are sent together any more", tc.name)
		}
		buffer := make([]byte, 2000)
		for i := range tc.sizes {
			if _, _, err := unix.Recvfrom(there, buffer, 0); err != nil {
				t.Fatalf("%s: reply %d of %d: %v", tc.name, i, len(tc.sizes), err)
			}
		}
	}
}

func datagramSocket(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// loopback starts the loopback interface of the thread's network.
func loopback(t *testing.T, fd int, mtu uint32) {
	t.Helper()
	for request, set := range map[uint]func(*unix.Ifreq){
		unix.SIOCSIFMTU:   func(r *unix.Ifreq) { r.SetUint32(mtu) },
		unix.SIOCSIFFLAGS: func(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP) },
	} {
		r, err := unix.NewIfreq("lo")
		if err != nil {
			t.Fatal(err)
		}
		set(r)
		if err := unix.IoctlIfreq(fd, request, r); err != nil {
			t.Fatal(err)
		}
	}
}

// addressOfSocket binds the socket, and returns a message with its address.
func addressOfSocket(t *testing.T, fd int) *unix.Msghdr {
	t.Helper()
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := bound.(*unix.SockaddrInet4).Port
	raw := &unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: [4]byte{127, 0, 0, 1}}
	*(*[2]byte)(unsafe.Pointer(&raw.Port)) = [2]byte{byte(port >> 8), byte(port)} //nolint:gosec // G115: a port
	return &unix.Msghdr{Name: (*byte)(unsafe.Pointer(raw)), Namelen: unix.SizeofSockaddrInet4}
}
