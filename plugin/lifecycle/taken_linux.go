package lifecycle

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"syscall"

	"github.com/coredns/caddy"
)

// Taken returns an error if another process listens on the UDP address already. It
// is to be called from Begin. CoreDNS shares its ports (SO_REUSEPORT), so a second
// server of the same user would start without an error, and get a part of the
// queries. After a first start, the socket may be one of this process, and Taken
// returns nil.
func Taken(host, port string) error {
	if port == "0" || slices.ContainsFunc(caddy.Instances(), started) {
		return nil
	}
	conn, err := net.ListenPacket("udp", net.JoinHostPort(host, port))
	if err == nil {
		return conn.Close()
	}
	if errors.Is(err, syscall.EADDRINUSE) && listens(host, port) {
		return fmt.Errorf("another process listens on %s already, stop it first", net.JoinHostPort(host, port))
	}
	return nil // the server's own attempt reports it, or succeeds beside a socket on a part of the addresses
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// listens reports whether there is a UDP socket on exactly this address.
func listens(host, port string) bool {
	number, err := strconv.ParseUint(port, 10, 16)
	addr, _ := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, path := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		table, _ := os.ReadFile(path) // without it, nothing is known
		for line := range bytes.Lines(table) {
			fields := bytes.Fields(line)
			if len(fields) > 1 && isAddress(fields[1], addr, uint16(number)) {
				return true
			}
		}
	}
	return false
}

// isAddress compares an address of the kernel's table: words of the machine's
// order in hexadecimal, a colon, and the port. An invalid addr is the wildcard.
func isAddress(text []byte, addr netip.Addr, port uint16) bool {
	before, after, _ := bytes.Cut(text, []byte(":"))
	number, err := strconv.ParseUint(string(after), 16, 16)
	octets := make([]byte, hex.DecodedLen(len(before)))
	if _, bad := hex.Decode(octets, before); err != nil || bad != nil || uint16(number) != port || len(octets)%4 != 0 {
		return false
	}
	for word := range slices.Chunk(octets, 4) {
		if littleEndian {
			slices.Reverse(word)
		}
	}
	got, ok := netip.AddrFromSlice(octets)
	if !ok {
		return false
	}
	if !addr.IsValid() || addr.IsUnspecified() {
		return got.IsUnspecified()
	}
	return got.Unmap() == addr.Unmap().WithZone("")
}
