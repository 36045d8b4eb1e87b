package lru

import (
	"strings"

	"github.com/miekg/dns"
)

// A section is the records of one section of a message, to be found by owner.
type section struct {
	all     []dns.RR
	byOwner map[string][]dns.RR // by name in lower case; nil if there are few records
	dname   bool                // there is a DNAME record
}

// few records are looked through faster than put into a map.
const few = 16

func sectionOf(rrs []dns.RR) section {
	s := section{all: rrs}
	if len(rrs) > few {
		s.byOwner = map[string][]dns.RR{}
	}
	for _, rr := range rrs {
		h := rr.Header()
		s.dname = s.dname || h.Rrtype == dns.TypeDNAME
		if s.byOwner != nil {
			owner := strings.ToLower(h.Name)
			s.byOwner[owner] = append(s.byOwner[owner], rr)
		}
	}
	return s
}

// of returns the records of a name in lower case, and others if there are few.
func (s *section) of(name string) []dns.RR {
	if s.byOwner == nil {
		return s.all
	}
	return s.byOwner[name]
}
