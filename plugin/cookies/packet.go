package cookies

import (
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
)

// Cookie implements fastpath.Cookies.
func (c *Cookies) Cookie(q *fastpath.Query, now time.Time) bool {
	cookie, sent := q.Cookie()
	reply, k := c.evaluate(cookie, sent, q.Client, now)
	if k == malformed {
		return false
	}
	q.Count(queries[k])
	if sent {
		q.ReplyCookie(reply, k == valid)
	}
	return true
}

// Allow implements fastpath.Cookies.
func (c *Cookies) Allow(q *fastpath.Query, now time.Time) bool {
	return q.CookieValid() || q.Stream() || c.limit.allow(q.Client, now)
}
