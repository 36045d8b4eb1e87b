package check

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// A checker asks the targets for everything in a plan.
type checker struct {
	plan    *plan
	targets []*target
	out     command.Output

	mu   sync.Mutex // guards the results of the names
	done atomic.Int64
}

// run asks. Targets that do not answer are found first, so that nothing waits
// for them once for each name.
func (c *checker) run(ctx context.Context) {
	var g errgroup.Group
	for _, t := range c.targets {
		g.Go(func() error {
			c.probe(ctx, t)
			return nil
		})
	}
	_ = g.Wait()
	jobs := c.jobs()
	g.SetLimit(parallel)
	for _, j := range jobs {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			c.record(j.name, result{j.question, j.to.ask(ctx, j.question)})
			if n := c.done.Add(1); n%50 == 0 {
				c.out.Progress("%d of %d questions", n, len(jobs))
			}
			return nil
		})
	}
	_ = g.Wait()
	c.out.Progress("")
	c.sort()
}

// sort puts the results of each name into the order of the questions, UDP first.
func (c *checker) sort() {
	for _, e := range c.plan.endpoints {
		for _, n := range e.names {
			slices.SortFunc(n.results, func(a, b result) int {
				return cmp.Or(
					cmp.Compare(slices.Index(c.targets, a.to), slices.Index(c.targets, b.to)),
					cmp.Compare(slices.Index(n.forms, a.name), slices.Index(n.forms, b.name)),
					-cmp.Compare(a.network, b.network), cmp.Compare(a.qtype, b.qtype))
			})
		}
	}
}

// probe asks for a zone's own name.
func (c *checker) probe(ctx context.Context, t *target) {
	if len(c.plan.zones) == 0 || t.addr == system {
		return
	}
	t.noUDP = ask(ctx, question{t, "udp", c.plan.zones[0], dns.TypeSOA}).err
	if !t.resolver {
		t.noTCP = ask(ctx, question{t, "tcp", c.plan.zones[0], dns.TypeSOA}).err
	}
}

type job struct {
	name *name
	question
}

// jobs are the questions: of a server of ours each form of each name over UDP
// and TCP, of a resolver the questions that clients ask.
func (c *checker) jobs() (all []job) {
	for _, e := range c.plan.endpoints {
		for _, n := range e.names {
			for _, form := range n.forms {
				for _, t := range c.targets {
					if t.noUDP == nil {
						all = append(all, job{n, question{t, "udp", form, dns.TypeA}}, job{n, question{t, "udp", form, dns.TypeAAAA}})
					}
					if !t.resolver && t.noTCP == nil {
						all = append(all, job{n, question{t, "tcp", form, dns.TypeA}})
					}
				}
			}
		}
	}
	return all
}

func (c *checker) record(n *name, r result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.results = append(n.results, r)
}

// connect returns those of the addresses that take no connection to port 443.
func (c *checker) connect(ctx context.Context) (refused map[netip.Addr]error) {
	var addrs []netip.Addr
	for _, e := range c.plan.endpoints {
		for _, n := range e.names {
			addrs = append(addrs, n.addrs...)
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	addrs = slices.Compact(addrs)
	refused = map[netip.Addr]error{}
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, addr := range addrs {
		c.out.Progress("port 443 of %d of %d addresses", i+1, len(addrs))
		g.Go(func() error {
			conn, err := (&net.Dialer{Timeout: systemTimeout}).DialContext(ctx, "tcp", netip.AddrPortFrom(addr, 443).String())
			if err == nil {
				_ = conn.SetDeadline(time.Now())
				return conn.Close()
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			refused[addr] = err
			return nil
		})
	}
	_ = g.Wait()
	c.out.Progress("")
	return refused
}
