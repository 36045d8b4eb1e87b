package lru

import (
	"strings"

	"github.com/miekg/dns"
)

// A collection holds records of one owner and type without duplicates (RFC 2181, 5).
type collection struct {
	rrs    []dns.RR
	byText map[string][]int // positions by data in lower case; nil below indexThreshold
}

// add appends a record that is not a duplicate, and returns the number of comparisons.
// If two records differ only in their TTL, the lower one is kept (RFC 2181, 5.2).
func (c *collection) add(rr dns.RR) (compared int) {
	if len(c.rrs) < indexThreshold {
		for i := range c.rrs {
			if compared++; c.mergeDuplicate(i, rr) {
				return compared
			}
		}
		c.rrs = append(c.rrs, rr)
		return compared
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
		if compared++; c.mergeDuplicate(i, rr) {
			return compared
		}
	}
	if len(c.byText[text]) < indexThreshold { // only malicious responses have more records that differ only in letter case
		c.byText[text] = append(c.byText[text], len(c.rrs))
	}
	c.rrs = append(c.rrs, rr)
	return compared
}

// mergeDuplicate reports whether the record at i is a duplicate of rr, and keeps the
// lower TTL.
func (c *collection) mergeDuplicate(i int, rr dns.RR) bool {
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
