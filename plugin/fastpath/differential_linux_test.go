package fastpath_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coredns/caddy"
)

// sources are the clients of the differential test. The rules allow the first,
// filter one type of the second, block one type of the third, and drop the fourth.
var sources = []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.9.0.1", "127.0.0.5"}

// packetsOf returns how many packets the differential test sends. "make
// differential" raises it.
func packetsOf(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("FASTPATH_PACKETS"))
	if err != nil || n <= 0 {
		return 8000
	}
	t.Logf("%d packets", n)
	return n
}

// Two servers, with and without the fast path, get the same packets from several
// clients, while records change and both reload. No reply differs in meaning.
func TestDifferential(t *testing.T) {
	d := newDifferential(t)
	const phases = 8
	for phase := range phases {
		d.change(phase)
		var all sync.WaitGroup
		for worker := range 8 {
			random := rand.New(rand.NewPCG(uint64(phase), uint64(worker))) //nolint:gosec // G115: small
			all.Go(func() { d.send(random, packetsOf(t)/phases/8) })
		}
		all.Wait()
		if t.Failed() {
			return
		}
	}
	if got := counter(t, "coredns_fastpath_answers_total", ""); got < float64(packetsOf(t))/10 {
		t.Errorf("%v packets were answered at the socket: too few to show anything", got)
	}
}

type differential struct {
	t         *testing.T
	folder    string
	upstream  string
	instances [2]*caddy.Instance // with and without the fast path
	addrs     [2]*net.UDPAddr
}

func newDifferential(t *testing.T) *differential {
	d := &differential{t: t, folder: t.TempDir(), upstream: newUpstream(t)}
	d.write(0)
	d.instances[0], _ = begin(t, d.corefile(0, 0))
	var err error
	if d.instances[1], err = caddy.Start(input(d.corefile(1, 0))); err != nil {
		t.Fatal(err)
	}
	for i := range d.instances {
		d.addrs[i] = d.instances[i].Servers()[0].LocalAddr().(*net.UDPAddr)
	}
	t.Cleanup(func() {
		for _, instance := range d.instances {
			stop(t, instance)
		}
	})
	return d
}

func (d *differential) corefile(i, phase int) string {
	fast := [...]string{"fastpath", ""}[i]
	if phase%4 == 3 {
		fast = "" // the fast path goes, and comes again
	}
	zones := "fall.test privatelink.hard.test {"
	block := strings.Replace(blocks(d.upstream)["access list"], zones, fmt.Sprintf("%s\nhosts %s/*.hosts\nrefresh 1s", zones, d.folder), 1)
	return fmt.Sprintf(".:0 {\nbind 127.0.0.1\n%s\n%s# %d\n}", fast, block, phase)
}

// write changes a file that both servers read.
func (d *differential) write(phase int) {
	text := fmt.Sprintf("10.9.0.%d changing.privatelink.hard.test\n10.9.1.1 phase%d.privatelink.hard.test\n", phase+1, phase) +
		"10.9.1.2 www.example.org.privatelink.fall.test\n"
	if err := os.WriteFile(filepath.Join(d.folder, "a.hosts"), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// change changes records, by a reload that reads the file or by waiting for it.
func (d *differential) change(phase int) {
	d.write(phase)
	if phase%2 == 0 {
		return
	}
	for i, instance := range d.instances {
		next, err := instance.Restart(input(d.corefile(i, phase)))
		if err != nil {
			d.t.Fatal(err)
		}
		d.instances[i] = next
	}
}

func (d *differential) send(random *rand.Rand, n int) {
	conns := map[string]*net.UDPConn{}
	for _, source := range sources {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(source)})
		if err != nil {
			d.t.Error(err)
			return
		}
		defer conn.Close()
		conns[source] = conn
	}
	for range n {
		source := sources[random.IntN(len(sources))]
		wire := packet(random)
		if random.IntN(8) == 0 {
			wire = changing(random)
		}
		if len(wire) < 2 {
			continue
		}
		if text := d.compare(conns[source], wire); text != "" {
			d.t.Errorf("%x from %s: %s", wire, source, text)
			return
		}
	}
}

// changing asks for a name that the file has, or had.
func changing(random *rand.Rand) []byte {
	name := []string{"changing", "phase0", "phase1", "phase2", "phase3"}[random.IntN(5)]
	wire, _ := held().SetQuestion(name+".privatelink.hard.test.", 1).Pack() // the name is valid
	return wire
}

// compare returns how the replies of both servers differ, or "". A record that has
// just changed may have reached one of them only, so a difference has to last.
func (d *differential) compare(conn *net.UDPConn, wire []byte) string {
	var replies [2]string
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); {
		for i := range replies {
			replies[i] = d.ask(conn, wire, i)
		}
		if replies[0] == replies[1] {
			return ""
		}
	}
	return fmt.Sprintf("\nwith the fast path: %s\nwithout:            %s", replies[0], replies[1])
}

// ask returns the meaning of a reply, or "" without a reply.
func (d *differential) ask(conn *net.UDPConn, wire []byte, i int) string {
	if _, err := conn.WriteToUDP(wire, d.addrs[i]); err != nil {
		d.t.Error(err)
		return ""
	}
	wait := 3 * time.Second
	if silent(conn, wire) {
		wait = 20 * time.Millisecond
	}
	if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		d.t.Error(err)
	}
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return ""
		}
		if from == d.addrs[i].AddrPort() && n >= 2 && bytes.Equal(buf[:2], wire[:2]) {
			return meaning(buf[:n])
		}
	}
}

// silent reports whether no reply is expected: to a response, a fragment or a client
// whose queries are dropped.
func silent(conn *net.UDPConn, wire []byte) bool {
	source := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	return len(wire) < 12 || wire[2]&0x80 != 0 || netip.MustParsePrefix("127.9.0.0/16").Contains(source.Unmap())
}
