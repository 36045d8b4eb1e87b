package lru

import (
	"net"
	"testing"

	"github.com/miekg/dns"
)

// RFC 6840, 5.8: AD is set for clients that set AD or DO.
func TestRFC6840AD(t *testing.T) {
	for _, c := range []struct {
		name   string
		ad, do bool
		reply  string
		want   bool
	}{
		{"neither", false, false, "NOERROR ad: w.example. 60 A 192.0.2.1", false},
		{"AD", true, false, "NOERROR ad: w.example. 60 A 192.0.2.1", true},
		{"DO", false, true, "NOERROR ad: w.example. 60 A 192.0.2.1", true},
		{"AD, not validated", true, false, "NOERROR: w.example. 60 A 192.0.2.1", false},
		{"AD, failure", true, true, "SERVFAIL ad:", false},
	} {
		u := &upstream{}
		u.responds(t, c.reply)
		l := newLRU(u, 10)
		r := query("w.example.", "A").SetEdns0(1232, c.do)
		r.AuthenticatedData = c.ad
		for range 2 { // from the upstream and from memory
			if got := ask(t, l, r).AuthenticatedData; got != c.want {
				t.Errorf("%s: AD is %v; want %v", c.name, got, c.want)
			}
		}
	}
}

// RFC 6840, 5.7 and 5.8: the upstream query sets AD, because an upstream reports AD only
// if the query has AD or DO. One flight serves clients with and without AD.
func TestRFC6840ADIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		name   string
		ad, do bool
		want   bool
	}{
		{"AD", true, false, true},
		{"neither", false, false, false},
		{"AD again", true, false, true},
		{"DO", false, true, true},
		{"AD and DO", true, true, true},
	} {
		for _, first := range []bool{false, true} { // the client whose query goes upstream sets AD
			u := &upstream{}
			u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
				m := responseTo(parseReply(t, "NOERROR: w.example. 60 A 192.0.2.1"), r)
				opt := r.IsEdns0()
				m.AuthenticatedData = r.AuthenticatedData || opt != nil && opt.Do()
				return m
			})
			l := newLRU(u, 10)
			r := query("w.example.", "A").SetEdns0(1232, c.do)
			r.AuthenticatedData = first
			ask(t, l, r)
			r.AuthenticatedData = c.ad
			if got := ask(t, l, r).AuthenticatedData; got != c.want || u.asked.Load() != 1 {
				t.Errorf("%s, after AD %v: AD is %v after %d questions; want %v after 1", c.name, first, got, u.asked.Load(), c.want)
			}
		}
	}
}

// An upstream that supports neither EDNS nor AD is asked without them.
func TestOldUpstream(t *testing.T) {
	u := &upstream{}
	u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
		if r.AuthenticatedData || r.IsEdns0() != nil {
			return responseTo(parseReply(t, "FORMERR:"), r)
		}
		return responseTo(parseReply(t, aText), r)
	})
	if got := show(ask(t, newLRU(u, 10), query("www.example.", "A"))); got != aText {
		t.Errorf("%s; want %s", got, aText)
	}
}
