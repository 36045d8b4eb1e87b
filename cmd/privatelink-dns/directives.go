package main

import (
	// The stock plugins that this job needs, and no more: a plugin that is not
	// linked cannot be attacked, and the Kubernetes, AWS and Google ones alone
	// are half of a stock CoreDNS.
	_ "github.com/coredns/coredns/plugin/acl"
	_ "github.com/coredns/coredns/plugin/any"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/bufsize"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/header"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/https"
	_ "github.com/coredns/coredns/plugin/local"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/multisocket"
	_ "github.com/coredns/coredns/plugin/proxyproto"
	_ "github.com/coredns/coredns/plugin/quic"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/root"
	_ "github.com/coredns/coredns/plugin/secondary"
	_ "github.com/coredns/coredns/plugin/timeouts"
	_ "github.com/coredns/coredns/plugin/tls"
	_ "github.com/coredns/coredns/plugin/transfer"
	_ "github.com/coredns/coredns/plugin/tsig"

	_ "github.com/privatelink-dns/privatelink-dns/plugin/cookies"
	_ "github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
	_ "github.com/privatelink-dns/privatelink-dns/plugin/lru"
	_ "github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	_ "github.com/privatelink-dns/privatelink-dns/plugin/status"
	_ "github.com/privatelink-dns/privatelink-dns/plugin/upstream"
)

// directives is the order in which plugins see a query, whatever the order in
// the Corefile. It differs from stock CoreDNS in five places:
//
//   - acl is before every plugin that answers: in stock order a blocked
//     client still gets through to local and any.
//   - privatelink is before lru: its own data is never cached, and it looks
//     into cached answers of the upstream as into fresh ones.
//   - fastpath comes before privatelink and lru, because a reload and a shutdown
//     close the plugins in this order: its sockets end while both still answer.
//   - cookies is before every plugin that answers, so that each answer has a cookie, and
//     behind acl, which may drop a query.
//   - lru, in the place of stock cache, is behind the plugins with zones of their
//     own, for the same reason.
var directives = []string{
	"root", "proxyproto", "quic", "https", "timeouts", "multisocket", "reload", "tls", "bufsize", "bind", "fastpath",
	"status", "ready", "health", "prometheus", "errors", "log",
	"acl", "cookies", "local", "any", "tsig", "header", "transfer",
	"privatelink", "hosts", "file", "secondary",
	"lru", "loop", "upstream", "forward",
}
