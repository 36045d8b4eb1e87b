package corefile

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"
)

// resolvers returns the DNS servers of the network adapters that are up.
func resolvers() (all []string, err error) {
	size := uint32(16 << 10)
	for range 3 { // the list may grow in between
		buffer := make([]byte, size)
		first := (*windows.IpAdapterAddresses)(unsafe.Pointer(&buffer[0]))
		const flags = windows.GAA_FLAG_SKIP_ANYCAST | windows.GAA_FLAG_SKIP_MULTICAST | windows.GAA_FLAG_SKIP_UNICAST
		err = windows.GetAdaptersAddresses(windows.AF_UNSPEC, flags, 0, first, &size)
		if err == nil {
			all = servers(first)
			break
		}
		if !errors.Is(err, windows.ERROR_BUFFER_OVERFLOW) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list the network adapters: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("no network adapter has a DNS server")
	}
	return all, nil
}

func servers(adapter *windows.IpAdapterAddresses) (all []string) {
	for ; adapter != nil; adapter = adapter.Next {
		if adapter.OperStatus != windows.IfOperStatusUp {
			continue
		}
		for server := adapter.FirstDnsServerAddress; server != nil; server = server.Next {
			addr, ok := netip.AddrFromSlice(server.Address.IP())
			if addr = addr.Unmap(); ok && usable(addr) && !slices.Contains(all, addr.String()) {
				all = append(all, addr.String())
			}
		}
	}
	return all
}
