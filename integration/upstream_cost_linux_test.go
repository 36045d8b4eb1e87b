package integration

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// BenchmarkMiss is a name that is not in memory: a client's query, an exchange with an
// upstream over loopback, and the answer. It reports the CPU time of the whole server for
// one of them, behind stock forward and behind upstream, in turn and in one run:
//
//	go test -run '^$' -bench Miss -benchtime 20000x ./integration
func BenchmarkMiss(b *testing.B) {
	fast := fastUpstream(b)
	servers, costs := map[string]*server{}, map[string][]float64{}
	names := []string{"forward", "upstream"}
	for _, name := range names {
		s := prepare(b, ".:{$PORT} {\n    bind 127.0.0.1\n    lru 1000\n    "+name+" . {$UPSTREAM} {\n        max_concurrent 200\n    }\n}\n")
		s.env["UPSTREAM"] = fast
		s.choosePorts()
		servers[name] = s.start()
		load(b, s.addr(""), name+"-warm", 2000)
	}
	const rounds = 5
	for round := range rounds {
		for _, name := range names {
			s := servers[name]
			before := cpuTime(b, s.cmd.Process.Pid)
			load(b, s.addr(""), fmt.Sprint(name, b.N, "-", round), b.N/rounds+1)
			costs[name] = append(costs[name], float64((cpuTime(b, s.cmd.Process.Pid)-before).Microseconds())/float64(b.N/rounds+1))
		}
		slices.Reverse(names)
	}
	for name, all := range costs {
		slices.Sort(all)
		b.ReportMetric(all[rounds/2], name+"-cpu-µs/miss")
	}
}

// load asks for n names that nobody has asked for, from 20 clients.
func load(b testing.TB, addr, prefix string, n int) {
	b.Helper()
	const clients = 20
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			conn, err := net.Dial("udp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			buf := make([]byte, 1500)
			for i := c; i < n; i += clients {
				r := new(dns.Msg).SetQuestion(fmt.Sprintf("%s-%d.zone%d.example.", prefix, i, i%50), dns.TypeA)
				r.SetEdns0(1232, false)
				wire, _ := r.Pack()
				conn.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // the read fails
				if _, err := conn.Write(wire); err != nil {
					b.Error(err)
					return
				}
				size, err := conn.Read(buf)
				if err != nil || size < 12 || buf[3]&0xf != 0 {
					b.Errorf("%s: %v, %x", r.Question[0].Name, err, buf[:min(size, 12)])
					return
				}
			}
		})
	}
	all.Wait()
}

// fastUpstream answers every query with one A record.
func fastUpstream(b testing.TB) string {
	b.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			r := new(dns.Msg)
			if r.Unpack(buf[:n]) != nil {
				continue
			}
			m := new(dns.Msg).SetReply(r)
			m.RecursionAvailable = true
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1)}}
			if wire, err := m.Pack(); err == nil {
				conn.WriteToUDPAddrPort(wire, from) //nolint:errcheck // the client reports it
			}
		}
	}()
	return conn.LocalAddr().String()
}

// cpuTime returns the time that a process has used, in the system as well.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime, in 1/100 s
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
