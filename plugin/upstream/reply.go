package upstream

import (
	"errors"
	"slices"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
)

// prepare turns a response into the reply to a request. Of EDNS only the extended errors
// are returned.
func prepare(m, r *dns.Msg) {
	m.Id, m.Question, m.RecursionDesired = r.Id, r.Question, r.RecursionDesired
	m.Authoritative, m.Zero = false, false
	opt := m.IsEdns0()
	if opt == nil {
		return
	}
	if r.IsEdns0() == nil {
		m.Extra = slices.DeleteFunc(m.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT })
		return
	}
	opt.Option = slices.DeleteFunc(opt.Option, func(o dns.EDNS0) bool { return o.Option() != dns.EDNS0EDE })
}

// failureReply returns SERVFAIL with an extended error (RFC 8914).
func failureReply(r *dns.Msg, err error) *dns.Msg {
	m := new(dns.Msg).SetRcode(r, dns.RcodeServerFailure)
	m.RecursionAvailable = true
	if r.IsEdns0() == nil {
		return m
	}
	code := dns.ExtendedErrorCodeNetworkError
	if errors.Is(err, errDown) || errors.Is(err, errSilent) || errors.Is(err, exchange.ErrBusy) {
		code = dns.ExtendedErrorCodeNoReachableAuthority
	}
	addEDE(m, code)
	return m
}

func addEDE(m *dns.Msg, code uint16) {
	m.SetEdns0(ednsSize, false)
	opt := m.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: code})
}
