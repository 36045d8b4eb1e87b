package integration

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

const upstreamOnly = ".:{$PORT} {\n    bind 127.0.0.1\n    prometheus 127.0.0.1:{$PORT_METRICS}\n    upstream . {$UPSTREAM} {\n        {$MORE}\n    }\n}\n"

// behind starts the binary before upstreams.
func behind(t testing.TB, more string, upstreams ...string) *server {
	t.Helper()
	s := prepare(t, strings.Replace(upstreamOnly, "{$MORE}", more, 1))
	s.write("Corefile", strings.NewReplacer("{$MORE}", more, "{$UPSTREAM}", strings.Join(upstreams, " ")).Replace(upstreamOnly))
	return s.start()
}

// sendAfter sends a response later.
func sendAfter(d time.Duration, send func([]byte), b []byte) { time.AfterFunc(d, func() { send(b) }) }

// octet returns a response with one octet changed.
func octet(at int, x byte) func(query []byte) []byte {
	return func(query []byte) []byte {
		b := fakedns.Good(query)
		b[at] ^= x
		return b
	}
}

const good, unreachable = "NOERROR ra: A 192.0.2.1", "SERVFAIL ra: EDE 22 (No Reachable Authority)"

// Each upstream misbehaves in its way, and the client gets the answer or SERVFAIL.
func TestUpstreamMisbehaves(t *testing.T) {
	t.Parallel()
	forged := map[string]func(query []byte) []byte{
		"wrong ID": octet(1, 1), "wrong question": octet(13, 1), "no QR": octet(2, 0x80), "wrong opcode": octet(2, 4<<3),
		"the query": func(q []byte) []byte { return bytes.Clone(q) },
	}
	type row struct {
		raw         fakedns.Raw
		want        string
		least, most time.Duration
	}
	rows := map[string]row{
		"silent": {fakedns.Raw{}, unreachable, 3900 * time.Millisecond, 4500 * time.Millisecond},
		"FORMERR to EDNS": {fakedns.Raw{UDP: func(q []byte, send func([]byte)) {
			send(fakedns.With(q, func(m *dns.Msg) {
				if m.IsEdns0() != nil {
					m.Rcode, m.Answer, m.Extra = dns.RcodeFormatError, nil, nil
				}
			}))
		}}, good, 0, time.Second},
		"truncated": {fakedns.Raw{UDP: func(q []byte, send func([]byte)) { send(fakedns.Cut(q)) }}, good, 0, time.Second},
		"truncated, TCP is reset": {fakedns.Raw{UDP: func(q []byte, send func([]byte)) { send(fakedns.Cut(q)) }, TCP: resetTCP},
			"SERVFAIL ra: EDE 23 (Network Error)", 0, time.Second},
		"truncated, half a message over TCP": {fakedns.Raw{UDP: func(q []byte, send func([]byte)) { send(fakedns.Cut(q)) }, TCP: halfMessage},
			"", 3900 * time.Millisecond, 4500 * time.Millisecond},
	}
	for _, delay := range []time.Duration{1500 * time.Millisecond, 1900 * time.Millisecond, 3 * time.Second} {
		rows["slow, "+delay.String()] = row{fakedns.Raw{UDP: func(q []byte, send func([]byte)) { sendAfter(delay, send, fakedns.Good(q)) }},
			good, delay, delay + 500*time.Millisecond}
	}
	for name, forge := range forged {
		rows[name+" before the response"] = row{fakedns.Raw{UDP: func(q []byte, send func([]byte)) {
			send(forge(q))
			sendAfter(100*time.Millisecond, send, fakedns.Good(q))
		}}, good, 0, time.Second}
		forger := fakedns.Raw{UDP: func(q []byte, send func([]byte)) { send(forge(q)) }}
		rows[name+" instead of it"] = row{forger, unreachable, 3900 * time.Millisecond, 4500 * time.Millisecond}
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := behind(t, "", r.raw.Listen(t))
			began := time.Now()
			got := dig(t, s.addr(""), "www.corp.example", "+timeout=6").String()
			if took := time.Since(began); took < r.least || took > r.most+2*time.Second {
				t.Errorf("after %s; want %s to %s", took, r.least, r.most)
			}
			if r.want != "" && got != r.want || r.want == "" && !strings.HasPrefix(got, "SERVFAIL") {
				t.Errorf("got %s; want %s", got, r.want)
			}
		})
	}
}

func resetTCP(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck // the test fails without it
	conn.Close()
}

func halfMessage(conn net.Conn) {
	conn.Write([]byte{2, 0, 1, 2, 3}) //nolint:errcheck // the client has gone
	buf := make([]byte, 512)
	for {
		if _, err := conn.Read(buf); err != nil {
			conn.Close()
			return
		}
	}
}

