package upstream

import (
	"errors"
	"slices"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/exchange"
)

// prepare turns a response into the reply to a request. Its OPT record is a new one with
// the extended errors, because a response may have several (RFC 6891, 6.1.1).
func prepare(m, r *dns.Msg) {
	m.Id, m.Question, m.RecursionDesired = r.Id, r.Question, r.RecursionDesired
	m.Authoritative, m.Zero = false, false
	opt, asked := takeOPT(m), r.IsEdns0()
	if opt == nil || asked == nil {
		return
	}
	m.SetEdns0(ednsSize, asked.Do())
	m.IsEdns0().Option = slices.DeleteFunc(opt.Option, func(o dns.EDNS0) bool { return o.Option() != dns.EDNS0EDE })
}

// takeOPT removes all OPT records, also those outside the additional section, and returns
// the first one of that section.
func takeOPT(m *dns.Msg) (first *dns.OPT) {
	isOPT := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT }
	if i := slices.IndexFunc(m.Extra, isOPT); i >= 0 {
		first = m.Extra[i].(*dns.OPT)
	}
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		*section = slices.DeleteFunc(*section, isOPT)
	}
	return first
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
