package integration

import (
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// dig and kdig accept the cookies, over UDP and TCP, from the fast path and the chain.
func TestCookiesOfClients(t *testing.T) {
	t.Parallel()
	plain, _ := serve(t, cached())
	fast, _ := serve(t, cached("fastpath"))
	for _, program := range []struct{ name, pkg, good string }{
		{"dig", "bind9-dnsutils", `; COOKIE: [0-9a-f]{48} \(good\)`}, {"kdig", "knot-dnsutils", `;; COOKIE: [0-9A-F]{48}`},
	} {
		path := need(t, program.name, program.pkg)
		for _, s := range []*server{plain, fast} {
			_, port, err := net.SplitHostPort(s.addr(""))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{fc1, "www.corp.example", "none.corp.example"} {
				for _, transport := range []string{"+notcp", "+tcp"} {
					out, err := exec.Command(path, "@127.0.0.1", "-p", port, "+cookie", transport, name).CombinedOutput()
					if err != nil || !regexp.MustCompile(program.good).Match(out) {
						t.Errorf("%s %s %s: %v, want %s in\n%s", program.name, transport, name, err, program.good, out)
					}
				}
			}
		}
	}
}

// cookieFor asks with a cookie and returns the one of the reply.
func cookieFor(t *testing.T, addr, header string, cookie string) (string, *dns.Msg) {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(processTimeout)); err != nil {
		t.Fatal(err)
	}
	q := question(fc1, dns.TypeA)
	if cookie != "" {
		q.SetEdns0(1232, false).IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie}}
	}
	wire, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(append([]byte(header), wire...)); err != nil {
		t.Fatal(err)
	}
	m, err := (&dns.Conn{Conn: conn}).ReadMsg()
	if err != nil {
		t.Fatal(err)
	}
	if o := m.IsEdns0(); o != nil && len(o.Option) == 1 {
		if c, ok := o.Option[0].(*dns.EDNS0_COOKIE); ok {
			return c.Cookie, m
		}
	}
	return "", m
}

const clientCookie = "0011223344556677"

// Behind a proxy, a cookie is that of the client, and not that of the proxy.
func TestCookiesBehindAProxy(t *testing.T) {
	t.Parallel()
	s := serveBehindProxy(t, strings.Replace(behindProxy, "    privatelink {", "    cookies\n    privatelink {", 1))
	one, other := proxyV2(commandProxy, 2, "10.1.2.3"), proxyV2(commandProxy, 2, "10.1.2.4")
	cookie, _ := cookieFor(t, s.addr(""), one, clientCookie)
	if again, _ := cookieFor(t, s.addr(""), one, cookie); again != cookie {
		t.Errorf("the client's cookie is not valid for it: %s, then %s", cookie, again)
	}
	for name, header := range map[string]string{"another client": other, "no proxy": ""} {
		if got, _ := cookieFor(t, s.addr(""), header, cookie); got == cookie || !strings.HasPrefix(got, clientCookie) {
			t.Errorf("%s: the cookie of the first client is valid, or the reply has none: %s", name, got)
		}
	}
}

// Two instances with the same file of secrets accept each other's cookies, also after a
// change of the file and a reload.
func TestCookiesOfTwoInstances(t *testing.T) {
	t.Parallel()
	const one, two = "e5e973e5a6b2a43f48e7dc849e37bfcf", "dd3bdf9344b678b185a6f5cb60fca715"
	start := func(secrets string) *server {
		s := prepare(t, strings.Replace(corefile("fastpath"), "    cookies\n", "    cookies {\n        secret {$DIR}/secrets\n    }\n", 1))
		s.env["UPSTREAM"] = azure(t).Addr
		s.write("vault.json", export(vault...))
		s.write("secrets", secrets+"\n")
		return s.start()
	}
	first, second, third := start(one), start(two+"\n"+one), start(two)
	cookie, _ := cookieFor(t, first.addr(""), "", clientCookie)
	if again, _ := cookieFor(t, first.addr(""), "", cookie); again != cookie {
		t.Errorf("the same instance replaces %s by %s", cookie, again)
	}
	rolled, _ := cookieFor(t, second.addr(""), "", cookie)
	if again, _ := cookieFor(t, third.addr(""), "", rolled); again != rolled {
		t.Errorf("the instance with the new secret alone replaces %s by %s", rolled, again)
	}
	if again, _ := cookieFor(t, third.addr(""), "", cookie); again == cookie {
		t.Error("the instance without the old secret accepts its cookie")
	}
}

// A flood without cookies uses up the limit of its network. dig, which has a cookie after
// BADCOOKIE, and a client that goes on to TCP, get their answers.
func TestCookiesPassALimit(t *testing.T) {
	t.Parallel()
	for _, more := range []string{"", "fastpath"} {
		text := strings.Replace(corefile(more), "    cookies\n", "    cookies {\n        limit 5\n    }\n", 1)
		s, _ := serve(t, text)
		for range 20 {
			cookieFor(t, s.addr(""), "", "")
		}
		if _, m := cookieFor(t, s.addr(""), "", ""); !m.Truncated || len(m.Answer) > 0 {
			t.Errorf("%q: without a cookie: %v; want TC", more, m)
		}
		if cookie, m := cookieFor(t, s.addr(""), "", clientCookie); m.Rcode != dns.RcodeBadCookie {
			t.Errorf("%q: with a client cookie: %v; want BADCOOKIE", more, m)
		} else if _, m := cookieFor(t, s.addr(""), "", cookie); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 {
			t.Errorf("%q: with the cookie of BADCOOKIE: %v; want an answer", more, m)
		}
		for _, args := range [][]string{{fc1, "+cookie"}, {fc1, "+nocookie", "+noedns"}} {
			if got := dig(t, s.addr(""), args...).String(); got != "NOERROR aa ra: A 10.20.0.4" {
				t.Errorf("%q: dig %v = %s", more, args, got)
			}
		}
	}
}
