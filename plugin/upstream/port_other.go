//go:build !linux

package upstream

import "math/rand/v2"

// The dynamic ports (RFC 6335, 6). They are the default of Windows.
const firstPort, lastPort = 49152, 65535

// choosePort returns a random port, because not every system chooses one at random.
func choosePort() uint16 { return uint16(firstPort + rand.IntN(lastPort-firstPort+1)) } //nolint:gosec // secure unless seeded
