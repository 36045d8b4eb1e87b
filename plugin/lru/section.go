package lru

import (
	"strings"

	"github.com/miekg/dns"
)

// A section indexes the records of a section of a message by owner name.
type section struct {
	all      []dns.RR
	byOwner  map[string][]dns.RR // by name in lower case; nil below indexThreshold
	hasDNAME bool                // the section has a DNAME record
}

// indexThreshold is the number of records up to which a linear search is faster than a
// map.
const indexThreshold = 16

func newSection(rrs []dns.RR) section {
	s := section{all: rrs}
	if len(rrs) > indexThreshold {
		s.byOwner = map[string][]dns.RR{}
	}
	for _, rr := range rrs {
		h := rr.Header()
		s.hasDNAME = s.hasDNAME || h.Rrtype == dns.TypeDNAME
		if s.byOwner != nil {
			owner := strings.ToLower(h.Name)
			s.byOwner[owner] = append(s.byOwner[owner], rr)
		}
	}
	return s
}

// of returns the records of a name in lower case. If there is no index, it returns all
// records.
func (s *section) of(name string) []dns.RR {
	if s.byOwner == nil {
		return s.all
	}
	return s.byOwner[name]
}
