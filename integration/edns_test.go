package integration

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// ednsOf formats the OPT record of a message.
func ednsOf(m *dns.Msg) string {
	opt := m.IsEdns0()
	if opt == nil {
		return "none"
	}
	text := fmt.Sprintf("version %d, size %d", opt.Version(), opt.UDPSize())
	if opt.Do() {
		text += ", DO"
	}
	if opt.Z() != 0 {
		text += fmt.Sprintf(", flags %#x", opt.Z())
	}
	for _, option := range opt.Option {
		text += fmt.Sprintf(", option %d", option.Option())
	}
	return text
}

// The answer does not depend on the client's EDNS. Unknown options are ignored, and
// a client that sends no OPT record receives none (RFC 6891, 6.1).
func TestEDNS(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, cached("fastpath"))
	options := func(all ...dns.EDNS0) func(*dns.Msg) {
		return func(m *dns.Msg) { m.SetEdns0(1232, false).IsEdns0().Option = all }
	}
	sized := func(size uint16, do bool) func(*dns.Msg) { return func(m *dns.Msg) { m.SetEdns0(size, do) } }
	for _, tt := range []struct {
		name   string
		change func(*dns.Msg)
		want   string
	}{
		{"no EDNS", func(*dns.Msg) {}, "none"},
		{"size 0", sized(0, false), "version 0, size 0"},
		{"size 100", sized(100, false), "version 0, size 100"},
		{"size 1232", sized(1232, false), "version 0, size 1232"},
		{"size 65535", sized(65535, false), "version 0, size 65535"},
		{"DO", sized(1232, true), "version 0, size 1232, DO"},
		{"unknown option", options(&dns.EDNS0_LOCAL{Code: 65001, Data: []byte{1, 2, 3}}), "version 0, size 1232"},
		{"NSID", options(&dns.EDNS0_NSID{Code: dns.EDNS0NSID}), "version 0, size 1232"},
		{"cookie", options(&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}), "version 0, size 1232, option 10"},
		{"padding", options(&dns.EDNS0_PADDING{Padding: make([]byte, 300)}), "version 0, size 1232"},
		{"client subnet", options(&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(192, 0, 2, 0)}), "version 0, size 1232"},
		{"keepalive", options(&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}), "version 0, size 1232; over TCP also option 11"},
		{"reserved flags", func(m *dns.Msg) { m.SetEdns0(1232, false).IsEdns0().Hdr.Ttl |= 0x7fff }, "version 0, size 1232"},
	} {
		for name, want := range map[string]string{
			fc1:                "NOERROR aa ra: A 10.20.0.4",
			blob:               "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12",
			"www.corp.example": "NOERROR ra: A 198.51.100.80, A 198.51.100.81",
		} {
			for _, network := range []string{"udp", "tcp"} {
				t.Run(tt.name+"/"+name+"/"+network, func(t *testing.T) {
					q := question(name, dns.TypeA)
					tt.change(q)
					m := exchange(t, network, s.addr(""), q)
					if got := summary(m); got != want {
						t.Errorf("answer %s; want %s", got, want)
					}
					want, overTCP, _ := strings.Cut(tt.want, "; over TCP also ")
					if network == "tcp" && overTCP != "" {
						want += ", " + overTCP
					}
					if got := ednsOf(m); got != want {
						t.Errorf("EDNS: %s; want %s", got, want)
					}
				})
			}
		}
	}
}

// twoOPT adds two OPT records and returns the first one.
func twoOPT(m *dns.Msg) *dns.OPT {
	return m.SetEdns0(1232, false).SetEdns0(1232, false).Extra[0].(*dns.OPT)
}

// cookied adds a cookie of any length.
func cookied(m *dns.Msg, cookie []byte) {
	m.SetEdns0(1232, false).IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: dns.EDNS0COOKIE, Data: cookie}}
}

func TestEDNSErrors(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, cached())
	for _, tt := range []struct {
		name, question string
		change         func(*dns.Msg)
		want           int
	}{
		{"version 1", fc1, func(m *dns.Msg) { m.SetEdns0(1232, false).IsEdns0().SetVersion(1) }, dns.RcodeBadVers},
		{"version 255, foreign name", "www.corp.example", func(m *dns.Msg) { m.SetEdns0(1232, false).IsEdns0().SetVersion(255) }, dns.RcodeBadVers},
		{"short cookie", fc1, func(m *dns.Msg) { cookied(m, []byte{1, 2, 3}) }, dns.RcodeFormatError},
		{"short cookie, foreign name", "www.corp.example", func(m *dns.Msg) { cookied(m, []byte{1, 2, 3}) }, dns.RcodeFormatError},
		{"two OPT records", fc1, func(m *dns.Msg) { twoOPT(m) }, dns.RcodeFormatError},
		{"two OPT records, foreign name", "www.corp.example", func(m *dns.Msg) { twoOPT(m) }, dns.RcodeFormatError},
		{"two OPT records, one with version 1", fc1, func(m *dns.Msg) { twoOPT(m).SetVersion(1) }, dns.RcodeFormatError},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tt.name+"/"+network, func(t *testing.T) {
				q := question(tt.question, dns.TypeA)
				tt.change(q)
				m := exchange(t, network, s.addr(""), q)
				if m.Rcode != tt.want || len(m.Answer) != 0 {
					t.Errorf("%v; want RCODE %d and no answer", m, tt.want)
				}
			})
		}
	}
	if n := upstream.Asked("www.corp.example"); n != 0 {
		t.Errorf("upstream received %d queries; want 0", n)
	}
}

// EDNS is hop by hop (RFC 6891, 6.1.1): lru does not forward a client's options,
// such as its subnet or cookie.
func TestClientOptionsAreNotForwarded(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var received []string
	upstream := azure(t)
	s := prepare(t, cached())
	s.env["UPSTREAM"] = handle(t, "127.0.0.1", dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		mu.Lock()
		received = append(received, ednsOf(r))
		mu.Unlock()
		upstream.ServeDNS(w, r)
	}))
	s.write("vault.json", export(vault...))
	s.start()
	for _, option := range []string{"+subnet=198.51.100.0/24", "+cookie=0011223344556677", "+nsid", "+padding=128", "+ednsopt=65001:aabb", "+noedns"} {
		name := strings.Trim(strings.NewReplacer("=", "", ".", "", "/", "", ":", "").Replace(option), "+") + ".corp.example"
		dig(t, s.addr(""), name, option)
	}
	mu.Lock()
	defer mu.Unlock()
	want := slices.Repeat([]string{"version 0, size 1232"}, 6)
	if !slices.Equal(received, want) {
		t.Errorf("upstream received %q; want %q", received, want)
	}
}
