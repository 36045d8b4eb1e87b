// Package client asks DNS servers, for the commands that look at running ones.
package client

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	patience = 2 * time.Second // for one answer
	tries    = 3               // over UDP
)

// Address completes the address of a server with the port of DNS.
func Address(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), "53"
	}
	if host == "" || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return "", fmt.Errorf("%q is not the address of a server, such as 10.10.0.4 or 127.0.0.1:1053", text)
	}
	return net.JoinHostPort(host, port), nil
}

// Exchange asks the server at addr, host:port, over "udp" or "tcp". Over UDP it
// asks again after 2 seconds without an answer, three times in all, and over TCP
// where the answer is truncated.
func Exchange(ctx context.Context, network, addr string, question *dns.Msg) (reply *dns.Msg, err error) {
	client := dns.Client{Net: network, Timeout: patience}
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
