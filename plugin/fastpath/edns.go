package fastpath

import (
	"encoding/binary"

	"github.com/coredns/coredns/plugin/pkg/edns"
	"github.com/miekg/dns"
)

// parseOPT reads the OPT record that is the rest of a packet, and reports whether
// the chain's reply to it has an OPT record without other options than cookies and
// edns-tcp-keepalive.
func (q *Query) parseOPT(rest []byte) bool {
	if len(rest) < optSize || rest[0] != 0 || binary.BigEndian.Uint16(rest[1:]) != dns.TypeOPT {
		return false
	}
	ttl := binary.BigEndian.Uint32(rest[5:])
	if ttl&^flagDO != 0 { // a version, an extended RCODE or a reserved flag
		return false
	}
	options := rest[optSize:]
	if len(options) != int(binary.BigEndian.Uint16(rest[9:])) || !q.takeOptions(options) {
		return false
	}
	q.EDNS, q.DO = true, ttl&flagDO != 0
	q.optUDP = binary.BigEndian.Uint16(rest[3:])
	q.setLimit()
	return true
}

const flagDO = 1 << 15

// clamp bounds the EDNS size of the client, as plugin bufsize does.
func (q *Query) clamp(size int) {
	if q.EDNS && int(q.optUDP) > size {
		q.optUDP = uint16(size) //nolint:gosec // G115: at most 4096
		q.setLimit()
	}
}

// setLimit sets the octets that the client accepts. The size in its OPT record is one of
// datagrams (RFC 6891, 6.2.3).
func (q *Query) setLimit() {
	q.limit = maxReply
	if !q.stream {
		q.limit = min(max(int(q.optUDP), minSize), maxReply)
	}
}

// takeOptions reports whether the server decodes the options without an error, and drops
// all of them from the reply but cookies and edns-tcp-keepalive.
func (q *Query) takeOptions(options []byte) bool {
	for len(options) > 0 {
		if len(options) < 4 {
			return false
		}
		code, length := binary.BigEndian.Uint16(options), int(binary.BigEndian.Uint16(options[2:]))
		if len(options) < 4+length || !decodes(code, options[4:4+length]) || edns.SupportedOption(code) {
			return false
		}
		q.keepalive = q.keepalive || code == dns.EDNS0TCPKEEPALIVE
		if code == dns.EDNS0COOKIE && q.cookie == nil {
			q.cookie = options[4 : 4+length]
		}
		options = options[4+length:]
	}
	return true
}

// decodes reports whether the server is known to decode the option.
func decodes(code uint16, data []byte) bool {
	switch code {
	case dns.EDNS0LLQ, dns.EDNS0UL, dns.EDNS0ESU, dns.EDNS0EXPIRE, dns.EDNS0EDE, dns.EDNS0REPORTING, dns.EDNS0ZONEVERSION:
		return false // not sent with usual queries
	case dns.EDNS0TCPKEEPALIVE:
		return len(data) == 0 || len(data) == 2
	case dns.EDNS0SUBNET:
		return len(data) >= 4 && subnet(binary.BigEndian.Uint16(data), data[2], data[3])
	}
	return true
}

func subnet(family uint16, source, scope byte) bool {
	switch family {
	case 0:
		return source == 0
	case 1:
		return source <= 32 && scope <= 32
	case 2:
		return source <= 128 && scope <= 128
	}
	return false
}
