package integration

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// defaultCorefile returns the default Corefile, which enables every safety net of
// CoreDNS, with changes. Each pair of changes is a text and its replacement.
func defaultCorefile(s *server, changes ...string) string {
	s.t.Helper()
	text, err := os.ReadFile("../corefile/default.corefile")
	if err != nil {
		s.t.Fatal(err)
	}
	corefile := s.onLoopback(string(text))
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(corefile, changes[i]) {
			s.t.Fatalf("the default Corefile lacks %q", changes[i])
		}
		corefile = strings.ReplaceAll(corefile, changes[i], changes[i+1])
	}
	return corefile
}

func startDefault(t *testing.T, changes ...string) (*server, *fakedns.Server) {
	t.Helper()
	upstream := fakedns.New(t, public+"$GENERATE 1-95 big.corp.example. 60 A 203.0.113.$\n")
	s := prepare(t, "")
	s.env["UPSTREAM"] = upstream.Addr
	s.write("Corefile", defaultCorefile(s, changes...))
	return s.start(), upstream
}

// query sends a query whose source address is from.
func (s *server) query(network, from, name string, qtype uint16, size uint16) *dns.Msg {
	s.t.Helper()
	client := &dns.Client{Net: network, Timeout: 5 * time.Second, UDPSize: 4096, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}}
	if network == "tcp" {
		client.Dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	m, _, err := client.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype).SetEdns0(size, false), s.addr(""))
	if err != nil {
		s.t.Fatalf("%s %s over %s from %s: %v", name, dns.TypeToString[qtype], network, from, err)
	}
	return m
}

// Plugin loop ends a server that is its own upstream, although lru precedes it and
// coalesces identical queries.
func TestSafetyNetLoop(t *testing.T) {
	t.Parallel()
	s := prepare(t, "")
	s.write("Corefile", defaultCorefile(s, "{$UPSTREAM}", "127.0.0.1:{$PORT}"))
	s.choosePorts()
	cmd := exec.Command(built(t), s.args...)
	cmd.Dir, cmd.Env = s.dir, os.Environ()
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
		if status := cmd.ProcessState.ExitCode(); status != 1 || !strings.Contains(out.String(), "[FATAL] plugin/loop: Loop (127.0.0.1:") {
			t.Errorf("status %d; want 1 and loop's error\n%s", status, out.String())
		}
	case <-time.After(processTimeout):
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		t.Errorf("the server did not end within %s\n%s", processTimeout, out.String())
	}
}

// Plugin loop does not end a server without a loop, even if a client sends queries
// like the plugin's own.
func TestSafetyNetLoopIsQuiet(t *testing.T) {
	t.Parallel()
	s, _ := startDefault(t)
	for range 5 {
		s.query("udp", "127.0.0.1", "4167361529.1871620381", dns.TypeHINFO, 1232)
	}
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
}

// Plugin acl refuses every query of a blocked client, even if the answer is cached.
func TestSafetyNetACL(t *testing.T) {
	t.Parallel()
	needSecondAddress(t)
	s, upstream := startDefault(t, "127.0.0.0/8", "127.0.0.2/32")
	for _, question := range []struct {
		name  string
		qtype uint16
	}{
		{fc1, dns.TypeA}, {blob, dns.TypeA}, {"www.corp.example", dns.TypeA}, {"www.corp.example", dns.TypeANY},
		{"localhost", dns.TypeA}, {"x.onion", dns.TypeA}, {"corp.example", dns.TypeAXFR},
	} {
		if question.qtype != dns.TypeAXFR {
			if m := s.query("udp", "127.0.0.2", question.name, question.qtype, 1232); m.Rcode == dns.RcodeRefused {
				t.Errorf("%s: REFUSED for an allowed client", question.name)
			}
		}
		for _, network := range []string{"udp", "tcp"} {
			if m := s.query(network, "127.0.0.1", question.name, question.qtype, 1232); m.Rcode != dns.RcodeRefused || len(m.Answer) != 0 {
				t.Errorf("%s over %s: %s for a blocked client; want REFUSED", question.name, network, dns.RcodeToString[m.Rcode])
			}
		}
	}
	if n := upstream.Asked("www.corp.example"); n != 1 {
		t.Errorf("the upstream received %d queries; want 1", n)
	}
}

