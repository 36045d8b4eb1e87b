package privatelink

import (
	"testing"

	"github.com/miekg/dns"
)

// Every answer copies the EDNS flag DO from the query, and no other flag.
func TestReservedFlags(t *testing.T) {
	instance := serve(t, testCorefile+"\nforward . "+upstreamServer(t))
	for _, c := range []struct {
		name, qname string
		qtype       uint16
		flags, want uint32
	}{
		{"record", "a.privatelink.fall.test.", dns.TypeA, 0x7fff, 0},
		{"alias, DO", "a.fall.test.", dns.TypeA, 0xffff, 0x8000},
		{"NODATA", "a.privatelink.fall.test.", dns.TypeAAAA, 0x4000, 0},
		{"NXDOMAIN", "none.privatelink.hard.test.", dns.TypeA, 0x7fff, 0},
		{"splice", "c1.test.", dns.TypeA, 0xffff, 0x8000},
		{"REFUSED", "c1.test.", dns.TypeAXFR, 0x7fff, 0},
	} {
		r := new(dns.Msg).SetQuestion(c.qname, c.qtype).SetEdns0(1232, false)
		r.IsEdns0().Hdr.Ttl = c.flags
		if opt := sendQuery(t, instance, "udp", r).IsEdns0(); opt == nil || opt.Hdr.Ttl&0xffff != c.want {
			t.Errorf("%s: OPT is %v; want the flags %#x", c.name, opt, c.want)
		}
	}
}
