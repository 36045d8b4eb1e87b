package records

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A server is a running one whose records are read.
type server struct {
	addr  string // host:port
	known known
	out   command.Output

	set     set
	refused []dnsname.Name // zones that it does not transfer
	client  string         // our address, as it sees it
}

// known has the zones and names of the inputs, which the server may have.
type known struct {
	zones []dnsname.Name
	names map[dnsname.Name][]record // by owner
	geos  cloud.Cloud               // whose Backup zones are also looked for; or zero
}

// read returns the server's records. If a server answers in part, the
// set has the records that could be read, and the error of the rest.
func (s *server) read(ctx context.Context) (set, error) {
	zones, err := s.served(ctx)
	if err != nil {
		return set{}, err
	}
	for _, zone := range zones {
		s.out.Progress("%s: %s", s.addr, zone)
		rrs, err := s.records(ctx, zone)
		if err != nil {
			s.set.failed = errors.Join(s.set.failed, fmt.Errorf("%s: %s: %w", s.addr, zone, err))
		}
		if len(rrs) > 0 {
			s.add(zone, rrs)
		}
	}
	s.out.Progress("")
	if len(s.refused) > 0 {
		s.set.warnings = append(s.set.warnings, s.remedy())
	}
	s.set.sort()
	return s.set, ctx.Err()
}

// records transfers the zone. A server that refuses is asked name by name.
func (s *server) records(ctx context.Context, zone dnsname.Name) ([]dns.RR, error) {
	rrs, err := s.transfer(ctx, zone)
	if !errors.Is(err, errRefused) {
		return rrs, err
	}
	s.refused = append(s.refused, zone)
	return s.askAll(ctx, zone)
}

func (s *server) remedy() string {
	return fmt.Sprintf("%s does not transfer %s: the names that the input has are asked for one by one, others are not seen.\n"+
		"To see all of them put this into the server block that privatelink is in:\n\n    transfer {\n        to %s\n    }\n",
		s.addr, dnsname.Join(s.refused, ", "), s.client)
}

// served returns the zones that the server has, of those that the inputs know
// and of all Backup zones: these come with their first record.
func (s *server) served(ctx context.Context) ([]dnsname.Name, error) {
	guesses := slices.Clone(s.known.zones)
	for _, geo := range s.known.geos.Geos() {
		if zone := s.known.geos.BackupZone(geo); !slices.Contains(guesses, zone) {
			guesses = append(guesses, zone)
		}
	}
	replies, errs := make([]*dns.Msg, len(guesses)), make([]error, len(guesses))
	if replies[0], errs[0] = s.ask(ctx, guesses[0], dns.TypeSOA); errs[0] != nil {
		return nil, errs[0] // nobody is there: the others need not time out as well
	}
	var g errgroup.Group
	g.SetLimit(parallel)
	for i := 1; i < len(guesses); i++ {
		g.Go(func() error {
			replies[i], errs[i] = s.ask(ctx, guesses[i], dns.TypeSOA)
			return nil
		})
	}
	_ = g.Wait()
	return s.splitServed(guesses, replies, errs)
}

// splitServed separates the zones that are served from those that are not.
func (s *server) splitServed(guesses []dnsname.Name, replies []*dns.Msg, errs []error) (zones []dnsname.Name, err error) {
	var lacking []string
	for i, zone := range guesses {
		expected := i < len(s.known.zones)
		switch {
		case errs[i] == nil && isApex(replies[i], zone):
			zones = append(zones, zone)
		case !expected:
		case errs[i] != nil:
			s.set.failed = errors.Join(s.set.failed, errs[i])
		case replies[i].Rcode == dns.RcodeServerFailure: // a secondary whose zone has expired, say
			s.set.failed = errors.Join(s.set.failed, fmt.Errorf("%s: %s: %s", s.addr, zone, status(replies[i])))
		default:
			lacking = append(lacking, fmt.Sprintf("%s (%s)", zone, status(replies[i])))
		}
	}
	if len(zones) == 0 {
		return nil, errors.Join(s.set.failed, fmt.Errorf(
			"%s serves none of the zones %s: is it the right server, and does its acl let this machine ask?", s.addr, strings.Join(lacking, ", ")))
	}
	if len(lacking) > 0 {
		s.set.warnings = append(s.set.warnings, fmt.Sprintf("%s does not serve %s", s.addr, strings.Join(lacking, ", ")))
	}
	return zones, nil
}

// isApex reports whether the reply to a question for the SOA record is that of a
// server that has the zone.
func isApex(r *dns.Msg, zone dnsname.Name) bool {
	return r.Authoritative && slices.ContainsFunc(r.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeSOA && casefold.Equal(rr.Header().Name, string(zone))
	})
}

// add adds the records of a zone that the server sent.
func (s *server) add(name dnsname.Name, rrs []dns.RR) {
	z, others := &zoneRecords{name: name}, 0
	for _, rr := range rrs {
		switch owner, addr := dnsname.Name(casefold.Lower(rr.Header().Name)), addrOf(rr); {
		case addr.IsValid():
			z.records = append(z.records, s.record(record{Zone: name, Name: owner, Type: rrtype(addr), Address: addr, TTL: rr.Header().Ttl}))
		case owner == name:
			z.apex = append(z.apex, rr)
		default:
			others++
		}
	}
	if others > 0 {
		s.set.warnings = append(s.set.warnings, fmt.Sprintf("%s: %s: %s of other types than A and AAAA, not shown", s.addr, name, command.Count(others, "record")))
	}
	s.set.zones = append(s.set.zones, z)
}

// record completes r with the data of the inputs.
func (s *server) record(r record) record {
	r.From, r.Aliases = "server "+s.addr, input.PublicNames(r.Zone, r.Name)
	for _, same := range s.known.names[r.Name] {
		if r.Aliases = same.Aliases; same.Address == r.Address {
			r.Endpoint, r.Target = same.Endpoint, same.Target
			break
		}
	}
	return r
}
