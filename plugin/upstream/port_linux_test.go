package upstream

import (
	"fmt"
	"os"
	"testing"
)

// portRange returns the ephemeral ports of the system.
func portRange(t *testing.T) (low, high int) {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skip(err)
	}
	if _, err := fmt.Sscan(string(text), &low, &high); err != nil {
		t.Fatal(err)
	}
	if high-low < 20000 {
		t.Skipf("the range %d to %d is not the usual one", low, high)
	}
	return low, high
}
