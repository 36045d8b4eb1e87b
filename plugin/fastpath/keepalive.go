package fastpath

import (
	"slices"

	"github.com/miekg/dns"
)

// withKeepalive returns a writer for a query that may have the option edns-tcp-keepalive.
func withKeepalive(w dns.ResponseWriter, r *dns.Msg, idle func() uint16) dns.ResponseWriter {
	if o := r.IsEdns0(); o == nil || !slices.ContainsFunc(o.Option, isKeepalive) {
		return w
	}
	return &keepaliveWriter{w, idle()}
}

// A keepaliveWriter adds the option edns-tcp-keepalive, which has the time that the
// connection may be idle (RFC 7828).
type keepaliveWriter struct {
	dns.ResponseWriter
	idle uint16
}

// WriteMsg implements dns.ResponseWriter.
func (w *keepaliveWriter) WriteMsg(m *dns.Msg) error {
	if o := m.IsEdns0(); o != nil {
		o.Option = append(slices.DeleteFunc(o.Option, isKeepalive), &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE, Timeout: w.idle})
	}
	return w.ResponseWriter.WriteMsg(m)
}

func isKeepalive(o dns.EDNS0) bool { return o.Option() == dns.EDNS0TCPKEEPALIVE }
