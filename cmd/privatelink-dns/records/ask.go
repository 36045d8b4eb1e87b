package records

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/client"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

const parallel = 16 // questions at a time

// ask asks the server for its own data: without RD it asks nobody else.
func (s *server) ask(ctx context.Context, name dnsname.Name, qtype uint16) (reply *dns.Msg, err error) {
	question := new(dns.Msg).SetQuestion(string(name), qtype)
	question.RecursionDesired = false
	question.SetEdns0(1232, false)
	reply, err = client.Exchange(ctx, "udp", s.addr, question)
	if err != nil {
		return nil, fmt.Errorf("ask %s for %s: %w", s.addr, name, err)
	}
	return reply, nil
}

// askAll asks for the apex of the zone and for each name that the inputs have.
func (s *server) askAll(ctx context.Context, zone dnsname.Name) ([]dns.RR, error) {
	questions := s.questions(zone)
	answers, errs := make([][]dns.RR, len(questions)), make([]error, len(questions))
	var done atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, q := range questions {
		if ctx.Err() != nil { // the server has gone
			break
		}
		g.Go(func() error {
			reply, err := s.ask(ctx, dnsname.Name(q.Name), q.Qtype)
			if err != nil {
				return err
			}
			answers[i], errs[i] = pick(reply, q)
			if n := done.Add(1); n%100 == 0 {
				s.out.Progress("%s: %d of %d questions", s.addr, n, len(questions))
			}
			return nil
		})
	}
	err := g.Wait()
	return slices.Concat(answers...), cmp.Or(err, first(errs))
}

func (s *server) questions(zone dnsname.Name) []dns.Question {
	var names []string
	for name, records := range s.known.names {
		if records[0].Zone == zone {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	all := []dns.Question{{Name: string(zone), Qtype: dns.TypeSOA}, {Name: string(zone), Qtype: dns.TypeNS}}
	for _, name := range names {
		all = append(all, dns.Question{Name: name, Qtype: dns.TypeA}, dns.Question{Name: name, Qtype: dns.TypeAAAA})
	}
	return all
}

// pick returns the records of the reply that the name itself has. A name that
// the server does not have is NXDOMAIN in a strict zone and else REFUSED.
func pick(reply *dns.Msg, q dns.Question) ([]dns.RR, error) {
	switch reply.Rcode {
	case dns.RcodeNameError, dns.RcodeRefused:
		return nil, nil
	case dns.RcodeSuccess:
		return slices.DeleteFunc(reply.Answer, func(rr dns.RR) bool {
			return rr.Header().Rrtype != q.Qtype || !casefold.Equal(rr.Header().Name, q.Name)
		}), nil
	}
	return nil, fmt.Errorf("ask for %s: %s", dnsname.Name(q.Name), status(reply))
}

// first returns the first error and says how many more there are.
func first(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return fmt.Errorf("%w, and %d more like this", errs[0], len(errs)-1)
}

// status is the reply's RCODE with its extended error, if any (RFC 8914).
func status(r *dns.Msg) string {
	text := dns.RcodeToString[r.Rcode]
	if code, ok := client.ExtendedError(r); ok {
		text += fmt.Sprintf(", EDE %d (%s)", code, dns.ExtendedErrorCodeToString[code])
	}
	return text
}