// Queries that plugin any, plugin local or lru answers do not reach the upstream.
func TestSafetyNetNames(t *testing.T) {
	t.Parallel()
	s, upstream := startDefault(t)
	for _, c := range []struct {
		name  string
		qtype uint16
		rcode int
		want  string // the data of the answer
	}{
		{"www.corp.example", dns.TypeANY, dns.RcodeSuccess, `"ANY obsoleted" "See RFC 8482"`},
		{fc1, dns.TypeANY, dns.RcodeSuccess, `"ANY obsoleted" "See RFC 8482"`},
		{"localhost", dns.TypeA, dns.RcodeSuccess, "127.0.0.1"},
		{"x.localhost", dns.TypeAAAA, dns.RcodeSuccess, "::1"},
		{"1.0.0.127.in-addr.arpa", dns.TypePTR, dns.RcodeSuccess, "localhost."},
		{"x.onion", dns.TypeA, dns.RcodeNameError, ""},
		{"x.invalid", dns.TypeA, dns.RcodeNameError, ""},
		{"_dns.resolver.arpa", dns.TypeSVCB, dns.RcodeSuccess, ""},
		{"use-application-dns.net", dns.TypeA, dns.RcodeNameError, ""},
	} {
		m, got := s.query("udp", "127.0.0.1", c.name, c.qtype, 1232), ""
		if len(m.Answer) > 0 {
			got = strings.TrimPrefix(m.Answer[0].String(), m.Answer[0].Header().String())
		}
		if m.Rcode != c.rcode || got != c.want || upstream.Asked(c.name) != 0 {
			t.Errorf("%s: %s %q, %d queries upstream; want %s %q and 0 queries",
				c.name, dns.RcodeToString[m.Rcode], got, upstream.Asked(c.name), dns.RcodeToString[c.rcode], c.want)
		}
	}
}

// Plugin bufsize limits a datagram to 1,232 octets, even if the client allows more, for
// answers from the upstream and from the cache.
func TestSafetyNetBufsize(t *testing.T) {
	t.Parallel()
	s, _ := startDefault(t)
	for range 2 {
		m := s.query("udp", "127.0.0.1", "big.corp.example", dns.TypeA, 4096)
		if m.Compress = true; !m.Truncated || m.Len() > 1232 {
			t.Errorf("%d octets, TC is %v; want at most 1232, and TC", m.Len(), m.Truncated)
		}
		if m := s.query("tcp", "127.0.0.1", "big.corp.example", dns.TypeA, 4096); m.Truncated || len(m.Answer) != 95 {
			t.Errorf("%d records over TCP, TC is %v; want 95", len(m.Answer), m.Truncated)
		}
	}
}

// An outage of the upstream is logged with one line, and so is its end. ready and
// health report success all the time, because the private names are served.
func TestSafetyNetsInAnOutage(t *testing.T) {
	t.Parallel()
	s, upstream := startDefault(t)
	names := []string{"www.corp.example", "web.corp.example", "new.corp.example"}
	for _, name := range names {
		upstream.Script(name, fakedns.Silent)
	}
	for range 2 {
		for _, name := range names {
			s.query("udp", "127.0.0.1", name, dns.TypeA, 1232)
		}
	}
	s.logs(`\[WARNING\] plugin/lru: No answer from the upstream \(\S+ A: .*\): stale answers are served, other names are SERVFAIL`)
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	for _, path := range []string{"http://" + s.addr("_READY") + "/ready", "http://" + s.addr("_HEALTH") + "/health"} {
		resp, err := http.Get(path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s; want 200", path, resp.Status)
		}
	}
	for _, name := range names {
		upstream.Script(name, nil)
	}
	s.becomes("www.corp.example", "NOERROR ra: A 198.51.100.80, A 198.51.100.81")
	s.logs(`\[INFO\] plugin/lru: The upstream answers again after \d+s; \d+ queries had no answer`)
	if n := strings.Count(s.out.String(), "plugin/lru"); n != 2 {
		t.Errorf("lru logs %d lines; want 2", n)
	}
}

// Plugin ready reports success only after the records are loaded.
func TestSafetyNetReady(t *testing.T) {
	t.Parallel()
	s := prepare(t, "")
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("Corefile", defaultCorefile(s))
	s.write("vault.json", "{")
	s.start()
	if got := s.ready(); got != http.StatusServiceUnavailable {
		t.Errorf("/ready is %d with a broken export; want 503", got)
	}
	s.write("vault.json", export(vault...))
	eventually(t, "ready", func() bool { return s.ready() == http.StatusOK })
}
