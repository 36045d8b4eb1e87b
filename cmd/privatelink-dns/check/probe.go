package check

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/client"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

const (
	parallel      = 32              // questions at a time
	systemTimeout = 5 * time.Second // for the system's own resolver, and a connection
)

// A target is a DNS server that is asked.
type target struct {
	addr     string // host:port, or "system"
	resolver bool   // the machine's own; else one of ours
	noUDP    error  // why it does not answer over UDP at all
	noTCP    error  // why it does not over TCP

	failures atomic.Int32 // consecutive questions without an answer
}

// maxFailures is the number of unanswered questions after which a target is skipped, so
// that a dead target does not cost one timeout for each name.
const maxFailures = 2 * parallel

var errSkipped = errors.New("it has stopped answering")

// ask asks the target, unless it is skipped.
func (t *target) ask(ctx context.Context, q question) answer {
	if t.failures.Load() >= maxFailures {
		return answer{err: errSkipped}
	}
	a := ask(ctx, q)
	if a.err != nil {
		t.failures.Add(1)
	} else {
		t.failures.Store(0)
	}
	return a
}

// A question is one query to a target.
type question struct {
	to      *target
	network string // udp or tcp
	name    dnsname.Name
	qtype   uint16
}

// An answer is the reply to a question, or the error in its place.
type answer struct {
	err      error // nothing came
	rcode    int
	notReady bool // EDE 14 (RFC 8914)
	addrs    []netip.Addr
}

// A result is the answer to a question about a name.
type result struct {
	question
	answer
}

// ask asks as a stub resolver does, and over TCP where the answer is truncated.
func ask(ctx context.Context, q question) answer {
	if q.to.addr == system {
		return askSystem(ctx, q)
	}
	m := new(dns.Msg).SetQuestion(string(q.name), q.qtype)
	m.SetEdns0(1232, false)
	reply, err := client.Exchange(ctx, q.network, q.to.addr, m)
	if err != nil {
		return answer{err: err}
	}
	return read(reply, q.qtype)
}

func read(reply *dns.Msg, qtype uint16) answer {
	a := answer{rcode: reply.Rcode}
	for _, rr := range reply.Answer {
		var ip net.IP
		switch rr := rr.(type) {
		case *dns.A:
			ip = rr.A
		case *dns.AAAA:
			ip = rr.AAAA
		}
		if addr, ok := netip.AddrFromSlice(ip); ok && rr.Header().Rrtype == qtype {
			a.addrs = append(a.addrs, addr.Unmap())
		}
	}
	slices.SortFunc(a.addrs, netip.Addr.Compare)
	code, ok := client.ExtendedError(reply)
	a.notReady = ok && code == dns.ExtendedErrorCodeNotReady
	return a
}

// system is the machine's own way to resolve a name, where there is no
// /etc/resolv.conf that names a server.
const system = "system"

func askSystem(ctx context.Context, q question) answer {
	ctx, cancel := context.WithTimeout(ctx, systemTimeout)
	defer cancel()
	network := "ip4"
	if q.qtype == dns.TypeAAAA {
		network = "ip6"
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, network, string(q.name))
	var none *net.DNSError
	if errors.As(err, &none) && none.IsNotFound {
		return answer{} // a missing name looks the same as one without an address
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return answer{err: err, addrs: addrs}
}
