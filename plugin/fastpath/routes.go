package fastpath

import (
	"slices"
	"strings"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/bufsize"
	"github.com/prometheus/client_golang/prometheus"
)

// routes has the targets by the zones of the server blocks on one port. A zone of
// a block without the fast path has a nil target.
type routes map[string]*target

// find returns the target of the longest zone that the name is in, as the server
// chooses the server block of a query.
func (r routes) find(name string) *target {
	if len(r) == 1 {
		if t, all := r["."]; all {
			return t
		}
	}
	for rest := name; rest != ""; {
		if t, ok := r[rest]; ok {
			return t
		}
		if rest == "." {
			return nil
		}
		rest = rest[strings.IndexByte(rest, '.')+1:]
	}
	return r["."]
}

// A target is one zone of a server block, and what its plugins do to a query
// before it is answered.
type target struct {
	access   accessList
	bufsize  int  // 0 without plugin bufsize
	local    bool // plugin local is in the block
	cookies  Cookies
	memory   Responder
	counters chainCounters

	prefetcher Prefetcher // or nil
}

// respond makes the reply to q, or returns why the chain has to answer.
func (t *target) respond(q *Query) reason {
	if t.bufsize != 0 {
		q.clamp(t.bufsize)
	}
	switch {
	case !t.access.allows(q):
		return aclForbids
	case t.local && isLocal(q.Name):
		return localName
	case t.cookies != nil && !t.cookies.Cookie(q, q.Now()):
		return cookie
	case !t.memory.Respond(q):
		return notInMemory
	case !q.finish():
		return tooLong
	case t.cookies != nil && !t.cookies.Allow(q, q.Now()): // the last one: the chain would count the query again
		return cookie
	}
	return answered
}

// isLocal reports whether plugin local answers for the name.
func isLocal(name string) bool {
	switch {
	case strings.HasPrefix(name, "localhost."), strings.HasSuffix(name, ".localhost."):
		return true
	case !strings.HasSuffix(name, ".in-addr.arpa."):
		return false
	}
	return within(name, "0.in-addr.arpa.") || within(name, "127.in-addr.arpa.") || within(name, "255.in-addr.arpa.")
}

// newTargets returns the targets of a server block's zones on a server, or nil if
// none of the plugins can answer from memory.
func newTargets(zones []string, handlers []plugin.Handler, counters chainCounters) (map[string]*target, error) {
	t := target{}
	if t.memory, t.prefetcher = responderOf(handlers); t.memory == nil {
		return nil, nil
	}
	for i, h := range handlers {
		switch h := h.(type) {
		case bufsize.Bufsize:
			t.bufsize = h.Size
		default:
			if c, ok := h.(Cookies); ok {
				t.cookies = c
			}
			switch h.Name() {
			case "local":
				t.local = true
			case "prometheus":
				counters.prometheus = handlers[min(i+1, len(handlers)-1)].Name()
			case "acl":
				list, err := accessListOf(h)
				if err != nil {
					return nil, err
				}
				t.access, counters.acl = list, true
			}
		}
	}
	all := map[string]*target{}
	for _, zone := range zones {
		one := t
		one.counters = counters
		one.counters.zone, one.counters.requests = zone, map[uint32]prometheus.Counter{}
		all[zone] = &one
	}
	return all, nil
}

// responderOf returns the responder of the first plugins of the chain that have
// one, and the first of them that prefetches. It ends before a plugin that answers and
// has none.
func responderOf(handlers []plugin.Handler) (Responder, Prefetcher) {
	var all []plugin.Handler
	for _, h := range handlers {
		if _, ok := h.(Plugin); ok {
			all = append(all, h)
		} else if plugins[h.Name()] == answers {
			break
		}
	}
	var next Responder
	var prefetcher Prefetcher
	for _, h := range slices.Backward(all) {
		next = &counted{h.(Plugin).FastPath(next), answersTotal.WithLabelValues(h.Name())}
		if p, ok := next.(*counted).Responder.(Prefetcher); ok {
			prefetcher = p
		}
	}
	return next, prefetcher
}
