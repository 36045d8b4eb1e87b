package fastpath

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxControl   = 64 // octets of the address that a packet was sent to, in a control message
	maxReplyRoom = maxReply + optSize
)

// A batch is the packets of one read, and the replies to them. The kernel reads and
// writes its memory, so it must not move: it is allocated on its own.
//
// Package ipv4 of golang.org/x/net has batches as well. They allocate an address
// for each packet, which costs more than the answer.
type batch struct {
	received [batchSize]mmsghdr
	from     [batchSize]unix.RawSockaddrInet6 // or an Inet4, which is shorter
	iovs     [batchSize]unix.Iovec
	packets  [batchSize][maxPacket]byte
	controls [batchSize][maxControl]byte
	used     int // headers that the kernel has written since they were prepared

	replies  [batchSize][maxReplyRoom]byte
	outgoing outgoing
}

// mmsghdr is struct mmsghdr of the kernel.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

func newBatch() *batch {
	b := &batch{}
	for i := range batchSize {
		b.iovs[i].Base = &b.packets[i][0]
		b.iovs[i].SetLen(maxPacket)
		h := &b.received[i].hdr
		h.Name, h.Iov, h.Control = (*byte)(unsafe.Pointer(&b.from[i])), &b.iovs[i], &b.controls[i][0]
		h.SetIovlen(1)
	}
	b.used = batchSize
	return b
}

// receive reads packets without waiting and returns how many.
func (b *batch) receive(fd uintptr) (int, unix.Errno) {
	for i := range b.received[:b.used] {
		h := &b.received[i].hdr
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(maxControl)
		h.Flags = 0
	}
	b.used = 0
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.received[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
		if errno == 0 {
			b.used = int(n) //nolint:gosec // G115: at most batchSize
			return b.used, 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

func (b *batch) packet(i int) []byte { return b.packets[i][:min(b.received[i].len, maxPacket)] }

// cut reports whether the packet is longer than the room for it.
func (b *batch) cut(i int) bool { return b.received[i].hdr.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 }

// client returns the address of the packet's sender.
func (b *batch) client(i int) netip.Addr {
	if b.from[i].Family == unix.AF_INET {
		return netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(&b.from[i])).Addr)
	}
	return netip.AddrFrom16(b.from[i].Addr).Unmap()
}

// returnTo returns the header of a packet with the control message that makes a
// reply leave from the address that the packet was sent to. It is the received one
// without the interface: the route decides it.
func (b *batch) returnTo(i int) *unix.Msghdr {
	in := &b.received[i].hdr
	control := b.controls[i][:in.Controllen]
	if len(control) < unix.SizeofCmsghdr {
		in.SetControllen(0)
		return in
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	data := control[unix.CmsgLen(0):]
	switch {
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		(*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0])).Ifindex = 0
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		(*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0])).Ifindex = 0
	default:
		in.SetControllen(0)
	}
	return in
}

// peer returns the sender of a packet, for a reply of the chain.
func (b *batch) peer(i int) *peer {
	p := &peer{from: b.from[i], fromLen: b.received[i].hdr.Namelen}
	p.control = append(p.control, b.controls[i][:b.returnTo(i).Controllen]...)
	if p.from.Family == unix.AF_INET {
		from := (*unix.RawSockaddrInet4)(unsafe.Pointer(&p.from))
		p.IP, p.Port = from.Addr[:], hostOrder(from.Port)
		return p
	}
	p.IP, p.Port = p.from.Addr[:], hostOrder(p.from.Port)
	if p.from.Scope_id != 0 {
		p.Zone = strconv.FormatUint(uint64(p.from.Scope_id), 10)
	}
	return p
}

// hostOrder returns a port that is in network order.
func hostOrder(port uint16) int {
	var octets [2]byte
	binary.NativeEndian.PutUint16(octets[:], port)
	return int(binary.BigEndian.Uint16(octets[:]))
}

// A peer is the sender of a packet, and the address that the packet was sent to.
type peer struct {
	net.UDPAddr
	from    unix.RawSockaddrInet6 // the same address as the kernel has it, see batch
	fromLen uint32
	control []byte
}

// Unwrap returns the address in the type that CoreDNS expects.
func (p *peer) Unwrap() net.Addr { return &p.UDPAddr }

// send sends a reply without waiting, and reports whether it has done so.
func (p *peer) send(fd uintptr, reply []byte) bool {
	iov := unix.Iovec{Base: unsafe.SliceData(reply)}
	iov.SetLen(len(reply))
	message := unix.Msghdr{Name: (*byte)(unsafe.Pointer(&p.from)), Namelen: p.fromLen, Iov: &iov, Control: unsafe.SliceData(p.control)}
	message.SetIovlen(1)
	message.SetControllen(len(p.control))
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&message)), unix.MSG_DONTWAIT)
	return errno == 0
}
