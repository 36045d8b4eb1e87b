//go:build !linux

package upstream

import (
	"net"
	"net/netip"
)

// A recycler keeps no sockets: not every system chooses a port at random for one that
// connects again.
type recycler struct{}

func (*recycler) wrap(conn *net.UDPConn, _ netip.AddrPort) socket { return conn }
func (*recycler) take(netip.AddrPort) socket                      { return nil }
func (*recycler) close()                                          {}
