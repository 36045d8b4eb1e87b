package fastpath

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// A socket answers packets from memory. It is a net.PacketConn from which a server
// reads the other packets. The server's goroutine is the only one that reads and
// answers. The alternative, a goroutine that passes packets on, needs a goroutine switch
// for each packet of the chain.
type socket struct {
	pair
	dns     *dns.Server
	raw     syscall.RawConn
	sending syscall.RawConn
	desk    desk
	*batch
	receiveFunc, restFunc func(fd uintptr) bool // without an allocation for each call
	sendFunc              func(fd uintptr)

	passed     [batchSize]int // the packets of the batch for the chain
	passedNext int
	passedEnd  int
	sentNext   int

	turn     sync.Mutex // held while packets are read and answered
	paused   bool       // another instance reads from the socket, or none yet
	stopping atomic.Bool
	drained  chan struct{} // closed when the last packet that was read has been passed
	released chan struct{} // closed when the server stops
	release  sync.Once
	sweeps   int
}

func newSocket(p pair, r routes) (*socket, error) {
	raw, err := p.UDPConn.SyscallConn()
	if err != nil {
		return nil, err
	}
	sending, err := p.sender.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{
		pair: p, raw: raw, sending: sending, desk: desk{routes: r}, batch: newBatch(), paused: true,
		drained: make(chan struct{}), released: make(chan struct{}),
	}
	s.receiveFunc, s.restFunc, s.sendFunc = s.fill, s.sendRest, s.send
	return s, nil
}

// ReadFrom implements net.PacketConn. It answers packets until one is for the chain.
func (s *socket) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		if s.passedNext < s.passedEnd {
			i := s.passed[s.passedNext]
			s.passedNext++
			return copy(p, s.packet(i)), s.peer(i), nil
		}
		if s.stopping.Load() && !s.sweep() {
			s.end()
			return 0, nil, os.ErrDeadlineExceeded
		}
		if s.stopping.Load() {
			continue
		}
		err := s.raw.Read(s.receiveFunc)
		switch {
		case err == nil, s.stopping.Load():
		case errors.Is(err, os.ErrDeadlineExceeded): // resumed
			_ = s.UDPConn.SetReadDeadline(time.Time{}) // the next read reports an error
		default:
			return 0, nil, err
		}
	}
}

// setPaused returns when the socket reads no more. A socket that is resumed looks for the
// packets that its poller has reported in the meantime.
func (s *socket) setPaused(paused bool) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.paused = paused
	if !paused {
		_ = s.UDPConn.SetReadDeadline(longAgo) // an error is one of a closed socket
	}
}

// fill reads and answers until packets are left for the chain, or the socket is empty.
// If it is empty, fill returns false and is called again when a packet arrives.
func (s *socket) fill(fd uintptr) bool {
	for !s.stopping.Load() {
		n := s.turnOf(fd)
		if n == 0 {
			return false
		}
		if s.passedEnd > 0 {
			return true
		}
		if n == 1 { // the socket is empty, and the poller reports later packets
			return false
		}
		if n < batchSize {
			yield()
		}
	}
	return true
}

// turnOf reads and answers a batch. It returns the number of packets.
func (s *socket) turnOf(fd uintptr) int {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.paused {
		return 0
	}
	n, errno := s.receive(fd)
	if errno != 0 {
		return 0
	}
	s.respond(n)
	return n
}

// yield lets the clients and the kernel run on this CPU. Packets that arrived together are
// followed by others, which then arrive together as well. That costs less than a wait for
// the poller.
func yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// respond answers the packets of a batch.
func (s *socket) respond(n int) {
	s.passedNext, s.passedEnd = 0, 0
	s.outgoing.reset()
	s.desk.received = time.Time{}
	for i := range n {
		s.desk.read(i, s.packet(i), s.client(i), s.replies[i][:0])
		if s.cut(i) {
			s.desk.queries[i].why = notPlain
		}
	}
	s.desk.prefetch(n)
	for i := range n {
		if reply := s.desk.answer(i); reply != nil {
			s.outgoing.add(reply, s.returnTo(i))
			continue
		}
		s.passed[s.passedEnd] = i
		s.passedEnd++
	}
	if s.outgoing.count == 0 {
		return
	}
	// On an error the sockets are closed, and the server has stopped.
	if err := s.sending.Control(s.sendFunc); err == nil && s.sentNext < s.outgoing.used {
		_ = s.raw.Write(s.restFunc)
	}
}

// send sends the replies without waiting.
func (s *socket) send(fd uintptr) {
	if s.sentNext = 0; s.outgoing.sendAlone(fd) {
		return
	}
	s.outgoing.prepare()
	s.sentNext = s.outgoing.send(fd, 0)
}

// sendRest sends the replies that the sender had no room for, when the socket has room.
func (s *socket) sendRest(fd uintptr) bool {
	s.sentNext = s.outgoing.send(fd, s.sentNext)
	return s.sentNext == s.outgoing.used
}

// maxSweeps bounds the reads after the call of stop. Packets that arrived before it are
// read, so that a reload loses no packet.
const maxSweeps = 256

// sweep reads the remaining packets of the socket. It reports whether there were any.
func (s *socket) sweep() bool {
	if s.sweeps++; s.sweeps > maxSweeps {
		return false
	}
	count := 0
	err := s.raw.Control(func(fd uintptr) { count = s.turnOf(fd) })
	return err == nil && count > 0
}

// end waits until the server stops, because the server would discard the packets that it
// has not read before.
func (s *socket) end() {
	select {
	case <-s.drained:
	default:
		close(s.drained)
	}
	<-s.released
}

// stop ends the socket, and waits for the replies to the packets that were read.
func (s *socket) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	s.stopping.Store(true)
	if err := s.UDPConn.SetReadDeadline(longAgo); err != nil {
		log.Warningf("%s: %v", s.LocalAddr(), err)
	}
	select {
	case <-s.drained:
	case <-ctx.Done():
	}
	_ = s.dns.ShutdownContext(ctx) // after the timeout, the queries end by their own limits
}

var longAgo = time.Unix(1, 0)

// SetReadDeadline implements net.PacketConn. The server sets a deadline before each
// read, which is ignored, and one in the past to stop.
func (s *socket) SetReadDeadline(t time.Time) error {
	if !t.After(longAgo) {
		s.release.Do(func() { close(s.released) })
	}
	return nil
}

// WriteTo implements net.PacketConn, for replies of the chain.
func (s *socket) WriteTo(p []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*peer)
	if !ok {
		return 0, fmt.Errorf("%T is not the address of a client", addr)
	}
	sent := false
	if err := s.sending.Control(func(fd uintptr) { sent = to.send(fd, p) }); sent || err != nil {
		return len(p), err
	}
	n, _, err := s.WriteMsgUDP(p, to.control, &to.UDPAddr) // waits for room, and explains an error
	return n, err
}
