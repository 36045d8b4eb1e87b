package corefile

import "net/netip"

// placeholders are the addresses that Windows gives to an adapter without a DNS server
// over IPv6.
var placeholders = netip.MustParsePrefix("fec0:0:0:ffff::/64")

// usable reports whether a resolver of an adapter can be asked without its name.
func usable(addr netip.Addr) bool {
	return addr.IsValid() && !addr.IsUnspecified() && !addr.IsLinkLocalUnicast() && !placeholders.Contains(addr)
}
