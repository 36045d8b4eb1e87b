package fakedns

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A Script gets the answer of the records and returns the message to send instead;
// nil is silence.
type Script func(*dns.Msg) *dns.Msg

// Script sets the script for the answers for a name from now on; nil removes it.
func (s *Server) Script(name string, script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[strings.ToLower(dns.Fqdn(name))] = script
}

// Rest determines the answers for all names without a script of their own; nil ends
// that.
func (s *Server) Rest(script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = script
}

// Answer is a Script: the answer that this server's records make.
func (s *Server) Answer(m *dns.Msg) *dns.Msg {
	return s.answer(&dns.Msg{MsgHdr: m.MsgHdr, Question: m.Question})
}

// Slow sends the answer after a time.
func Slow(d time.Duration) Script {
	return func(m *dns.Msg) *dns.Msg {
		<-time.After(d)
		return m
	}
}

// Lies sends one record for every question that has its type, and NODATA otherwise.
func Lies(data dns.RR) Script {
	return func(m *dns.Msg) *dns.Msg {
		m.Rcode, m.Answer, m.Ns = dns.RcodeSuccess, nil, nil
		if q := m.Question[0]; q.Qtype == data.Header().Rrtype {
			rr := dns.Copy(data)
			rr.Header().Name = q.Name
			m.Answer = []dns.RR{rr}
		}
		return m
	}
}

// Silent sends nothing.
func Silent(*dns.Msg) *dns.Msg { return nil }

// Rcode sends the code without records.
func Rcode(code int) Script {
	return func(m *dns.Msg) *dns.Msg {
		m.Rcode, m.Answer, m.Ns = code, nil, nil
		return m
	}
}

// Unordered sends the answer section from its end.
func Unordered(m *dns.Msg) *dns.Msg {
	slices.Reverse(m.Answer)
	return m
}

// Truncated sends the first record and TC, over TCP too.
func Truncated(m *dns.Msg) *dns.Msg {
	m.Truncated, m.Answer, m.Ns = true, m.Answer[:min(1, len(m.Answer))], nil
	return m
}
