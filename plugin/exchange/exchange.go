// Package exchange is what plugin lru and plugin upstream know of each other: who asks,
// and whose answer it is. It is in the context, because CoreDNS wraps the writer that
// one plugin passes to the next one.
package exchange

import (
	"context"
	"errors"
	"net/netip"
)

// ErrBusy is the error of a query that was not sent, because there are too many. A cache
// must not remember it for the name.
var ErrBusy = errors.New("too many queries are waiting for an upstream")

// A Query is one query of a cache. The zero value has no client.
type Query struct {
	// Client is who asked, for a fair order.
	Client netip.Addr
	// Fallback is set by the exchanger before it returns: the answer is of a resolver of
	// another network, which may not know the names of the upstreams. A cache must not
	// keep it.
	Fallback bool
}

type key struct{}

// With returns a context with the query.
func With(ctx context.Context, q *Query) context.Context { return context.WithValue(ctx, key{}, q) }

// From returns the query of a cache, or nil.
func From(ctx context.Context) *Query {
	q, _ := ctx.Value(key{}).(*Query)
	return q
}
