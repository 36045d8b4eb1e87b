// Package exchange defines the data that the plugins exchange about a query: its client,
// which resolver has answered, and whether that is a fallback resolver. They are values of
// the context, because CoreDNS wraps the response writer between two plugins.
package exchange

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

// ErrBusy is the error of a query that was not sent because too many are waiting. A cache
// must not store it as the failure of the name.
var ErrBusy = errors.New("too many queries are waiting for an upstream")

// A Query is one query of a cache. The zero value has no client.
type Query struct {
	// Client is the address of the client, for a fair order.
	Client netip.Addr
	// Fallback is set by plugin upstream before it returns. It reports that a resolver of
	// another network has answered, which may not know the names of the upstreams. A cache
	// must not store the answer.
	Fallback bool
	// Resolver is set by plugin upstream before it returns: the address and port of the
	// resolver that has answered, or "".
	Resolver string
}

type key struct{}

// With returns a context with the query.
func With(ctx context.Context, q *Query) context.Context { return context.WithValue(ctx, key{}, q) }

// From returns the query of a cache, or nil.
func From(ctx context.Context) *Query {
	q, _ := ctx.Value(key{}).(*Query)
	return q
}

// ClientOf returns the address of the client of a response writer, or the zero value for a
// writer without one. Behind plugin proxyproto, it is the client's own address, which has
// a type of its own for datagrams.
func ClientOf(w dns.ResponseWriter) netip.Addr { return AddrOf(w.RemoteAddr()) }

// AddrOf returns the IP address of an address of any type, or the zero value. IPv4 addresses
// are never mapped into IPv6.
func AddrOf(addr net.Addr) netip.Addr {
	switch addr := addr.(type) {
	case *net.UDPAddr:
		return addr.AddrPort().Addr().Unmap()
	case *net.TCPAddr:
		return addr.AddrPort().Addr().Unmap()
	case nil:
		return netip.Addr{}
	default:
		at, _ := netip.ParseAddrPort(addr.String()) // the zero value for anything else
		return at.Addr().Unmap()
	}
}

// An Answerer is a context for the next plugins, which fill in Address before they write
// the reply: the address and port of the resolver that has answered. It stays empty for an
// answer of a cache, and for one of plugin forward.
type Answerer struct {
	context.Context
	Address string
}

type answererKey struct{}

// Value implements context.Context.
func (a *Answerer) Value(key any) any {
	if key == (answererKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// Answered fills in the resolver that has answered, if a plugin wants to know it.
func Answered(ctx context.Context, address string) {
	if a, ok := ctx.Value(answererKey{}).(*Answerer); ok {
		a.Address = address
	}
}
