package lru

import (
	"strings"

	"github.com/miekg/dns"
)

// A collection has records of one owner and type, each once (RFC 2181, 5).
type collection struct {
	rrs    []dns.RR
	byText map[string][]int // positions by data in lower case; nil if there are few records
}

// add appends a record, unless the collection has it, and returns the number of
// records that it was compared with. Of two that differ in their TTL only, the lower
// one counts (RFC 2181, 5.2).
func (c *collection) add(rr dns.RR) (work int) {
	if len(c.rrs) < few {
		for i := range c.rrs {
			if work++; c.same(i, rr) {
				return work
			}
		}
		c.rrs = append(c.rrs, rr)
		return work
	}
	if c.byText == nil {
		c.byText = map[string][]int{}
		for i, other := range c.rrs {
			text := textOf(other)
			c.byText[text] = append(c.byText[text], i)
		}
	}
	text := textOf(rr)
	for _, i := range c.byText[text] {
		if work++; c.same(i, rr) {
			return work
		}
	}
	if len(c.byText[text]) < few { // only hostile records differ in the case of letters that often
		c.byText[text] = append(c.byText[text], len(c.rrs))
	}
	c.rrs = append(c.rrs, rr)
	return work
}

// same reports whether the record at i is rr, and keeps the lower TTL.
func (c *collection) same(i int, rr dns.RR) bool {
	if !dns.IsDuplicate(rr, c.rrs[i]) {
		return false
	}
	if ttlOf(rr) < ttlOf(c.rrs[i]) {
		c.rrs[i] = rr
	}
	return true
}

// textOf returns the data of a record in lower case.
func textOf(rr dns.RR) string {
	return strings.ToLower(strings.TrimPrefix(rr.String(), rr.Header().String()))
}
