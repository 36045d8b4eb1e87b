package fastpath

import "golang.org/x/sys/unix"

// RefuseToSteer makes the kernel refuse the program that steers packets.
func RefuseToSteer() (end func()) {
	before := attach
	attach = func(int, int, int, *unix.SockFprog) error { return unix.EPERM }
	return func() { attach = before }
}
