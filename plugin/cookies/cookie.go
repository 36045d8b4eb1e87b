package cookies

import (
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/dchest/siphash"
)

// Octets of the parts of a cookie.
const (
	clientSize = 8
	serverSize = 16 // of the server cookies that we make
	cookieSize = clientSize + serverSize
	leastSize  = clientSize + 8  // with the shortest server cookie (RFC 7873, 4)
	mostSize   = clientSize + 32 // with the longest one
)

// version is that of the interoperable server cookies (RFC 9018, 4.1).
const version = 1

// The times of RFC 9018, 4.3.
const (
	past   = time.Hour        // a server cookie is valid for so long
	future = 5 * time.Minute  // the clock of another instance may be ahead
	fresh  = 30 * time.Minute // a valid one is replaced after so long
)

// A secret is the key of SipHash-2-4.
type secret [16]byte

// make returns the cookie of a client at a time (RFC 9018, 4).
func (s *secret) make(client [clientSize]byte, addr netip.Addr, seconds uint32) (c [cookieSize]byte) {
	copy(c[:], client[:])
	c[clientSize] = version
	binary.BigEndian.PutUint32(c[12:], seconds)
	s.seal(&c, addr)
	return c
}

// seal puts the hash at the end of the cookie.
func (s *secret) seal(c *[cookieSize]byte, addr netip.Addr) {
	var input [cookieSize - 8 + 16]byte
	n := copy(input[:], c[:cookieSize-8])
	if addr.Is4() {
		a := addr.As4()
		n += copy(input[n:], a[:])
	} else {
		a := addr.As16()
		n += copy(input[n:], a[:])
	}
	hash := siphash.Hash(binary.LittleEndian.Uint64(s[:]), binary.LittleEndian.Uint64(s[8:]), input[:n])
	binary.LittleEndian.PutUint64(c[cookieSize-8:], hash)
}

// valid reports whether we, or an instance with the secret, made the cookie for the client
// not long ago, and its age.
func (s *secret) valid(cookie []byte, addr netip.Addr, now time.Time) (age time.Duration, ok bool) {
	if len(cookie) != cookieSize || cookie[clientSize] != version {
		return 0, false
	}
	// Serial numbers wrap around in 2106 (RFC 1982).
	age = time.Duration(int32(uint32(now.Unix())-binary.BigEndian.Uint32(cookie[12:]))) * time.Second //nolint:gosec // G115: serial numbers
	if age > past || age < -future {
		return 0, false
	}
	c := [cookieSize]byte(cookie)
	s.seal(&c, addr) // with the reserved octets as they came
	return age, subtle.ConstantTimeCompare(c[cookieSize-8:], cookie[cookieSize-8:]) == 1
}
