package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The clients of the table of connections. They come from networks of their own, so that
// no bound of one network is measured.
const (
	idleClients    = 5000
	slowClients    = 500
	clientNetworks = 20
	samples        = 500
)

// By default, BIND has room for 150 connections and Unbound for 10 in each thread.
func init() {
	peers = append(peers, peer{
		name: "Unbound, incoming-num-tcp: 5000", workloads: "connections", program: "unbound", debian: "unbound",
		args: func(dir string) []string { return []string{"-d", "-c", filepath.Join(dir, "unbound.conf")} },
		files: map[string]func(*world) string{"local.conf": (*world).localData, "unbound.conf": func(w *world) string {
			return unboundConf(w, "incoming-num-tcp: 5000")
		}},
	}, peer{
		name: "BIND, tcp-clients 10000", workloads: "connections", program: "named", debian: "bind9",
		args: func(dir string) []string { return []string{"-g", "-n", "2", "-c", filepath.Join(dir, "named.conf")} },
		files: map[string]func(*world) string{"zone": (*world).zoneFile, "named.conf": func(w *world) string {
			return fmt.Sprintf(`options {
	directory "%[1]s"; pid-file none; session-keyfile none; tcp-clients 10000; recursion no;
	listen-on port %[2]d { 127.0.0.1; }; listen-on-v6 { none; };
};
controls { };
zone "%[3]s" { type primary; file "%[1]s/zone"; };
`, w.dir, w.port, zone)
		}},
	})
}

// connections makes the table of the servers under clients that are idle, or do not read.
func connections(o *options) (string, error) {
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 4 * idleClients, Max: 4 * idleClients}); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	var text strings.Builder
	text.WriteString("| server | clients | still open | memory | UDP: median, worst | new TCP connection: median, worst |\n|---|---|---|---|---|---|\n")
	for i := range peers {
		p := &peers[i]
		if !strings.Contains(p.workloads, "connections") || !selected(p.name, o.only) {
			continue
		}
		w := &world{dir: filepath.Join(dir, fmt.Sprint(i)), names: 100, upstream: netip.MustParseAddrPort("127.0.0.1:9")}
		s, err := newServer(p, w, dir)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s is left out: %v\n", p.name, err)
			continue
		}
		err = s.underConnections(&text)
		s.stop()
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return text.String(), nil
}

// underConnections writes the rows of a server.
func (s *server) underConnections(text *strings.Builder) error {
	var idle, slow []net.Conn
	defer func() {
		for _, c := range slices.Concat(idle, slow) {
			c.Close()
		}
	}()
	if err := s.row(text, "none", nil); err != nil {
		return err
	}
	idle = s.connect(idleClients)
	if err := s.row(text, fmt.Sprintf("%d idle", idleClients), idle); err != nil {
		return err
	}
	slow = s.connect(slowClients)
	for _, c := range slow {
		s.flood(c)
	}
	return s.row(text, fmt.Sprintf("%d idle, %d that do not read", idleClients, slowClients), slices.Concat(idle, slow))
}

func (s *server) row(text *strings.Builder, clients string, open []net.Conn) error {
	memory, err := s.resident()
	if err != nil {
		return err
	}
	udp, err := s.latency("udp")
	if err != nil {
		return err
	}
	tcp, err := s.latency("tcp")
	if err != nil {
		return err
	}
	remaining := len(open)
	for _, c := range open {
		if isClosed(c) {
			remaining--
		}
	}
	fmt.Fprintf(text, "| %s | %s | %d | %d MB | %s | %s |\n", s.name, clients, remaining, memory, udp, tcp)
	return nil
}

// connect opens connections. Those that the server refuses are left out.
func (s *server) connect(n int) (all []net.Conn) {
	for i := range n {
		d := net.Dialer{Timeout: time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(i%clientNetworks), 1)}}
		c, err := d.DialContext(context.Background(), "tcp", s.addr.String())
		if err == nil {
			all = append(all, c)
		}
	}
	return all
}

// flood sends queries until the server reads no more.
func (s *server) flood(c net.Conn) {
	_ = c.(*net.TCPConn).SetReadBuffer(4096)                     // of the replies that wait
	_ = c.SetWriteDeadline(time.Now().Add(5 * time.Millisecond)) // without an effect, the write fails
	many := slices.Repeat(s.message(), 1000)
	for range 100 {
		if _, err := c.Write(many); err != nil {
			return
		}
	}
}

// message returns a query with its length.
func (s *server) message() []byte {
	packet := ask(s.world.account(0)+"."+zone, 1, 0, 1).packet
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...) //nolint:gosec // G115: a query
}

// latency asks one query after the other, each on a socket of its own.
func (s *server) latency(network string) (string, error) {
	var took []time.Duration
	lost := 0
	message := s.message()
	if network == "udp" {
		message = message[2:]
	}
	for range samples {
		began := time.Now()
		if err := exchange(network, s.addr.String(), message); err != nil {
			lost++
			continue
		}
		took = append(took, time.Since(began))
	}
	if len(took) == 0 {
		return "no answer", nil
	}
	slices.Sort(took)
	text := fmt.Sprintf("%s, %s", round(took[len(took)/2]), round(took[len(took)-1]))
	if lost > 0 {
		text += fmt.Sprintf("; %d of %d without an answer", lost, samples)
	}
	return text, nil
}

func exchange(network, addr string, message []byte) error {
	c, err := net.DialTimeout(network, addr, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := c.Write(message); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 512))
	return err
}

func round(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

// isClosed reports whether the server has closed the connection.
func isClosed(c net.Conn) bool {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return true
	}
	state := byte(0)
	if err := raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil { //nolint:gosec // G115: a file descriptor
			state = info.State
		}
	}); err != nil {
		return true
	}
	return state != 1 // TCP_ESTABLISHED
}
