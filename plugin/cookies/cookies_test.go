package cookies

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// A sink keeps the reply to a client.
type sink struct {
	test.ResponseWriter
	client net.Addr
	reply  *dns.Msg
}

func (s *sink) RemoteAddr() net.Addr      { return s.client }
func (s *sink) WriteMsg(m *dns.Msg) error { s.reply = m; return nil }
func udp(ip string) net.Addr              { return &net.UDPAddr{IP: net.ParseIP(ip), Port: 4000} }
func tcp(ip string) net.Addr              { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 4000} }
func next(rcode int, m *dns.Msg) plugin.Handler {
	return plugin.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if m == nil {
			return rcode, nil
		}
		reply := m.Copy().SetReply(r)
		return dns.RcodeSuccess, w.WriteMsg(reply)
	})
}

// query returns a query with a cookie in hexadecimal digits, or without one.
func query(cookie string) *dns.Msg {
	m := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	if cookie != "-" {
		m.SetEdns0(1232, false).IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie}}
	}
	return m
}

// serve returns the reply as a text, and its cookie.
func serve(t *testing.T, c *Cookies, client net.Addr, r *dns.Msg) (text, cookie string) {
	t.Helper()
	w := &sink{client: client}
	rcode, err := c.ServeDNS(t.Context(), w, r)
	if err != nil {
		t.Error(err)
	}
	if w.reply == nil {
		return dns.RcodeToString[rcode] + " by the server", ""
	}
	text = dns.RcodeToString[w.reply.Rcode]
	if w.reply.Truncated {
		text += " tc"
	}
	if o := w.reply.IsEdns0(); o != nil {
		for _, option := range o.Option {
			text += fmt.Sprintf(" %d", option.Option())
			if e, ok := option.(*dns.EDNS0_COOKIE); ok {
				cookie = e.Cookie
			}
		}
	}
	return text, cookie
}

// Every reply to a client with a cookie has one, whoever makes the reply.
func TestReplies(t *testing.T) {
	withEDE := new(dns.Msg)
	withEDE.SetEdns0(1232, false).IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 3}}
	foreign := query("0011223344556677")
	for _, tc := range []struct {
		name, cookie string
		next         plugin.Handler
		want         string
	}{
		{"no cookie", "-", next(0, new(dns.Msg)), "NOERROR"},
		{"a client cookie", clientCookie, next(0, new(dns.Msg)), "NOERROR 10"},
		{"a reply with other options", clientCookie, next(0, withEDE), "NOERROR 15 10"},
		{"a reply with the cookie of an upstream", clientCookie, next(0, foreign), "NOERROR 10"},
		{"a refusal without a reply", clientCookie, next(dns.RcodeRefused, nil), "REFUSED 10"},
		{"a failure without a reply", clientCookie, next(dns.RcodeServerFailure, nil), "SERVFAIL 10"},
		{"a refusal without a cookie", "-", next(dns.RcodeRefused, nil), "REFUSED by the server"},
		{"no reply at all", clientCookie, next(dns.RcodeSuccess, nil), "NOERROR by the server"},
		{"a malformed cookie", "001122", next(0, new(dns.Msg)), "FORMERR"},
	} {
		text, cookie := serve(t, &Cookies{Next: tc.next, secrets: keyed(t, key)}, udp("10.0.0.1"), query(tc.cookie))
		if text != tc.want {
			t.Errorf("%s: %s; want %s", tc.name, text, tc.want)
		}
		if strings.Contains(tc.want, "10") && (len(cookie) != 2*cookieSize || !strings.HasPrefix(cookie, clientCookie)) {
			t.Errorf("%s: the cookie is %s", tc.name, cookie)
		}
	}
}

