package fastpath

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/acl"
	"github.com/infobloxopen/go-trees/iptree"
	"github.com/miekg/dns"
)

// An accessList has the rules of plugin acl in a form that needs no allocation for a
// query. It is read from the plugin's parsed rules, because a second parser of their
// grammar might differ from the first one.
type accessList []accessRule

type accessRule struct {
	zones    []string
	policies []accessPolicy
}

type accessPolicy struct {
	allow  bool
	types  map[uint16]bool // nil: all
	ranges []addrRange     // ascending and disjoint
}

type addrRange struct{ first, last netip.Addr }

// The actions of plugin acl. All but allow refuse the query or change its answer.
const (
	actionAllow = 1
	actionDrop  = 4
)

// accessListOf reads the rules. It returns an error if their data structure is unknown,
// as it may be in a later version of plugin acl.
func accessListOf(h plugin.Handler) (list accessList, err error) {
	defer func() {
		if problem := recover(); problem != nil { // of package reflect
			list, err = nil, fmt.Errorf("the rules of plugin acl cannot be read: %v", problem)
		}
	}()
	a, ok := h.(acl.ACL)
	if !ok {
		return nil, fmt.Errorf("the rules of plugin acl cannot be read: they are of a %T", h)
	}
	for _, rule := range reflect.ValueOf(a.Rules).Seq2() {
		r := accessRule{}
		for _, zone := range rule.FieldByName("zones").Seq2() {
			r.zones = append(r.zones, strings.ToLower(zone.String()))
		}
		for _, policy := range rule.FieldByName("policies").Seq2() {
			p, err := policyOf(policy)
			if err != nil {
				return nil, err
			}
			r.policies = append(r.policies, p)
		}
		list = append(list, r)
	}
	return list, nil
}

func policyOf(v reflect.Value) (p accessPolicy, err error) {
	action := v.FieldByName("action").Int()
	if action < actionAllow || action > actionDrop {
		return p, fmt.Errorf("the rules of plugin acl cannot be read: action %d is unknown", action)
	}
	p.allow, p.types = action == actionAllow, map[uint16]bool{}
	for _, qtype := range v.FieldByName("qtypes").MapKeys() {
		p.types[uint16(qtype.Uint())] = true
	}
	if p.types[dns.TypeNone] {
		p.types = nil
	}
	filter := v.FieldByName("filter")
	if filter.Type() != reflect.TypeFor[*iptree.Tree]() {
		return p, fmt.Errorf("the rules of plugin acl cannot be read: the networks are a %s", filter.Type())
	}
	p.ranges, err = rangesOf((*iptree.Tree)(filter.UnsafePointer()))
	return p, err
}

// rangesOf returns the addresses of the tree's networks. Two networks are
// disjoint, or one includes the other.
func rangesOf(networks *iptree.Tree) (all []addrRange, err error) {
	for network := range networks.Enumerate() {
		addr, ok := netip.AddrFromSlice(network.Key.IP)
		bits, size := network.Key.Mask.Size()
		if !ok || size != addr.BitLen() {
			err = fmt.Errorf("the rules of plugin acl cannot be read: %s is not a network", network.Key)
			continue // the channel has to be read to its end
		}
		all = append(all, addrRange{addr, lastOf(addr, bits)})
	}
	slices.SortFunc(all, func(a, b addrRange) int { return a.first.Compare(b.first) })
	disjoint := all[:0]
	for _, r := range all {
		if n := len(disjoint); n == 0 || disjoint[n-1].last.Less(r.first) {
			disjoint = append(disjoint, r)
		} else if disjoint[n-1].last.Less(r.last) {
			disjoint[n-1].last = r.last
		}
	}
	return disjoint, err
}

// lastOf returns the last address of the network that begins with first.
func lastOf(first netip.Addr, bits int) netip.Addr {
	octets := first.AsSlice()
	for i := range octets {
		switch fixed := bits - 8*i; {
		case fixed <= 0:
			octets[i] = 0xff
		case fixed < 8:
			octets[i] |= 0xff >> fixed
		}
	}
	last, _ := netip.AddrFromSlice(octets)
	return last
}

// allows reports whether plugin acl passes the query on.
func (list accessList) allows(q *Query) bool {
	for i := range list {
		rule := &list[i]
		if !withinAny(q.Name, rule.zones) {
			continue
		}
		if p := rule.match(q); p != nil {
			return p.allow
		}
	}
	return true
}

// match returns the first policy that applies to the query, or nil.
func (r *accessRule) match(q *Query) *accessPolicy {
	for i := range r.policies {
		p := &r.policies[i]
		if (p.types == nil || p.types[q.Type]) && contains(p.ranges, q.Client) {
			return p
		}
	}
	return nil
}

// contains reports whether the address is in one of the ranges. IPv4 addresses
// are less than IPv6 ones, so that a range never has both.
func contains(ranges []addrRange, addr netip.Addr) bool {
	low, high := 0, len(ranges)
	for low < high {
		middle := (low + high) / 2
		if ranges[middle].last.Less(addr) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low < len(ranges) && !addr.Less(ranges[low].first)
}

func withinAny(name string, zones []string) bool {
	for _, zone := range zones {
		if within(name, zone) {
			return true
		}
	}
	return false
}

// within reports whether name is zone or below it. Both are in lower case.
func within(name, zone string) bool {
	before, ok := strings.CutSuffix(name, zone)
	return ok && (before == "" || zone == "." || before[len(before)-1] == '.')
}
