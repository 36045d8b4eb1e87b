package stream

import "syscall"

// sweep takes the messages that have arrived before the connection is closed. A client
// has sent them to a connection that it found open.
func (c *conn) sweep() {
	sc, ok := c.Conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	for range maxInProgress { // a client may send without end
		n := 0
		room := c.room()
		if raw.Control(func(fd uintptr) { n = readNow(fd, room) }) != nil || n <= 0 {
			return
		}
		c.received(n)
	}
}
