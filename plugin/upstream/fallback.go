package upstream

import (
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

const (
	// downTime bounds the query to an upstream that is down beside a fallback resolver.
	downTime = 500 * time.Millisecond
	// minGrace and maxGrace bound how long an answer of a fallback waits for one of
	// the upstream.
	minGrace = 20 * time.Millisecond
	maxGrace = 200 * time.Millisecond
)

// askFallback asks the fallback resolvers while all upstreams are down. One upstream is
// asked as well and has precedence for two round trips, so that the first query after an
// outage gets the answer of the upstream.
func (u *Upstream) askFallback(q *query, deadline time.Time) (m *dns.Msg, from *server, byFallback bool, err error) {
	upstream := u.start(q, u.servers, earlier(time.Now().Add(downTime), deadline))
	resolvers := u.order(u.fallback)
	if resolvers == nil {
		resolvers = u.fallback // they are the last resort
	}
	fallback := u.start(q, resolvers, deadline)
	var first, last groupAnswer
	select {
	case first = <-upstream:
		if first.err != nil {
			last = <-fallback
		}
	case last = <-fallback:
		first = u.awaitUpstream(upstream)
	}
	if first.m != nil && first.err == nil {
		return first.m, first.from, false, nil
	}
	if last.err == nil {
		fallbackTotal.Inc()
	}
	return last.m, last.from, last.err == nil, last.err
}

// A groupAnswer is the response of some servers, or their error.
type groupAnswer struct {
	m    *dns.Msg
	from *server
	err  error
}

// start asks the servers in the background.
func (u *Upstream) start(q *query, servers []*server, deadline time.Time) <-chan groupAnswer {
	done := make(chan groupAnswer, 1)
	go func() {
		m, from, err := ask(q, servers, u.cfg.failover, deadline)
		done <- groupAnswer{m, from, err}
	}()
	return done
}

// awaitUpstream waits two round trips of the upstream for its answer.
func (u *Upstream) awaitUpstream(upstream <-chan groupAnswer) groupAnswer {
	grace := time.NewTimer(min(max(2*u.servers[0].roundTrip.mean(), minGrace), maxGrace))
	defer grace.Stop()
	select {
	case first := <-upstream:
		return first
	case <-grace.C:
		return groupAnswer{}
	}
}

// alwaysPrivate are private by RFC 1918 and RFC 4193; internal is reserved by ICANN.
var alwaysPrivate = privateZones()

func privateZones() []string {
	all := []string{"internal."}
	for _, network := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"} {
		all = append(all, plugin.Host(network).NormalizeExact()...)
	}
	return all
}

func within(name string, zones []string) bool { return plugin.Zones(zones).Matches(name) != "" }
