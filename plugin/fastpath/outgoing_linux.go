package fastpath

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxSegments = 32   // the kernel allows 64
	maxSegment  = 1232 // fits into every MTU that IPv6 has
)

// outgoing has the replies of a batch. Those of one length to one client are sent as
// one message, which the kernel cuts into datagrams (UDP_SEGMENT), because the kernel
// causes most of the cost of a reply. Forwarders that ask from one port, such as dnsdist
// and CoreDNS, send most of the packets of a batch.
type outgoing struct {
	replies [batchSize]reply
	count   int

	messages [batchSize]mmsghdr
	groups   [batchSize]bundle // the replies of each message
	used     int               // messages
	iovs     [batchSize]unix.Iovec
	controls [batchSize][maxControl + segmentControl]byte
	single   bool // the network card does not cut messages
}

// A reply is one to be sent to the sender of a packet.
type reply struct {
	octets []byte
	to     *unix.Msghdr // of the packet, whose control message is that of the reply
	next   int8         // of the same message, or -1
	alone  bool         // the kernel does not send it with others
}

// A bundle is the replies of a message, as a list.
type bundle struct{ first, last, size int8 }

func (o *outgoing) reset() { o.count, o.used = 0, 0 }

// add adds a reply to the sender of a packet.
func (o *outgoing) add(octets []byte, to *unix.Msghdr) {
	o.replies[o.count] = reply{octets: octets, to: to, next: -1}
	o.count++
}

// bundle assigns a reply to a message.
func (o *outgoing) bundle(n int8) {
	if g := o.groupFor(&o.replies[n]); g != nil {
		o.replies[g.last].next = n
		g.last = n
		g.size++
		return
	}
	o.groups[o.used] = bundle{n, n, 1}
	o.used++
}

// groupFor returns the message that the reply can be a part of, or nil.
func (o *outgoing) groupFor(r *reply) *bundle {
	if o.single || r.alone || len(r.octets) > maxSegment {
		return nil
	}
	for i := range o.groups[:o.used] {
		g := &o.groups[i]
		if first := &o.replies[g.first]; !first.alone && len(first.octets) == len(r.octets) && g.size < maxSegments && samePeer(first.to, r.to) {
			return g
		}
	}
	return nil
}

// samePeer reports whether two packets have the same sender and were sent to the
// same address.
func samePeer(a, b *unix.Msghdr) bool {
	if a.Namelen != b.Namelen || a.Controllen != b.Controllen {
		return false
	}
	return string(unsafe.Slice(a.Name, a.Namelen)) == string(unsafe.Slice(b.Name, b.Namelen)) &&
		string(unsafe.Slice(a.Control, a.Controllen)) == string(unsafe.Slice(b.Control, b.Controllen))
}

// sendAlone sends a reply that is the only one, and reports whether it has done so. It costs less
// than a message, and cannot set the address to send from.
func (o *outgoing) sendAlone(fd uintptr) bool {
	r := &o.replies[0]
	if o.count != 1 || r.to.Controllen > 0 {
		return false
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(r.octets))), uintptr(len(r.octets)),
		unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(r.to.Name)), uintptr(r.to.Namelen))
	return errno == 0
}

// prepare makes the messages.
func (o *outgoing) prepare() {
	for n := range o.count {
		o.bundle(int8(n))
	}
	at := 0
	for i := range o.groups[:o.used] {
		g := &o.groups[i]
		first := &o.replies[g.first]
		h := &o.messages[i].hdr
		*h = unix.Msghdr{Name: first.to.Name, Namelen: first.to.Namelen, Iov: &o.iovs[at]}
		h.SetIovlen(int(g.size))
		for n := g.first; n >= 0; n = o.replies[n].next {
			r := &o.replies[n]
			o.iovs[at].Base = &r.octets[0]
			o.iovs[at].SetLen(len(r.octets))
			at++
		}
		o.setControl(i, first, g.size > 1)
	}
}

// setControl sets the control messages: the address to send from, and the length of
// the segments if there are several.
func (o *outgoing) setControl(i int, first *reply, several bool) {
	control := append(o.controls[i][:0], unsafe.Slice(first.to.Control, first.to.Controllen)...)
	if several {
		control = appendSegment(control, len(first.octets))
	}
	if len(control) > 0 {
		h := &o.messages[i].hdr
		h.Control = &control[0]
		h.SetControllen(len(control))
	}
}

// segmentControl is the octets of the control message for the length of segments, on
// 64-bit machines; others need less.
const segmentControl = 24

func appendSegment(control []byte, length int) []byte {
	at := len(control)
	control = control[:at+segmentControl]
	clear(control[at:])
	h := (*unix.Cmsghdr)(unsafe.Pointer(&control[at]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(control[at+unix.CmsgLen(0):], uint16(length)) //nolint:gosec // G115: at most maxSegment
	return control
}

// send sends the messages from the first one that is given, without waiting. It
// returns the next one to send, if it would have to wait, or used.
func (o *outgoing) send(fd uintptr, first int) int {
	for first < o.used {
		//nolint:gosec // G115: at most batchSize
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&o.messages[first])), uintptr(o.used-first), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0:
			first += int(n) //nolint:gosec // G115: at most batchSize
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			return first
		case o.groups[first].size > 1:
			o.single = o.single || errno == unix.EIO
			o.separate(first)
			first = 0
		default:
			first++ // the kernel rejects the reply, and the client retries
		}
	}
	return first
}

// separate makes a message of each reply of one message that the kernel rejects. A reply
// may be longer than the MTU of the path: alone, it is sent in fragments. The messages after
// it are made again.
func (o *outgoing) separate(first int) {
	var left []reply
	for i, g := range o.groups[first:o.used] {
		for n := g.first; n >= 0; n = o.replies[n].next {
			r := o.replies[n]
			r.alone, r.next = r.alone || i == 0, -1
			left = append(left, r)
		}
	}
	o.reset()
	o.count = copy(o.replies[:], left)
	o.prepare()
}
