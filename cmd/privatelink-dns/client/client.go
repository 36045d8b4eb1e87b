// Package client asks DNS servers, for the commands that look at running ones.
package client

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

const (
	answerTimeout = 2 * time.Second // for one answer
	tries         = 3               // over UDP
)

// Split returns the addresses of a list with commas between. A text without any is
// one address.
func Split(text string) []string {
	all := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	if len(all) == 0 {
		return []string{text}
	}
	return all
}

// Address completes the address of a server with the port of DNS.
func Address(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), "53"
	}
	switch n, err := strconv.ParseUint(port, 10, 16); {
	case len(Split(text)) > 1:
		return "", fmt.Errorf("%q is %d addresses, one is expected", text, len(Split(text)))
	case !isHost(host):
		return "", fmt.Errorf("%q is not the address of a server, such as 10.10.0.4 or 127.0.0.1:1053", text)
	case err != nil || n == 0:
		return "", fmt.Errorf("%q: port %q is not a number from 1 to 65535", text, port)
	}
	return net.JoinHostPort(host, port), nil
}

// isHost reports whether the text is an IP address or a host name.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	name, err := dnsname.Parse(text)
	return err == nil && strings.Trim(name.String(), "0123456789.") != ""
}

// Exchange asks the server at addr, host:port, over "udp" or "tcp". Over UDP it
// asks again after 2 seconds without an answer, three times in all, and over TCP
// where the answer is truncated.
func Exchange(ctx context.Context, network, addr string, question *dns.Msg) (reply *dns.Msg, err error) {
	client := dns.Client{Net: network, Timeout: answerTimeout}
	for range tries {
		reply, _, err = client.ExchangeContext(ctx, question, addr)
		if err == nil && reply.Truncated && client.Net == "udp" {
			client.Net = "tcp"
			reply, _, err = client.ExchangeContext(ctx, question, addr)
		}
		if err == nil || client.Net == "tcp" || ctx.Err() != nil {
			break
		}
	}
	return reply, err
}

// ExtendedError returns the first extended error of a response (RFC 8914).
func ExtendedError(m *dns.Msg) (code uint16, ok bool) {
	if opt := m.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if ede, ok := option.(*dns.EDNS0_EDE); ok {
				return ede.InfoCode, true
			}
		}
	}
	return 0, false
}
