package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	underWay = 128 // queries of all clients together
	window   = 64  // queries of one client at most
	maxWait  = 250 * time.Millisecond
)

// A result is the result of a load.
type result struct {
	answered, wrong, lost int
	p99                   time.Duration // of a paced load, see percentile
}

// A client sends queries over one socket and checks the replies. All clients share the
// queries, so that they leave the server a part of the CPU's caches.
type client struct {
	fd      int
	window  int     // queries under way
	queries []query // by the ID of a packet and the offset, modulo their number
	offset  int
	send    [window]mmsghdr
	recv    [window]mmsghdr
	ids     [window][idSize]byte
	sendIov [window][2]unix.Iovec // the ID, and the rest of the packet
	recvIov [window]unix.Iovec
	in      [window][1500]byte
	next    uint16
}

const idSize = 2

type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// A query is a packet without its ID, and the expected reply.
type query struct {
	packet  []byte
	rcode   byte
	answers byte // at least
}

// newClient returns one of several clients. Each begins with a query of its own.
func newClient(server netip.AddrPort, queries []query, number, clients int) (*client, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c := &client{fd: fd, window: min(max(underWay/clients, 1), window), queries: queries, offset: number * len(queries) / clients}
	for i := range window {
		c.recvIov[i].Base = &c.in[i][0]
		c.recvIov[i].SetLen(len(c.in[i]))
		c.sendIov[i][0].Base = &c.ids[i][0]
		c.sendIov[i][0].SetLen(idSize)
		c.recv[i].hdr.Iov, c.send[i].hdr.Iov = &c.recvIov[i], &c.sendIov[i][0]
		c.recv[i].hdr.SetIovlen(1)
		c.send[i].hdr.SetIovlen(2)
	}
	timeout := unix.NsecToTimeval(maxWait.Nanoseconds())
	err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(server.Port()), Addr: server.Addr().As4()})
	}
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return c, nil
}

func (c *client) close() { unix.Close(c.fd) } //nolint:errcheck // nothing is left to send

// of returns the query of an ID.
func (c *client) of(id uint16) *query { return &c.queries[(int(id)+c.offset)%len(c.queries)] }

// saturate sends queries as fast as they are answered, each client from a port of its own.
func saturate(server netip.AddrPort, queries []query, clients int, duration time.Duration) (result, error) {
	var total result
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed error
	end := time.Now().Add(duration)
	for i := range clients {
		c, err := newClient(server, queries, i, clients)
		if err != nil {
			return total, err
		}
		all.Go(func() {
			defer c.close()
			r, err := c.run(end)
			mu.Lock()
			defer mu.Unlock()
			total.answered, total.wrong, total.lost = total.answered+r.answered, total.wrong+r.wrong, total.lost+r.lost
			if err != nil {
				failed = err
			}
		})
	}
	all.Wait()
	return total, failed
}

// run sends until the end and reads until no more replies arrive. A query without a reply
// for maxWait is replaced by a new one.
func (c *client) run(end time.Time) (r result, err error) {
	underWay, sent := 0, 0
	for {
		open := time.Now().Before(end)
		if open && underWay <= c.window/2 {
			n, err := c.sendSome(c.window - underWay)
			if err != nil {
				return r, err
			}
			underWay, sent = underWay+n, sent+n
		}
		n, err := c.receive(&r)
		if err != nil {
			return r, err
		}
		if underWay = max(underWay-n, 0); n == 0 {
			underWay = 0
			if !open {
				r.lost = sent - r.answered - r.wrong
				return r, nil
			}
		}
	}
}

func (c *client) sendSome(n int) (int, error) {
	for i := range n {
		rest := c.of(c.next).packet[idSize:]
		binary.BigEndian.PutUint16(c.ids[i][:], c.next)
		c.next++
		c.sendIov[i][1].Base = &rest[0]
		c.sendIov[i][1].SetLen(len(rest))
	}
	sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&c.send[0])), uintptr(n), 0, 0, 0) //nolint:gosec // G115: small
	if errno != 0 {
		return 0, fmt.Errorf("send: %w", errno)
	}
	return int(sent), nil //nolint:gosec // G115: small
}

// receive waits for the first reply and returns the number of replies.
func (c *client) receive(r *result) (int, error) {
	//nolint:gosec // G115: small
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&c.recv[0])), window, unix.MSG_WAITFORONE, 0, 0)
	switch errno {
	case 0:
	case unix.EAGAIN, unix.EINTR, unix.ECONNREFUSED:
		return 0, nil
	default:
		return 0, fmt.Errorf("receive: %w", errno)
	}
	for i := range int(n) { //nolint:gosec // G115: small
		c.check(c.in[i][:c.recv[i].len], r)
	}
	return int(n), nil //nolint:gosec // G115: small
}

func (c *client) check(reply []byte, r *result) {
	if len(reply) < 12 {
		r.wrong++
		return
	}
	want := c.of(binary.BigEndian.Uint16(reply))
	if reply[3]&0xf != want.rcode || reply[7] < want.answers {
		r.wrong++
		return
	}
	r.answered++
}

// pace sends queries one by one at a steady rate, and measures the time of each.
func pace(server netip.AddrPort, queries []query, rate int, duration time.Duration) (result, error) {
	c, err := newClient(server, queries, 0, 1)
	if err != nil {
		return result{}, err
	}
	defer c.close()
	p := &pacer{client: c}
	var all sync.WaitGroup
	all.Go(p.listen)
	n := p.sendAll(rate, duration)
	p.sent.Store(true)
	all.Wait()
	p.lost = n - p.answered - p.wrong
	p.p99 = percentile(p.latencies)
	return p.result, nil
}

// percentile returns the median of the 99th percentiles of each thousand latencies. On a
// busy machine, some of the thousands have to wait for other programs.
func percentile(latencies []time.Duration) time.Duration {
	var all []time.Duration
	for some := range slices.Chunk(latencies, 1000) {
		slices.Sort(some)
		all = append(all, some[len(some)*99/100])
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

type pacer struct {
	*client
	result
	sentAt    [1 << 16]atomic.Int64
	sent      atomic.Bool
	latencies []time.Duration
}

var started = time.Now()

func (p *pacer) listen() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		//nolint:gosec // G115: small
		n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(p.fd), uintptr(unsafe.Pointer(&p.in[0][0])), uintptr(len(p.in[0])), 0, 0, 0)
		now := time.Since(started)
		if errno != 0 {
			if p.sent.Load() {
				return
			}
			continue
		}
		reply := p.in[0][:n]
		p.check(reply, &p.result)
		if n >= 2 {
			p.latencies = append(p.latencies, now-time.Duration(p.sentAt[binary.BigEndian.Uint16(reply)].Load()))
		}
	}
}

// sendAll sleeps until the time of each query. It calls the kernel directly, because the
// timers of the runtime are sometimes a millisecond late.
func (p *pacer) sendAll(rate int, duration time.Duration) (n int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return 0
	}
	var packet []byte
	next, interval := now.Nano(), time.Second.Nanoseconds()/int64(rate)
	for n = 0; n < int(duration.Seconds()*float64(rate)); n++ {
		next += interval
		at := unix.NsecToTimespec(next)
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil) == unix.EINTR {
		}
		packet = append(packet[:0], p.of(p.next).packet...)
		binary.BigEndian.PutUint16(packet, p.next)
		p.sentAt[p.next].Store(int64(time.Since(started)))
		p.next++
		unix.Write(p.fd, packet) //nolint:errcheck // a lost query counts as lost
	}
	return n
}
