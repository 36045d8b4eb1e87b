package fairqueue

import (
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"
)

// A domain counts the queries of a registered domain, or of a subdomain of one more label,
// because the same servers answer them.
type domain struct {
	name           string
	parent         *domain // nil for a registered domain
	inUse, waiting int
}

// domain returns the counter of a subdomain, see domainsOf. It adds a missing one.
func (q *Queue) domain(registered, subdomain string) *domain {
	if q.domains == nil {
		q.domains = map[string]*domain{}
	}
	d := q.domains[subdomain]
	if d == nil {
		d = &domain{name: subdomain}
		if subdomain != registered {
			d.parent = q.domain(registered, registered)
		}
		q.domains[subdomain] = d
	}
	return d
}

// removeIdle removes a domain without queries, and then its parent.
func (q *Queue) removeIdle(d *domain) {
	for ; d != nil && d.inUse == 0 && d.waiting == 0; d = d.parent {
		delete(q.domains, d.name)
	}
}

// count changes the numbers of the domain and of its parent.
func (d *domain) count(inUse, waiting int) {
	for ; d != nil; d = d.parent {
		d.inUse += inUse
		d.waiting += waiting
	}
}

// registered returns the domain itself, or the parent of a subdomain.
func (d *domain) registered() *domain {
	if d.parent != nil {
		return d.parent
	}
	return d
}

// domainsOf returns the registered domain of a name by the public suffix list, and its
// subdomain of one more label. Reverse names have no registered domain. Here the networks
// /16 and /24, or /32 and /48, are used, because one operator often runs the servers of
// such a network.
func domainsOf(name string) (registered, subdomain string) {
	labels, more := 0, 1
	switch {
	case strings.HasSuffix(name, ".in-addr.arpa."):
		labels = 4
	case strings.HasSuffix(name, ".ip6.arpa."):
		labels, more = 10, 4
	case name == ".":
		return name, name
	default:
		suffix, _ := publicsuffix.PublicSuffix(strings.TrimSuffix(name, "."))
		labels = strings.Count(suffix, ".") + 2
	}
	return lastLabels(name, labels), lastLabels(name, labels+more)
}

func lastLabels(name string, n int) string {
	if at, start := dns.PrevLabel(name, n); !start {
		return name[at:]
	}
	return name
}