// A client with a valid cookie passes the limit that a flood from its network has used up.
func TestLimit(t *testing.T) {
	c := &Cookies{Next: next(0, new(dns.Msg)), secrets: keyed(t, key), limit: newLimit(10)}
	_, good := serve(t, c, udp("10.0.0.1"), query(clientCookie))
	for range 100 {
		serve(t, c, udp("10.0.0.99"), query("-"))
	}
	forged := clientCookie + hex.EncodeToString(make([]byte, 16))
	for _, tc := range []struct {
		name   string
		client net.Addr
		cookie string
		want   string
	}{
		{"a valid cookie", udp("10.0.0.1"), good, "NOERROR 10"},
		{"that of another client", udp("10.0.0.2"), good, "BADCOOKIE 10"},
		{"a forged one", udp("10.0.0.1"), forged, "BADCOOKIE 10"},
		{"a client cookie", udp("10.0.0.1"), clientCookie, "BADCOOKIE 10"},
		{"no cookie", udp("10.0.0.1"), "-", "NOERROR tc"},
		{"over TCP", tcp("10.0.0.1"), "-", "NOERROR"},
		{"from another network", udp("10.0.1.1"), "-", "NOERROR"},
		{"from an IPv6 network", udp("fd00::1"), "-", "NOERROR"},
	} {
		if got, _ := serve(t, c, tc.client, query(tc.cookie)); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.name, got, tc.want)
		}
	}
	_, again := serve(t, c, udp("10.0.0.7"), query(clientCookie))
	if got, _ := serve(t, c, udp("10.0.0.7"), query(again)); got != "NOERROR 10" {
		t.Errorf("the repetition with the cookie of BADCOOKIE: %s; want NOERROR 10", got)
	}
}

// Only plain UDP has a limit: QUIC has verified the address of its clients.
func TestLimitOfTransports(t *testing.T) {
	for address, want := range map[string]string{"dns://:53": "NOERROR tc", "quic://:853": "NOERROR", "https3://:443": "NOERROR"} {
		c := &Cookies{Next: next(0, new(dns.Msg)), secrets: keyed(t, key), limit: newLimit(1)}
		ctx := context.WithValue(t.Context(), dnsserver.Key{}, &dnsserver.Server{Addr: address})
		w := &sink{client: udp("10.0.0.1")}
		for range 2 {
			if _, err := c.ServeDNS(ctx, w, query("-")); err != nil {
				t.Error(err)
			}
		}
		if w.reply.Truncated != strings.HasSuffix(want, "tc") {
			t.Errorf("%s: TC %v; want %s", address, w.reply.Truncated, want)
		}
	}
}

// The plugin's own replies to a signed query are signed, with the TSIG record at the end.
func TestSigned(t *testing.T) {
	for _, cookie := range []string{clientCookie, "-", "001122"} {
		c := &Cookies{Next: next(0, new(dns.Msg)), secrets: keyed(t, key), limit: newLimit(1)}
		c.limit.allow(netip.MustParseAddr("10.0.0.1"), time.Now())
		r := query(cookie).SetTsig("key.example.", dns.HmacSHA256, 300, time.Now().Unix())
		w := &sink{client: udp("10.0.0.1")}
		if _, err := c.ServeDNS(t.Context(), w, r); err != nil {
			t.Error(err)
		}
		if tsig := w.reply.IsTsig(); tsig == nil || tsig.Hdr.Name != "key.example." {
			t.Errorf("cookie %q: %v; want a TSIG record as the last one", cookie, w.reply)
		}
	}
}

func TestSetup(t *testing.T) {
	for _, tc := range []struct{ corefile, want string }{
		{"cookies", ""},
		{"cookies {\nlimit 100\n}", ""},
		{"cookies on", "cookies: 1 value, none is expected"},
		{"cookies\ncookies", "specified more than once in a server block"},
		{"cookies {\nlimit 0\n}", "limit: "},
		{"cookies {\nlimit 5\nlimit 6\n}", "limit: specified more than once"},
		{"cookies {\nsecret\n}", "secret: no value, one is expected"},
		{"cookies {\nsecret /none/such\n}", "secret: open /none/such: no such file or directory"},
		{"cookies {\nsecrets a\n}", "secrets: unknown property, do you mean secret? The known ones are limit, secret"},
	} {
		setup, err := caddy.DirectiveAction("dns", "cookies")
		if err != nil {
			t.Fatal(err)
		}
		err = setup(caddy.NewTestController("dns", tc.corefile))
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v; want %q", tc.corefile, err, tc.want)
		}
	}
}
