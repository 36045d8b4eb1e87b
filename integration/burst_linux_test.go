package integration

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// A burst is 1,000 packets, as fast as one program sends them: in about 3 ms.
const burst = 1000

// After a power failure, a thousand machines ask at once. The server loses no more of
// their packets than NSD does. Both get the same bursts in turn.
func TestBurstBesideNSD(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the receive buffers are net.core.rmem_max without CAP_NET_ADMIN")
	}
	nsd := startNSD(t)
	s := prepare(t, `.:{$PORT} {
    bind 127.0.0.1
    fastpath
    privatelink {
        record a.blob.core.windows.net 10.0.0.1
    }
    lru
    forward . 127.0.0.1:9
}
`).start()
	const rounds = 10
	var lost, theirs int
	var longest time.Duration
	for range rounds {
		for _, one := range []struct {
			addr string
			lost *int
		}{{s.addr(""), &lost}, {nsd, &theirs}} {
			replies, sending := sendBurst(t, one.addr, "a.privatelink.blob.core.windows.net")
			*one.lost += burst - replies
			longest = max(longest, sending)
		}
	}
	t.Logf("lost of %d: %d, NSD %d; %d packets were sent in %s at most", rounds*burst, lost, theirs, burst, longest)
	if lost > theirs {
		t.Errorf("%d of %d packets are lost; NSD loses %d", lost, rounds*burst, theirs)
	}
}

// startNSD returns the address of an NSD with one record.
func startNSD(t *testing.T) string {
	t.Helper()
	program := need(t, "nsd", "nsd")
	d, port := &server{t: t, dir: t.TempDir()}, freePort(t)
	d.write("zone", `$ORIGIN privatelink.blob.core.windows.net.
$TTL 60
@ 10 SOA ns.invalid. nobody.invalid. 1 60 30 2419200 10
@ NS ns.invalid.
a A 10.0.0.1
`)
	d.write("nsd.conf", fmt.Sprintf(`server:
    ip-address: 127.0.0.1@%[2]s
    server-count: 1
    username: ""
    chroot: ""
    zonesdir: "%[1]s"
    pidfile: "%[1]s/nsd.pid"
    xfrdfile: "%[1]s/xfrd.state"
    zonelistfile: "%[1]s/zone.list"
    xfrdir: "%[1]s"
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: privatelink.blob.core.windows.net.
    zonefile: zone
`, d.dir, port))
	addr := "127.0.0.1:" + port
	p := launch(t, addr, exec.Command(program, "-d", "-c", filepath.Join(d.dir, "nsd.conf"))) //nolint:gosec // G204: of this test
	if p.ended() {
		t.Skipf("%s may not read its configuration in %s:\n%s", program, d.dir, p.out.String())
	}
	return addr
}

// sendBurst returns the number of replies, and how long the packets were sent.
func sendBurst(t *testing.T, addr, name string) (replies int, sending time.Duration) {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	receiveBuffer(t, conn.(*net.UDPConn), 4<<20)
	wire, err := question(name, dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for i := range burst {
		wire[0], wire[1] = byte(i>>8), byte(i)
		if _, err := conn.Write(wire); err != nil {
			t.Fatal(err)
		}
	}
	sending = time.Since(start)
	for buf := make([]byte, 512); replies < burst; replies++ {
		conn.SetReadDeadline(time.Now().Add(2 * time.Second)) //nolint:errcheck // the read fails
		if _, err := conn.Read(buf); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return replies, sending
}

// receiveBuffer sets the receive buffer of a client, so that it loses no reply itself.
func receiveBuffer(t *testing.T, conn *net.UDPConn, size int) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) }); err != nil {
		t.Fatal(err)
	}
	if failed != nil {
		t.Skipf("the receive buffer of the client: %v", failed)
	}
}
