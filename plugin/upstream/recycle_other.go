//go:build !linux

package upstream

import (
	"net"
	"net/netip"
)

// A recycler stores no sockets, because not every system chooses a port at random when a
// socket connects again.
type recycler struct{}

func (*recycler) wrap(conn *net.UDPConn, _ netip.AddrPort) socket { return conn }
func (*recycler) take(netip.AddrPort) socket                      { return nil }
func (*recycler) close()                                          {}
