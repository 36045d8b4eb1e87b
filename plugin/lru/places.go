package lru

import (
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"
)

const (
	// maxFlights is what Azure's resolver queues for a machine before it drops.
	maxFlights = 200
	// maxOfDomain is how many of them one domain may have. The rule is that a domain
	// never has more places than are left for all others, so that one whose servers
	// are slow turns nobody else away.
	maxOfDomain = maxFlights / 2
	// maxWaiting is how many questions may wait for a place. The same rule holds.
	maxWaiting = 1000
)

// places are the right to have a question upstream. Questions for one domain wait
// for each other when they are slow; those of a fast one get a place within
// milliseconds. The mutex of flights guards them.
type places struct {
	taken   int
	domains map[string]*domain
	waiting []*place // the longest first
}

// A domain is a part of the name space whose questions are slow together: a
// registered domain, or what is one label below it and has half of its places.
type domain struct {
	name           string
	above          *domain // nil for a registered domain
	taken, waiting int
}

// A place belongs to one question.
type place struct {
	of    *domain
	ready chan struct{} // closed when the question may go upstream; nil if it need not wait
	taken bool
}

// enter returns a place for a question, which may have to wait for it, or nil if
// there are too many.
func (p *places) enter(registered, below string, mayWait bool) *place {
	one := &place{of: p.domain(registered, below)}
	switch {
	case p.free(one.of):
		p.take(one)
	case mayWait && one.of.top().waiting < maxWaiting-len(p.waiting):
		one.ready = make(chan struct{})
		p.waiting = append(p.waiting, one)
		one.of.count(0, 1)
	default:
		p.forget(one.of)
		return nil
	}
	return one
}

// leave frees a place, or ends the wait for one, and hands out what is free.
func (p *places) leave(one *place) {
	if one.taken {
		p.taken--
		one.of.count(-1, 0)
	} else {
		one.of.count(0, -1)
	}
	p.forget(one.of)
	still := p.waiting[:0]
	for _, next := range p.waiting {
		switch {
		case next == one:
		case p.free(next.of):
			next.of.count(0, -1)
			p.take(next)
			close(next.ready)
		default:
			still = append(still, next)
		}
	}
	clear(p.waiting[len(still):])
	p.waiting = still
}

func (p *places) take(one *place) {
	p.taken++
	one.of.count(1, 0)
	one.taken = true
}

// free reports whether there is a place for a question of the domain.
func (p *places) free(d *domain) bool {
	top := d.top()
	return top.taken < maxFlights-p.taken && (top == d || d.taken < maxOfDomain-top.taken)
}

// domain returns the domain of a name, see domainsOf.
func (p *places) domain(registered, below string) *domain {
	if p.domains == nil {
		p.domains = map[string]*domain{}
	}
	d := p.domains[below]
	if d == nil {
		d = &domain{name: below}
		if below != registered {
			d.above = p.domain(registered, registered)
		}
		p.domains[below] = d
	}
	return d
}

// forget drops a domain that has no question.
func (p *places) forget(d *domain) {
	for ; d != nil && d.taken == 0 && d.waiting == 0; d = d.above {
		delete(p.domains, d.name)
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
