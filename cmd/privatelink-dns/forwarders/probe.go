package forwarders

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// probeTimeout is longer than the 4 seconds for which upstream waits for an answer.
const probeTimeout = 6 * time.Second

// probe asks each server for a random name below each parent. No source has the name,
// so that the server passes the query on. If a server behind it forwards the parent to
// it, the query comes back, and nobody answers it. An answer, NXDOMAIN included, proves
// that there is no loop.
func probe(ctx context.Context, t target) (warnings []string) {
	var wait sync.WaitGroup
	found := make([]string, len(t.Servers)*len(t.Suffixes))
	for i, s := range t.Servers {
		for j, suffix := range t.Suffixes {
			wait.Go(func() { found[i*len(t.Suffixes)+j] = t.probeOne(ctx, s, suffix) })
		}
	}
	wait.Wait()
	found = slices.DeleteFunc(found, func(line string) bool { return line == "" })
	return slices.Compact(found) // a server that is not there fails in the same way for each parent
}

// probeOne returns a warning, or "".
func (t target) probeOne(ctx context.Context, s server, suffix string) string {
	query := new(dns.Msg).SetQuestion("loop-probe-"+casefold.Lower(rand.Text())+"."+suffix+".", dns.TypeA)
	client := dns.Client{Timeout: probeTimeout}
	reply, _, err := client.ExchangeContext(ctx, query, s.Colon())
	var failed net.Error
	switch {
	case errors.As(err, &failed) && !failed.Timeout():
		return fmt.Sprintf("-probe: %s: nothing listens there, or no route leads to it: start privatelink-dns, or name the right address with -server", s.Colon())
	case err != nil:
		return fmt.Sprintf("-probe: %s: a random name below %s: %v: %s", s.Colon(), suffix, err, loop(suffix))
	case reply.Rcode == dns.RcodeServerFailure:
		return fmt.Sprintf("-probe: %s: a random name below %s is SERVFAIL: %s", s.Colon(), suffix, loop(suffix))
	case reply.Rcode == dns.RcodeRefused:
		return fmt.Sprintf("-probe: %s: a random name below %s is REFUSED: ask from an address that its access list allows", s.Colon(), suffix)
	}
	return ""
}

func loop(suffix string) string {
	return "a server that it forwards to is down, or forwards " + suffix + " back to it, which is a loop: there must be no such forwarder on its upstream servers"
}
