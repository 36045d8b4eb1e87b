// Package exchange defines the data that plugin lru and plugin upstream exchange about a
// query: the client, and whether a fallback resolver has answered. It is a value of the
// context, because CoreDNS wraps the response writer between two plugins.
package exchange

import (
	"context"
	"errors"
	"net/netip"
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
}

type key struct{}

// With returns a context with the query.
func With(ctx context.Context, q *Query) context.Context { return context.WithValue(ctx, key{}, q) }

// From returns the query of a cache, or nil.
func From(ctx context.Context) *Query {
	q, _ := ctx.Value(key{}).(*Query)
	return q
}
