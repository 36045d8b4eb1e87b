package lifecycle

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"syscall"
)

// taken reports whether another socket listens on the address.
func taken(a address) bool {
	var conn io.Closer
	var err error
	if a.network == "udp" {
		conn, err = net.ListenPacket("udp", a.String())
	} else {
		conn, err = net.Listen("tcp", a.String())
	}
	if err == nil {
		return conn.Close() != nil
	}
	// Otherwise the server's own attempt reports the error, or succeeds beside a socket on
	// a part of the addresses.
	return errors.Is(err, syscall.EADDRINUSE) && listens(a)
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// listening is the state of sockets that receive queries in the kernel's tables.
var listening = map[string]string{"udp": "07", "tcp": "0A"}

// listens reports whether a socket listens on exactly this address.
func listens(a address) bool {
	number, err := strconv.ParseUint(a.port, 10, 16)
	addr, _ := netip.ParseAddr(a.host)
	if err != nil {
		return false
	}
	for _, version := range []string{"", "6"} {
		table, _ := os.ReadFile("/proc/net/" + a.network + version) // without it, nothing is known
		for line := range bytes.Lines(table) {
			fields := bytes.Fields(line)
			if len(fields) > 3 && string(fields[3]) == listening[a.network] && isAddress(fields[1], addr, uint16(number)) {
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
