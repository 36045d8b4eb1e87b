package fastpath

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// groups has the sockets of each address in use. A reload starts the new instance
// beside the old one, so both have the same sockets for a moment, by file descriptors of
// their own. A socket that is closed would lose the packets in it.
var (
	groupsMu sync.Mutex
	groups   = map[string]*group{}
)

// A group has the sockets of one address. The first half receives, and the other half
// sends. The group itself does neither: each instance uses duplicates.
type group struct {
	address string
	sockets []handle
	readers []*listener // only the first one reads, until it leaves
	users   int         // instances that have not closed their duplicates
}

// acquire returns duplicates of the sockets of an address, at which the server
// listens already. The first user opens n pairs of them. The listener is the last of
// those that read.
func acquire(address string, n int, l *listener) (*group, []pair, error) {
	groupsMu.Lock()
	defer groupsMu.Unlock()
	g := groups[address]
	if g == nil {
		g = &group{address: address}
		if err := g.openAll(n); err != nil {
			return nil, nil, errors.Join(err, g.closeAll())
		}
	}
	pairs, err := g.pairs()
	if err == nil && g.users > 0 && len(g.readers) == 0 { // the last reader has steered the packets away
		err = g.takeOver(g.receivers())
	}
	if err != nil {
		if g.users == 0 {
			err = errors.Join(err, g.closeAll())
		}
		return nil, nil, errors.Join(err, closePairs(pairs))
	}
	groups[address] = g
	g.users++
	g.readers = append(g.readers, l)
	return g, pairs, nil
}

// begin has the listener read if no earlier one does. Two that read would answer from the
// old and from the new data in turn.
func (g *group) begin(l *listener) {
	groupsMu.Lock()
	defer groupsMu.Unlock()
	if l.begun = true; g.readers[0] == l {
		l.setPaused(false)
	}
}

func (g *group) receivers() int { return len(g.sockets) / 2 }

// openAll opens the sockets. It steers all packets to the receivers before it opens the
// senders, because nobody reads from those.
func (g *group) openAll(n int) error {
	if err := g.open(n); err != nil {
		return err
	}
	if err := g.takeOver(n); err != nil {
		return err
	}
	return g.open(n)
}

// takeOver steers the packets from the server to n receivers.
func (g *group) takeOver(n int) error {
	if err := g.steer(0); err != nil {
		return err
	}
	g.nudge()
	return g.steer(n)
}

// nudges is the number of packets that end a read. One is not enough: the next server reads
// from the same socket and may get it.
const nudges = 16

// nudge sends empty packets to the server, which discards them. In a reload, package net
// lets the server's socket block for a moment, and a read that begins then waits in the
// kernel. Without another packet it would wait forever, and the reload with it.
func (g *group) nudge() {
	at, err := unix.Getsockname(int(g.sockets[0]))
	if err != nil {
		return
	}
	domain := unix.AF_INET
	switch to := at.(type) {
	case *unix.SockaddrInet4:
		if to.Addr == [4]byte{} {
			to.Addr[0], to.Addr[3] = 127, 1
		}
	case *unix.SockaddrInet6:
		domain = unix.AF_INET6
		if to.Addr == [16]byte{} {
			to.Addr[15] = 1
		}
	}
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer handle(fd).close() //nolint:errcheck // nothing is left to send
	for range nudges {
		_ = unix.Sendto(fd, nil, unix.MSG_DONTWAIT, at)
	}
}

func (g *group) open(n int) error {
	for range n {
		h, err := openHandle(g.address)
		if err != nil {
			return err
		}
		g.sockets = append(g.sockets, h)
	}
	return nil
}

func (g *group) closeAll() (err error) {
	for _, h := range g.sockets {
		err = errors.Join(err, h.close())
	}
	return err
}

// pairs returns duplicates of the sockets.
func (g *group) pairs() (all []pair, err error) {
	for i := range g.receivers() {
		p, err := newPair(g.sockets[i], g.sockets[g.receivers()+i])
		if err != nil {
			return nil, errors.Join(err, closePairs(all))
		}
		all = append(all, p)
	}
	return all, nil
}

// leave ends the reading of a listener. The next one reads the packets that are in the
// sockets. After the last one, the packets are steered to the server's own socket, which
// stays open in a reload that removes the fast path.
func (g *group) leave(l *listener) {
	groupsMu.Lock()
	defer groupsMu.Unlock()
	at := slices.Index(g.readers, l)
	if at >= 0 {
		g.readers = slices.Delete(g.readers, at, at+1)
	}
	switch {
	case len(g.readers) == 0:
		if err := g.steer(0); err != nil {
			log.Warningf("%s: %v", g.address, err)
		}
	case at == 0:
		l.setPaused(true)
		if next := g.readers[0]; next.begun {
			next.setPaused(false)
		}
	}
}

func (g *group) release() {
	groupsMu.Lock()
	defer groupsMu.Unlock()
	if g.users--; g.users > 0 {
		return
	}
	delete(groups, g.address)
	if err := g.closeAll(); err != nil {
		log.Warningf("%s: %v", g.address, err)
	}
}

func (g *group) unused() bool {
	groupsMu.Lock()
	defer groupsMu.Unlock()
	return g.users == 0
}

// thisCPU is the address at which a program finds the number of the CPU that it runs
// on: SKF_AD_OFF + SKF_AD_CPU of the kernel.
const thisCPU = 0xfffff000 + 36

// steer attaches a program to the sockets of the address. It returns the index of
// the socket that receives a packet, in the order of binding: the server's own
// socket is 0. With n sockets, each has the packets that one CPU has received, so that
// packets which arrive together are answered together. With none, all packets go to the
// server.
//
// The alternative, to spread the packets by their ID, loads all sockets evenly. But each
// gets the packets one by one, wakes up for each, and sends the replies one by one: with
// 32 clients, a query costs a half more. The kernel's choice without a program is a hash
// of the addresses and ports, so that the server gets a part of the packets.
func (g *group) steer(n int) error {
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: thisCPU},
		{Code: unix.BPF_ALU | unix.BPF_MOD | unix.BPF_K, K: uint32(n)}, //nolint:gosec // G115: the number of CPUs
		{Code: unix.BPF_ALU | unix.BPF_ADD | unix.BPF_K, K: 1},
		{Code: unix.BPF_RET | unix.BPF_A},
	}
	if n == 0 {
		program = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	}
	if err := attachProgram(int(g.sockets[0]), program); err != nil {
		return fmt.Errorf("the kernel does not steer packets: %w", err)
	}
	return nil
}

func attachProgram(fd int, program []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]} //nolint:gosec // G115: a few lines
	return attach(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &prog)
}

var attach = unix.SetsockoptSockFprog // a test replaces it
