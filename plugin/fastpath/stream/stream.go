// Package stream serves DNS messages over connections (RFC 7766). It accepts the
// connections, takes the messages out of them, and sends the replies as they become ready.
//
// A connection belongs to an address, and not to the instance of the server that answers:
// a reload passes the connections on and closes none.
//
// Each connection has one goroutine, which reads. It answers the messages whose replies
// are in memory. Every other message is passed to the server as a connection that carries
// nothing else. So the server treats TSIG and zone transfers as it always does, and no
// reply waits for another one.
//
// All connections are bounded together, by a Pool. A connection that waits for its client
// is closed for one that has something to ask, the longest-waiting one first.
package stream

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// A Backend answers the messages of an address. Its methods are called from several
// goroutines.
type Backend interface {
	// Reply appends the reply to a message, without its length. It appends nothing if
	// the reply is not in memory. The message is valid until Reply returns.
	Reply(b, message []byte, client netip.Addr) []byte

	// Serve answers the one message that the connection carries, and closes the
	// connection. It returns at once.
	Serve(net.Conn)

	// Times returns the bounds of the connections.
	Times() Times

	// Stop ends the backend. The replies to all its messages have been sent, if the
	// context has not ended.
	Stop(context.Context)
}

// Times are bounds of one connection. A connection that exceeds one is closed.
type Times struct {
	Idle    time.Duration // without a query, if few connections are open
	Message time.Duration // from the first octet of a message to its last one
	Write   time.Duration // for the client to read 16 KiB of replies, or what is left of them
	Queries int           // messages; after the last one's reply the connection is closed. 0 or less: no bound
}

// A Listener accepts connections.
type Listener interface {
	net.Listener
	SetDeadline(time.Time) error

	// Steer directs the connections of later clients to this listener, or to the other one
	// at the address, which is the server's own.
	Steer(here bool) error
}

const (
	// maxInProgress bounds the queries of a connection that the server has not answered.
	// At the bound, the connection is not read from.
	maxInProgress = 64

	// highWater is the number of octets of unread replies from which on a connection is
	// not read from, and a zone transfer waits.
	highWater = 64 << 10

	// writeSize is the number of octets that a client has Times.Write to read.
	writeSize = 16 << 10

	// queueTime bounds the wait for clients that were accepted by the kernel when the
	// listener stops.
	queueTime = 20 * time.Millisecond

	// stopTime bounds the wait for replies when the last backend of an address ends.
	stopTime = 5 * time.Second
)
