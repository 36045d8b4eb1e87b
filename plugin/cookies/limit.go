package cookies

import (
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/privatelink-dns/privatelink-dns/plugin/clients"
)

// A limit bounds the queries over UDP of each client network, /24 or /56, that have no
// valid cookie. The sender of such a query may not be the client. A nil limit allows all.
type limit struct {
	perSecond int
	networks  *lru.Cache[netip.Prefix, *rate.Limiter]
}

// maxNetworks bounds the table. A flood from more networks replaces those that were seen
// longest ago.
const maxNetworks = 1 << 16

func newLimit(perSecond int) *limit {
	networks, err := lru.New[netip.Prefix, *rate.Limiter](maxNetworks)
	if err != nil {
		panic(err) // the size is positive
	}
	return &limit{perSecond, networks}
}

// allow reports whether one more query of the client's network is within the limit, and
// counts it.
func (l *limit) allow(addr netip.Addr, now time.Time) bool {
	if l == nil {
		return true
	}
	network := clients.NetworkOf(addr)
	bucket, ok := l.networks.Get(network)
	if !ok {
		bucket = rate.NewLimiter(rate.Limit(l.perSecond), l.perSecond)
		if before, ok, _ := l.networks.PeekOrAdd(network, bucket); ok {
			bucket = before
		}
	}
	return bucket.AllowN(now, 1)
}
