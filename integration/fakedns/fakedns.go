// Package fakedns is an upstream for tests: a DNS server on the loopback address
// that answers from a zone file as Azure DNS does for public names, or as a
// script says.
package fakedns

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// A Server answers on one port over UDP and TCP.
type Server struct {
	Addr string // host:port

	udp, tcp *dns.Server
	records  map[string][]dns.RR // by owner in lower case; nil for a name that only has names below it

	mu      sync.Mutex
	scripts map[string]Script
	rest    Script // for the names without a script
	asked   map[string]int
}

// New starts a server with the records of a zone file. It ends with the test.
func New(t testing.TB, zone string) *Server {
	t.Helper()
	s := &Server{records: map[string][]dns.RR{}, scripts: map[string]Script{}, asked: map[string]int{}}
	parser := dns.NewZoneParser(strings.NewReader(zone), ".", "zone")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		name := strings.ToLower(rr.Header().Name)
		s.records[name] = append(s.records[name], rr)
		for off, end := dns.NextLabel(name, 0); !end; off, end = dns.NextLabel(name, off) {
			s.records[name[off:]] = append(s.records[name[off:]], nil...) // it exists now
		}
	}
	err := parser.Err()
	for try := 0; err == nil && s.tcp == nil && try < 10; try++ {
		err = s.listen()
	}
	if err != nil || s.tcp == nil {
		t.Fatalf("fakedns: no server: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// listen starts both servers, or none if the UDP port that the system chose is
// taken over TCP.
func (s *Server) listen() error {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.Addr = udp.LocalAddr().String()
	tcp, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return udp.Close()
	}
	s.udp, s.tcp = &dns.Server{PacketConn: udp, Handler: s}, &dns.Server{Listener: tcp, Handler: s}
	for _, server := range []*dns.Server{s.udp, s.tcp} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go server.ActivateAndServe() //nolint:errcheck // it ends by Close
		<-started
	}
	return nil
}

// Close ends the server: from then on its port refuses. It may be called twice.
func (s *Server) Close() {
	s.udp.Shutdown() //nolint:errcheck // closed already
	s.tcp.Shutdown() //nolint:errcheck // the same
}

// Asked returns how many queries there were for a name.
func (s *Server) Asked(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[strings.ToLower(dns.Fqdn(name))]
}

// Total returns how many queries there were.
func (s *Server) Total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, asked := range s.asked {
		n += asked
	}
	return n
}

// ServeDNS implements dns.Handler.
func (s *Server) ServeDNS(w dns.ResponseWriter, r *dns.Msg) {
	name, size := strings.ToLower(r.Question[0].Name), dns.MinMsgSize
	s.mu.Lock()
	s.asked[name]++
	script := s.scripts[name]
	if script == nil {
		script = s.rest
	}
	s.mu.Unlock()

	m := s.answer(r)
	if opt := r.IsEdns0(); opt != nil {
		m.SetEdns0(1232, opt.Do())
		size = int(opt.UDPSize())
	}
	if script != nil {
		m = script(m)
	}
	if m == nil {
		return
	}
	if w.RemoteAddr().Network() == "udp" {
		m.Truncate(size)
	}
	w.WriteMsg(m) //nolint:errcheck // the client has gone
}

// answer returns the whole chain from the question, a loop once. The end of the
// chain decides the RCODE; a negative answer has the SOA that is nearest above it.
func (s *Server) answer(r *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(r)
	m.RecursionAvailable = true
	qtype, seen := r.Question[0].Qtype, map[string]bool{}
	name, found := r.Question[0].Name, false
	for next := name; next != "" && !seen[strings.ToLower(next)]; {
		name, next, found = next, "", false
		seen[strings.ToLower(name)] = true
		for _, rr := range s.records[strings.ToLower(name)] {
			cname, ok := rr.(*dns.CNAME)
			if !ok && rr.Header().Rrtype != qtype {
				continue
			}
			if ok && qtype != dns.TypeCNAME {
				next = cname.Target
			}
			rr, found = dns.Copy(rr), true
			rr.Header().Name = name // spelt as asked
			m.Answer = append(m.Answer, rr)
		}
	}
	if !found {
		s.negative(m, strings.ToLower(name))
	}
	return m
}

func (s *Server) negative(m *dns.Msg, name string) {
	if _, exists := s.records[name]; !exists {
		m.Rcode = dns.RcodeNameError
	}
	for off, end := 0, false; !end && m.Ns == nil; off, end = dns.NextLabel(name, off) {
		for _, rr := range s.records[name[off:]] {
			if rr.Header().Rrtype == dns.TypeSOA {
				m.Ns = []dns.RR{dns.Copy(rr)}
			}
		}
	}
}
