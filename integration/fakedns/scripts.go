package fakedns

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// A Script gets the answer that the records make and returns what is sent
// instead; nil is silence.
type Script func(*dns.Msg) *dns.Msg

// Script says what happens to the answers for a name from now on; nil ends that.
func (s *Server) Script(name string, script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[strings.ToLower(dns.Fqdn(name))] = script
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
