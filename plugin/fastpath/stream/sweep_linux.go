package stream

import "golang.org/x/sys/unix"

// readNow reads what the kernel has, from a descriptor that does not block. It returns 0
// or less if there is nothing.
func readNow(fd uintptr, p []byte) int {
	n, err := unix.Read(int(fd), p) //nolint:gosec // G115: a file descriptor
	if err != nil {
		return 0
	}
	return n
}
