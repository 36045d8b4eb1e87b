package fairqueue

import (
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"
)

// A domain is a part of the name space whose questions are slow together: a
// registered domain, or what is one label below it and has half of its places.
type domain struct {
	name           string
	above          *domain // nil for a registered domain
	taken, waiting int
}

// domain returns the domain of a name, see domainsOf.
func (q *Queue) domain(registered, below string) *domain {
	if q.domains == nil {
		q.domains = map[string]*domain{}
	}
	d := q.domains[below]
	if d == nil {
		d = &domain{name: below}
		if below != registered {
			d.above = q.domain(registered, registered)
		}
		q.domains[below] = d
	}
	return d
}

// forget drops a domain that has no question.
func (q *Queue) forget(d *domain) {
	for ; d != nil && d.taken == 0 && d.waiting == 0; d = d.above {
		delete(q.domains, d.name)
	}
}

func (d *domain) count(taken, waiting int) {
	for ; d != nil; d = d.above {
		d.taken += taken
		d.waiting += waiting
	}
}

func (d *domain) top() *domain {
	if d.above != nil {
		return d.above
	}
	return d
}

// domainsOf returns the registered domain of a name by the public suffix list, and
// the domain one label below. Reverse names have none: the networks /16 and /24, or
// /32 and /48, are nearest to who runs their servers.
func domainsOf(name string) (registered, below string) {
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
