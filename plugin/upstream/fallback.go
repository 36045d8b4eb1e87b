package upstream

import (
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

const (
	// hubTime bounds the query to an upstream that is down beside a fallback resolver.
	hubTime = 500 * time.Millisecond
	// minGrace and maxGrace bound how long an answer of a fallback waits for one of
	// the upstream.
	minGrace = 20 * time.Millisecond
	maxGrace = 200 * time.Millisecond
)

// askFallback asks the fallback resolvers while all upstreams are down. One upstream is
// asked as well and has precedence for two round trips, so that the first query after an
// outage gets the answer of the upstream.
func (u *Upstream) askFallback(q *query, deadline time.Time) (m *dns.Msg, from *server, marked bool, err error) {
	type answer struct {
		m    *dns.Msg
		from *server
		err  error
	}
	hub := make(chan answer, 1)
	go func() {
		m, from, err := ask(q, u.servers, u.cfg.failover, earlier(time.Now().Add(hubTime), deadline))
		hub <- answer{m, from, err}
	}()
	other := make(chan answer, 1)
	go func() {
		servers := u.order(u.fallback)
		if servers == nil {
			servers = u.fallback // they are the last resort
		}
		m, from, err := ask(q, servers, u.cfg.failover, deadline)
		other <- answer{m, from, err}
	}()
	var late answer
	select {
	case first := <-hub:
		if first.err == nil {
			return first.m, first.from, false, nil
		}
		late = <-other
	case late = <-other:
		grace := time.NewTimer(min(max(2*u.servers[0].roundTrip.mean(), minGrace), maxGrace))
		defer grace.Stop()
		select {
		case first := <-hub:
			if first.err == nil {
				return first.m, first.from, false, nil
			}
		case <-grace.C:
		}
	}
	if late.err == nil {
		fallbackTotal.Inc()
	}
	return late.m, late.from, late.err == nil, late.err
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