// Datagrams of another port or address never arrive.
func TestOtherSenders(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"127.0.0.1:0", "127.0.0.2:0"} {
		other, err := net.ListenPacket("udp", from)
		if err != nil {
			t.Skip(err)
		}
		defer other.Close()
		server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		go func() {
			buf := make([]byte, 1500)
			for {
				n, client, err := server.ReadFromUDP(buf)
				if err != nil {
					return
				}
				wrong := fakedns.With(buf[:n], func(m *dns.Msg) { m.Answer[0].(*dns.A).A = net.IPv4(203, 0, 113, 66) })
				other.WriteTo(wrong, client)                                               //nolint:errcheck // the kernel drops it
				reply := func(b []byte) { server.WriteToUDP(b, client) }                   //nolint:errcheck // the client has gone
				sendAfter(100*time.Millisecond, reply, fakedns.Good(bytes.Clone(buf[:n]))) //nolint:errcheck // the client has gone
			}
		}()
		s := behind(t, "", server.LocalAddr().String())
		if got := dig(t, s.addr(""), "www.corp.example").String(); got != good {
			t.Errorf("with a response of %s: %s", from, got)
		}
	}
}

// An attacker who is not on the path forges the address of the upstream and guesses
// ports and IDs while a query is held open. Nothing of it gets in, and nothing fails.
func TestOffPathAttacker(t *testing.T) {
	const guesses, held = 50000, time.Second
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	sent := make(chan int, 10)
	go func() {
		buf := make([]byte, 1500)
		for {
			n, client, err := server.ReadFromUDP(buf)
			if err != nil {
				return
			}
			q := bytes.Clone(buf[:n])
			if !bytes.Contains(q, []byte("victim")) {
				server.WriteToUDP(fakedns.Good(q), client) //nolint:errcheck // the client reports it
				continue
			}
			time.AfterFunc(held, func() { server.WriteToUDP(fakedns.Good(q), client) }) //nolint:errcheck // the same
			go func() { sent <- guess(server, q, guesses, held) }()
		}
	}()
	addr := server.LocalAddr().String()
	s := behind(t, "", addr)
	began := time.Now()
	got := dig(t, s.addr(""), "victim.corp.example").String()
	if took := time.Since(began); got != good || took > held+3*time.Second {
		t.Errorf("%s after %s; want %s", got, took, good)
	}
	n := <-sent
	for range 20 {
		if got := dig(t, s.addr(""), "www.corp.example").String(); got != good {
			t.Errorf("after the attack: %s", got)
		}
	}
	metrics := metricsText(t, s)
	if !strings.Contains(metrics, `coredns_upstream_up{to="`+addr+`"} 1`) {
		t.Error("the upstream is not up")
	}
	t.Logf("%d guesses; %s", n, regexp.MustCompile(`(?m)^coredns_upstream_discarded.*reason="id".*$`).FindString(metrics))
}

// guess sends forged responses to random ports with random IDs.
func guess(from *net.UDPConn, query []byte, n int, most time.Duration) (sent int) {
	wrong := fakedns.With(query, func(m *dns.Msg) { m.Answer[0].(*dns.A).A = net.IPv4(203, 0, 113, 66) })
	for end := time.Now().Add(most); sent < n && time.Now().Before(end); sent++ {
		wrong[0], wrong[1] = byte(rand.Uint32()), byte(rand.Uint32())
		from.WriteToUDP(wrong, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 32768 + rand.IntN(28232)}) //nolint:errcheck // most ports are closed
	}
	return sent
}

func metricsText(t testing.TB, s *server) string {
	t.Helper()
	response, err := http.Get("http://" + s.addr("_METRICS") + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A process that may open few files serves as many queries as it can, and the rest waits.
func TestFewFiles(t *testing.T) {
	t.Parallel()
	addr := fakedns.Raw{UDP: func(q []byte, send func([]byte)) { sendAfter(200*time.Millisecond, send, fakedns.Good(q)) }}.Listen(t)
	s := prepare(t, strings.NewReplacer("{$MORE}", "", "{$UPSTREAM}", addr).Replace(upstreamOnly))
	cmd := s.program()
	cmd.Args = append([]string{"sh", "-c", `ulimit -n 64 && exec "$0" "$@"`}, cmd.Args...)
	cmd.Path = "/bin/sh"
	s.process = launch(t, s.addr(""), cmd)
	var failed atomic.Int32
	results := make(chan error)
	const n = 100
	for i := range n {
		go func() {
			r := new(dns.Msg).SetQuestion("n"+strconv.Itoa(i)+".site"+strconv.Itoa(i)+".example.", dns.TypeA)
			m, _, err := (&dns.Client{Timeout: 10 * time.Second}).Exchange(r, s.addr(""))
			if err == nil && m.Rcode != dns.RcodeSuccess {
				failed.Add(1)
			}
			results <- err
		}()
	}
	for range n {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if strings.Contains(s.out.String(), "too many open files") {
		t.Errorf("log: %s", s.out.String())
	}
	if !strings.Contains(metricsText(t, s), `coredns_upstream_up{to="`+addr+`"} 1`) {
		t.Error("the upstream is not up")
	}
	t.Logf("%d of %d failed", failed.Load(), n)
}
