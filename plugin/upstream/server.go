package upstream

import (
	"context"
	"time"

	"github.com/miekg/dns"
)

// A server is one upstream or fallback resolver.
type server struct {
	endpoint
	*counters
	name      string // the endpoint as text
	network   network
	streaming bool // TCP or TLS for each query
	hasOthers bool // there are other upstreams
	roundTrip roundTrip
	health    health
	pool      pool
	probe     probeConfig

	ctx  context.Context // ends with the instance
	stop context.CancelFunc
}

func newServer(e endpoint, cfg *config, n network, changed func()) *server {
	s := &server{endpoint: e, name: e.String(), counters: newCounters(e), network: n, streaming: e.tls || cfg.forceTCP, probe: cfg.probe}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.health.changed = changed
	s.pool = pool{server: s, expire: cfg.expire, maxAge: cfg.maxAge}
	return s
}

// close ends probes and connections. Attempts under way end by their deadline.
func (s *server) close() {
	s.stop()
	s.pool.close()
}

// responded notes a response that matches its query.
func (s *server) responded(m *dns.Msg, took time.Duration) {
	s.roundTrip.add(took)
	s.counters.response(m.Rcode, took)
	s.heard(time.Now())
}
