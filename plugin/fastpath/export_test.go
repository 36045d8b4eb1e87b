package fastpath

import (
	"net/netip"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
)

// A Desk is a desk without sockets, for tests of the answers.
type Desk struct {
	desk desk
	room []byte
}

// Answer returns the reply to a packet, or nil.
func (d *Desk) Answer(packet []byte, client netip.Addr) []byte {
	d.desk.received = time.Time{}
	d.desk.read(0, packet, client, d.room)
	d.desk.prefetch(1)
	return d.desk.answer(0)
}

// OnServe calls f for each server that begins to listen, with a desk or nil if the
// fast path is off for it. The returned function ends that.
func OnServe(f func(*dnsserver.Server, *Desk)) (end func()) {
	hook := func(in *instance, server *dnsserver.Server) {
		r, err := in.routesOf(server)
		if err != nil || r == nil {
			f(server, nil)
			return
		}
		f(server, &Desk{desk{routes: r}, make([]byte, 0, 2*maxReply)})
	}
	serving.Store(&hook)
	return func() { serving.Store(nil) }
}
