package privatelink

import "github.com/miekg/dns"

// clearReserved clears the EDNS flags that have no meaning yet. The server returns
// the client's OPT record, and a reply must not have them (RFC 6891, 6.1.4).
func clearReserved(r *dns.Msg) {
	if opt := r.IsEdns0(); opt != nil {
		opt.Hdr.Ttl &^= 0x7fff
	}
}
